"""Keep on disk what a peer must remember."""
