"""Invitations between two peers."""
