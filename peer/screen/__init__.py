"""The user's side: what is typed, and what is shown."""
