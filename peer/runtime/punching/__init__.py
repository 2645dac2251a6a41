"""Open a way to a user from both sides."""
