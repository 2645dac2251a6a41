"""Invite and be invited: perform what the invitation machine decides."""
