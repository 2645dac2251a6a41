"""The commands that a user may type.  The prompt imports this, so it stays light."""
