"""Decisions of the directory: no trio, no disk, no network."""
