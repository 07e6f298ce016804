"""Beside the floors: the world as a product. What services say back, and what the room sounds like."""
