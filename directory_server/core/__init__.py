"""What the directory decides: no trio, no disk, no network."""
