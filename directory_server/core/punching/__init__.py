"""Decisions on ways that two users open from both sides at once."""
