"""Decisions about what the operator of a directory does: bans, invites, counts."""
