"""Register at the directory, stay registered, ask it, and keep what it tells."""
