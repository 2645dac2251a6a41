"""How the program starts, and how it ends."""
