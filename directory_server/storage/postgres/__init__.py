"""The store in PostgreSQL, for a directory that must outlive its machine."""
