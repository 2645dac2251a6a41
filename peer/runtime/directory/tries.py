"""Try to reach a directory that is gone: one dial at a time, which the user may hurry."""

import math
from typing import Final

import trio

from peer.runtime.directory.known_directories import KnownDirectories
from shared.world import Address, Wire

TRY_ANEW: Final = 3.0  # a typed command replaces a dial that has hung for this long
HURRY_SECONDS: Final = 1.0  # for a command to wait for the outcome of such a try


class Tries:
    def __init__(self, known: KnownDirectories) -> None:
        self._known = known
        self._hurried = trio.Event()  # the user wants something of a directory that is gone
        self._tried = trio.Event()  # the try that is due next, or under way, is over
        self._dial_scope = trio.CancelScope()
        self._dialling_since = math.inf

    def hurry(self) -> None:
        """Let the next try begin now; give up a dial that has hung for long."""
        self._hurried.set()
        if trio.current_time() > self._dialling_since + TRY_ANEW:
            self._dial_scope.cancel()  # an old dial is deaf for seconds after an outage

    async def wait_hurried(self, until: float) -> None:
        """Return when the user hurries the next try, or at this time."""
        with trio.move_on_at(until):
            await self._hurried.wait()

    async def wait_over(self) -> None:
        """Wait a moment for the outcome of a try that the user has hurried, if there is one."""
        if self._hurried.is_set():
            with trio.move_on_after(HURRY_SECONDS):
                await self._tried.wait()

    async def dial(self, address: Address) -> Wire | None:
        """Dial; return None when the user wants to try anew.  Raises Unreachable."""
        self._dialling_since = trio.current_time()
        try:
            with trio.CancelScope() as self._dial_scope:
                return await self._known.dial(address)
            return None
        finally:
            self._dialling_since = math.inf

    def end(self) -> None:
        """Wake those who wait for this try, unless its dial was given up for a new one."""
        if not self._dial_scope.cancelled_caught:
            self._hurried = trio.Event()
            self._tried.set()
            self._tried = trio.Event()
