"""The line editor of the full terminal; it knows nothing of peers."""
