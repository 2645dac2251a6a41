"""Calling a core when something in it is due."""

from collections.abc import Callable

import trio

NEVER = float("inf")


class Timer:
    """`due` is called whenever the time that `next_deadline` names has come.

    Call `look` after whatever may have made it earlier.
    """

    def __init__(self, next_deadline: Callable[[], float | None], due: Callable[[], None]) -> None:
        self._next_deadline, self._due = next_deadline, due
        self._scope = trio.CancelScope(deadline=NEVER)

    def look(self) -> None:
        """Costs next to nothing when the deadline is no earlier than before."""
        deadline = self._next_deadline()
        if deadline is not None and deadline < self._scope.deadline:
            self._scope.deadline = deadline

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            deadline = self._next_deadline()
            self._scope = trio.CancelScope(deadline=NEVER if deadline is None else deadline)
            with self._scope:
                await trio.sleep_forever()
            self._due()
