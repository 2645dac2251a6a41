"""Decide what counts as read, and what a start shows of what was said."""
