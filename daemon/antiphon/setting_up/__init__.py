"""Floor 5. `antiphon setup`: dialogue.py asks, trying.py lets the owner hear and measure, talk.py is the terminal,
loudness.py turns the speaker meanwhile, draft.py keeps the answers and writes them down at the end, service.py stops
and starts the appliance.
"""
