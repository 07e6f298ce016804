"""Floor 1. Sound as arithmetic: pure, and counted in frames, never by a clock."""
