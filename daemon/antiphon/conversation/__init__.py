"""Floor 1. How a conversation goes: pure thought. Read machine.py first; README.md draws its states."""
