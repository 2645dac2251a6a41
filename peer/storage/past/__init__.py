"""Find what was said, and remember how far it was read."""
