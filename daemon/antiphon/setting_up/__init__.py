"""Floor 5. `antiphon setup`: dialogue.py asks, talk.py is the terminal, loudness.py turns the speaker while it is
tried, draft.py keeps the answers and writes them down at the end, service.py stops and starts the appliance.
"""
