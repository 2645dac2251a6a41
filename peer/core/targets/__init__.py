"""Decisions on where a line goes: the places of a user, and the lines begun for each."""
