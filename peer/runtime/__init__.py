"""The tasks of a peer: they perform what the cores decide."""
