"""How much work with signatures others may make for me.

Nobody honest sends many that are wrong, nor much that is news: so whoever does loses the
link.  What is known already is never checked again, and costs nothing.
"""

from typing import Final

from shared.bucket import TokenBucket
from shared.errors import ProtocolError

CHECKS_AT_ONCE: Final = 2_000  # two full rolls, with which nobody is strange to anybody
CHECKS_A_SECOND: Final = 200  # 3 % of a processor
MEMBERS_MOST: Final = 256  # who are watched at the same time


class CheckBudget:
    """A budget of checks for each other member."""

    def __init__(self) -> None:
        self._budgets: dict[str, TokenBucket] = {}

    def spend(self, member: str, checks: int, now: float) -> None:
        """Raises ProtocolError when these were too many."""
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
