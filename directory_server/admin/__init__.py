"""What the operator of a running directory asks of it, over a socket in its data folder."""
