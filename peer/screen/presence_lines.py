"""Show users who come and go in a few lines a second, whatever their number."""

from collections import deque
from collections.abc import Iterable
from typing import Final

import trio

from peer.events import Came, Event, Went

LINES_A_SECOND: Final = 5  # names are free: a user of many could write texts with them
WATCHED_A_SECOND: Final = 20  # of users whom I watch, who would be lost among the others


class Crowd(Event, frozen=True):
    """The numbers of others who came, and went, within a second."""

    came: int
    went: int

    @property
    def sentence(self) -> str:
        came = f"{self.came} more came online" if self.came else ""
        went = f"{self.went} more went offline" if self.went else ""
        return f"{', '.join(filter(None, (came, went)))}."

    def said(self) -> tuple[str, str]:
        return f"* {self.sentence}", ""


class PresenceLines:
    """Lets the first comings and goings of each second through, and sums up the others."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=LINES_A_SECOND)  # when one was let through
        self._watched: deque[float] = deque(maxlen=WATCHED_A_SECOND)
        self._came = self._went = 0  # not let through, since the last sum
        self._some = trio.Event()

    def of(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Return the events that are to be shown now."""
        return tuple(one for one in events if not isinstance(one, Came | Went) or self._admit(one))

    def _admit(self, one: Came | Went) -> bool:
        if isinstance(one, Came) and one.is_watched and _has_turn(self._watched):
            return True
        if _has_turn(self._times):
            return True
        self._came += isinstance(one, Came)
        self._went += isinstance(one, Went)
        self._some.set()
        return False

    async def sum(self) -> Crowd:
        """Return how many were not let through since the last sum, a second after the first."""
        await self._some.wait()
        await trio.sleep(1.0)
        crowd, self._some = Crowd(self._came, self._went), trio.Event()
        self._came = self._went = 0
        return crowd


def _has_turn(times: deque[float]) -> bool:
    """Note a turn now, and return True, if there were fewer within a second than fit in."""
    now = trio.current_time()
    if times.maxlen == len(times) and times[0] > now - 1.0:
        return False
    times.append(now)
    return True
