"""Wake whoever waits until something about my conversations is so."""

from collections.abc import Callable

import trio


class Progress:
    """An event for each thing that may have changed what somebody waits for."""

    def __init__(self) -> None:
        self._made = trio.Event()

    def made(self) -> None:
        """Let all who wait look again."""
        self._made.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when this holds."""
        while not holds():
            if self._made.is_set():  # else others wait for this event too
                self._made = trio.Event()
            await self._made.wait()
