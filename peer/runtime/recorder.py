"""Put single lines on disk, in the order in which they were given."""

from collections.abc import Callable
from typing import Final

import trio

from peer import events
from peer.events import Tell
from peer.storage.lines import KeptLine, LineStore
from shared.errors import StorageError
from shared.wording import sentence

KEEP_AGAIN_SECONDS: Final = 5.0  # after the disk did not take it


class Recorder:
    """A queue for the disk, so that nobody waits; lines gathered in one commit share the next."""

    def __init__(self, lines: LineStore, tell: Tell) -> None:
        self._lines, self._tell = lines, tell
        self._waiting: list[tuple[KeptLine, Callable[[], None]]] = []
        self._something = trio.Event()
        self._nothing = trio.Event()
        self._nothing.set()

    def keep(self, line: KeptLine, then: Callable[[], None] = events.nothing) -> None:
        """Put a line on disk, or note its fate there; then call `then`."""
        self._waiting.append((line, then))
        self._something.set()
        if self._nothing.is_set():
            self._nothing = trio.Event()

    async def wait_kept(self) -> None:
        """Return when all lines are on disk."""
        await self._nothing.wait()

    async def run(self) -> None:
        """Run until cancelled."""
        complained = False
        while True:
            await self._something.wait()
            batch, self._waiting = self._waiting, []
            self._something = trio.Event()
            try:
                await self._lines.keep([line for line, _ in batch])
            except StorageError as failure:
                if not complained:
                    complained = True
                    self._tell(events.Notice(sentence(failure)), events.nothing)
                self._waiting = batch + self._waiting
                await trio.sleep(KEEP_AGAIN_SECONDS)
                self._something.set()
                continue
            complained = False
            for _, then in batch:
                then()
            if not self._waiting:
                self._nothing.set()
