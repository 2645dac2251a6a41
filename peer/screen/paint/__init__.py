"""Paint events as lines of a terminal."""
