"""Serve the operator of a running directory, over a socket in its data folder."""
