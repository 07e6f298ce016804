"""Floor 3. The hardware: one third-party library per file, each an adapter to a port, with a fake in fake.py."""
