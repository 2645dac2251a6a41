"""Prove to members who said what, and that it was the same to all."""
