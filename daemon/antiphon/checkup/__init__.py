"""Floor 5. What `antiphon doctor` tries, a room a file: the network, the sound card, this machine.

Each check gives a Finding; none prints, and none lets another down.
"""
