"""My conversations: each one, what they share, and all of them together."""
