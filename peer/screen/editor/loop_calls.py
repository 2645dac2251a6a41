"""Hand work from other threads to an event loop, which may not run yet or any more."""

import asyncio
import threading
from collections.abc import Callable


class LoopCalls:
    """Keeps calls until the loop opens, and drops them once it is closed."""

    def __init__(self) -> None:
        self._gate = threading.Lock()  # for the three below
        self._loop: asyncio.AbstractEventLoop | None = None
        self._early: list[Callable[[], None]] = []  # called before there was a loop
        self._is_over = False

    def call(self, work: Callable[[], None]) -> None:
        """Do this in the loop's thread once it is up; do nothing if it is over."""
        with self._gate:
            if self._is_over:
                return
            if self._loop is None:
                self._early.append(work)
            else:
                self._loop.call_soon_threadsafe(work)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._gate:
            self._loop = loop
            for work in self._early:
                loop.call_soon(work)
            self._early.clear()

    def close(self) -> None:
        """Take no more calls.  Must be called before the loop is closed."""
        with self._gate:
            self._is_over = True
