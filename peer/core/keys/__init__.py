"""Keys of others: what is shown of them, and what is told."""
