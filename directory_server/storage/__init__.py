"""What the directory keeps on disk."""
