"""What happened, as lines of a terminal."""
