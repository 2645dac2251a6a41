"""Hand work from other threads to trio's."""

import time
from collections.abc import Callable

import trio


class MainThread:
    """The thread in which trio runs, as the others see it."""

    def __init__(self) -> None:
        self._token: trio.lowlevel.TrioToken | None = None
        self.ahead = 0.0  #: seconds by which trio's clock is ahead of that of all threads

    def enter(self) -> None:
        """Note that this is the thread, from inside `trio.run`."""
        self._token = trio.lowlevel.current_trio_token()
        self.ahead = trio.current_time() - time.monotonic()

    def call(self, work: Callable[..., object], *arguments: object) -> None:
        """Do this in the main thread, while there is one.  Called in any thread."""
        assert self._token is not None, "no other thread runs before the main one"
        try:
            self._token.run_sync_soon(work, *arguments)
        except trio.RunFinishedError:
            return
