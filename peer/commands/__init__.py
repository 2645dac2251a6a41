"""What a user may type.  The prompt imports it: it stays light."""
