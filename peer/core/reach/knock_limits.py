"""Decides which knocks are answered, so that neither users nor a directory keep me dialling."""

from typing import Final

from shared.bucket import TokenBucket
from shared.names import fold

PAIR_SECONDS: Final = 4.0  # between two answers to one user; an honest directory lets 5 s pass
A_SECOND: Final = 1.0  # of all users,
AT_ONCE: Final = 60.0  # and some at once: as many as an honest directory tells
REMEMBERED: Final = 1_000  # users: bounds memory

_NEVER: Final = float("-inf")


class KnockLimits:
    """`now`: seconds of a clock that only goes forward."""

    def __init__(self, now: float) -> None:
        self._all = TokenBucket(A_SECOND, AT_ONCE, now)
        self._full_until = now
        self._last: dict[str, float] = {}  # by folded names; the one answered last is at the end

    def allow(self, name: str, now: float) -> bool:
        """Count a knock of this user; return whether it is answered."""
        is_too_soon = now < self._last.get(fold(name), _NEVER) + PAIR_SECONDS
        if is_too_soon or now < self._full_until:
            return False
        self._full_until = now + self._all.take(1.0, now)
        self._last.pop(fold(name), None)
        self._last[fold(name)] = now
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
        return True
