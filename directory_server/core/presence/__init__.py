"""Decisions about presence: who is told what of whom."""
