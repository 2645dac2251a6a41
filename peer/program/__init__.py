"""Start and end of the program."""
