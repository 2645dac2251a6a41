"""Decide what keeps others from reaching me, and say it."""
