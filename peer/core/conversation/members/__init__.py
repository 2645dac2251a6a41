"""The members: who is in, from where on they may read, and who is in reach."""
