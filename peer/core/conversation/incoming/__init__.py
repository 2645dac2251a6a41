"""Texts that arrive: what is missing, in which order they are shown, what is on disk."""
