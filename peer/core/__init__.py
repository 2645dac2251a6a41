"""What a peer decides: no trio, no disk, no network."""
