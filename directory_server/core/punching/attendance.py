"""Decide how many connections may be there for meetings: each takes a file of the directory."""

from collections import Counter
from typing import Final

from shared.errors import Refused

OF_ONE: Final = 8  # user at once: three that wait, and those of others who call
IN_ALL: Final = 1_000


class Attendance:
    def __init__(self) -> None:
        self._there: Counter[int] = Counter()

    def enter(self, user: int) -> None:
        """Count a connection of a user.  Raises Refused for one too many."""
        if self._there[user] >= OF_ONE or self._there.total() >= IN_ALL:
            raise Refused("too many meet here at this moment", "LIMIT")
        self._there[user] += 1

    def leave(self, user: int) -> None:
        self._there[user] -= 1
        if not self._there[user]:
            del self._there[user]
