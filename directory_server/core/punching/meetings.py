"""Decide who meets whom, so that two users open a way from both sides at the same moment.

A meeting is of exactly two users, and takes place once: when both have come, its token is
good for nothing any more.
"""

from collections import Counter
from typing import Final

from msgspec import Struct

from shared.errors import Refused
from shared.names import fold

MEETING_SECONDS: Final = 15.0  # until a meeting is over, whether or not it has taken place
AT_ONCE: Final = 3  # meetings for which one user waits
REMEMBERED: Final = 20_000  # at once: of 10,000 users who all come back after an outage


class Sight(Struct, frozen=True):
    """The address from which a user's connection comes."""

    host: str
    port: int
    inner: int = 0  # the port on the user's own machine, as they say; 0: not known


class Meeting(Struct):
    caller: int
    callee: int
    over_at: float
    came: dict[int, Sight] = {}  #: the users who have come

    def other_than(self, user: int) -> int:
        return self.callee if user == self.caller else self.caller


def first_of(one: str, other: str) -> str:
    """Return which of these two users is the client of TLS."""
    return min(one, other, key=fold)


class Meetings:
    def __init__(self) -> None:
        self._open: dict[bytes, Meeting] = {}  # those that have not taken place, the oldest first
        self._waiting: Counter[int] = Counter()  # how many of these each caller waits for

    def check_room(self, caller: int, now: float) -> None:
        """Raise Refused if this user waits for too many others already."""
        self._forget(now)
        if self._waiting[caller] >= AT_ONCE:
            raise Refused(f"you wait for {AT_ONCE} others already: wait a moment", "LIMIT")

    def begin(self, token: bytes, caller: int, callee: int, now: float) -> None:
        """Let these two meet.  `token` is new, and known to nobody else."""
        self._forget(now)
        if token not in self._open:
            self._open[token] = Meeting(caller, callee, now + MEETING_SECONDS)
            self._waiting[caller] += 1
            if len(self._open) > REMEMBERED:
                self._remove(next(iter(self._open)))

    def find(self, token: bytes, now: float) -> Meeting | None:
        """Return the meeting that has not taken place yet, and is not over."""
        self._forget(now)
        return self._open.get(token)

    def come(self, token: bytes, user: int, sight: Sight, now: float) -> Meeting | None:
        """Note that a user is there; return the meeting if it takes place now.

        Raises Refused for a token that is not theirs, or was used.
        """
        meeting = self.find(token, now)
        if meeting is None or user not in (meeting.caller, meeting.callee):
            raise Refused("there is no such meeting for you")
        if user in meeting.came:
            raise Refused("you have come to this meeting already")
        meeting.came[user] = sight
        if len(meeting.came) < 2:
            return None
        self._remove(token)
        return meeting

    def _remove(self, token: bytes) -> None:
        caller = self._open.pop(token).caller
        self._waiting[caller] -= 1
        if not self._waiting[caller]:
            del self._waiting[caller]

    def _forget(self, now: float) -> None:
        while self._open:
            oldest = next(iter(self._open))
            if self._open[oldest].over_at > now:
                return
            self._remove(oldest)
