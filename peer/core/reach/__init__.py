"""Decisions on reaching others: who is where, whom to dial, when to try again."""
