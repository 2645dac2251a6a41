"""Names and mail of the directory, on disk."""
