"""Decisions of a peer: no trio, no disk, no network."""
