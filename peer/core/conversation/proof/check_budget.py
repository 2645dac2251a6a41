"""Limits how many signatures others may make me check.

Honest members send few wrong signatures and little that is news, so a member who
makes me check too many loses the link.  What is known already is not checked again, and
costs nothing.
"""

from typing import Final

from shared.bucket import TokenBucket
from shared.errors import ProtocolError

CHECKS_AT_ONCE: Final = 2_000  # two full rolls, even if nobody in them is known yet
CHECKS_A_SECOND: Final = 200  # 3 % of a processor
MEMBERS_MOST: Final = 256  # watched at the same time


class CheckBudget:
    """A budget of checks for each other member."""

    def __init__(self) -> None:
        self._budgets: dict[str, TokenBucket] = {}

    def spend(self, member: str, checks: int, now: float) -> None:
        """Count these checks; raise ProtocolError when they were too many."""
        if not checks:
            return
        budget = self._budgets.pop(member, None) or TokenBucket(
            CHECKS_A_SECOND, CHECKS_AT_ONCE, now
        )
        self._budgets[member] = budget
        if len(self._budgets) > MEMBERS_MOST:
            del self._budgets[next(iter(self._budgets))]
        if budget.take(checks, now):
            raise ProtocolError("more to check than can be news")
