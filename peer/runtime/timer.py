"""Call a core when something in it is due."""

from collections.abc import Callable

import trio

NEVER = float("inf")


class Timer:
    """A timer that calls `due` when the time that `next_deadline` returns has come.

    Call `look` after anything that may have made it earlier.
    """

    def __init__(self, next_deadline: Callable[[], float | None], due: Callable[[], None]) -> None:
        self._next_deadline, self._due = next_deadline, due
        self._scope = trio.CancelScope(deadline=NEVER)

    def look(self) -> None:
        """Note an earlier deadline; costs next to nothing when there is none."""
        deadline = self._next_deadline()
        if deadline is not None and deadline < self._scope.deadline:
            self._scope.deadline = deadline

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            deadline = self._next_deadline()
            self._scope = trio.CancelScope(deadline=NEVER if deadline is None else deadline)
            with self._scope:
                await trio.sleep_forever()
            self._due()
