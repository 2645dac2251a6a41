"""The full terminal."""
