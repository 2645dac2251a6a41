"""Limits users whom I have never answered: how much, how fast, and announced at first.

A core.  Once I answer a user, no limit applies.  Each line counts with its row on disk,
so that many short lines do not count less than the space they take.
"""

from typing import Final, Protocol

from msgspec import Struct

from shared.bucket import TokenBucket
from shared.errors import Refused
from shared.names import fold

LINES_A_SECOND: Final = 20.0  # nobody types faster; a pasted page arrives at once
LINES_AT_ONCE: Final = 100.0
BYTES_MOST: Final = 1024 * 1024  # of one user, on disk, until I answer
LINE_BYTES: Final = 200  # of a line on disk, besides its text
REMEMBERED: Final = 1_000  # users: bounds memory; the disk knows the others


class Written(Struct, frozen=True):
    """The space that one user takes on my disk."""

    lines: int = 0
    bytes: int = 0  # of their texts
    is_announced: bool = False  # whether a private line or a letter is among them


class Answered(Protocol):
    """The users whom I have answered."""

    def knows(self, name: str) -> bool:
        """Whether this user is one of them."""


class KeptLines(Protocol):
    """The lines on my disk."""

    def written_by(self, sender: str) -> Written:
        """Return how much of them this user has written."""


class _User(Struct):
    bucket: TokenBucket
    bytes: int
    is_announced: bool
    pause_until: float = 0.0


class StrangerLimits:
    """The limits of all such users.  `now`: seconds of any clock that only goes forward."""

    def __init__(self, answered: Answered, kept: KeptLines) -> None:
        self._answered, self._kept = answered, kept
        self._users: dict[str, _User] = {}  # the last writer is at the end

    def take(self, name: str, text: str, now: float) -> None:
        """Count a line or letter; raise Refused, for its author, when that is too much."""
        if self._answered.knows(name):
            self._users.pop(fold(name), None)
            return
        user = self._user(name, now)
        size = len(text.encode(errors="replace")) + LINE_BYTES
        user.pause_until = now + user.bucket.take(1.0, now)
        if user.bytes + size > BYTES_MOST:
            raise Refused("they have never answered you, and take no more until they do", "FULL")
        user.bytes += size

    def pause(self, name: str, now: float) -> float:
        """Return the seconds to wait before reading the next line of this user."""
        user = self._users.get(fold(name))
        if user is None or self._answered.knows(name):
            return 0.0
        return max(0.0, user.pause_until - now)

    def announces(self, name: str, now: float) -> bool:
        """Whether to announce that this user writes for the first time ever; True once."""
        if self._answered.knows(name):
            return False
        user = self._user(name, now)
        is_first, user.is_announced = not user.is_announced, True
        return is_first

    def _user(self, name: str, now: float) -> _User:
        user = self._users.pop(fold(name), None)
        if user is None:
            there = self._kept.written_by(name)
            size = there.bytes + there.lines * LINE_BYTES
            bucket = TokenBucket(LINES_A_SECOND, LINES_AT_ONCE, now)
            user = _User(bucket, size, there.is_announced)
        self._users[fold(name)] = user
        if len(self._users) > REMEMBERED:
            del self._users[next(iter(self._users))]
        return user
