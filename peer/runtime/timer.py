"""Call a core when something in it is due."""

from typing import Protocol

import trio

NEVER = float("inf")


class Timed(Protocol):
    """A part that has something to do at some time."""

    def next_deadline(self) -> float | None:
        """Return when something is due; None if nothing is."""

    def tick(self) -> None:
        """Do what is due now."""


class Timer:
    """A timer.  Call `look` after anything that may have made the deadline earlier."""

    def __init__(self) -> None:
        self._scope = trio.CancelScope(deadline=NEVER)

    def look(self, deadline: float | None) -> None:
        """Note the deadline; costs next to nothing unless it is earlier."""
        if deadline is not None and deadline < self._scope.deadline:
            self._scope.deadline = deadline

    async def run(self, timed: Timed) -> None:
        """Run until cancelled."""
        while True:
            deadline = timed.next_deadline()
            self._scope = trio.CancelScope(deadline=NEVER if deadline is None else deadline)
            with self._scope:
                await trio.sleep_forever()
            timed.tick()
