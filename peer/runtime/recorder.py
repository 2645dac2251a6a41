"""Put on disk what waits for it, in order: the one commit loop, and a queue of single lines."""

from collections.abc import Callable
from typing import Final, Protocol, TypeVar

import trio

from peer import events
from peer.events import Tell
from peer.storage.lines import KeptLine, LineStore
from shared.errors import StorageError
from shared.wording import sentence

KEEP_AGAIN_SECONDS: Final = 5.0  # after the disk did not take it

B = TypeVar("B")


class Queue(Protocol[B]):
    """A queue for the disk.  What is gathered while one commit is under way shares the next."""

    async def gather(self) -> B:
        """Wait until something is there, and take all of it out of the queue."""

    async def commit(self, batch: B) -> None:
        """Put a batch on disk.  Raises StorageError."""

    def committed(self, batch: B) -> None:
        """Note that it is on disk."""

    def put_back(self, batch: B) -> None:
        """Note that the disk did not take it: it comes first in the next batch."""


async def keep_committing(queue: Queue[B], tell: Tell) -> None:
    """Commit batch after batch until cancelled; a failure is told once, and tried again."""
    complained = False
    while True:
        batch = await queue.gather()
        try:
            await queue.commit(batch)
        except StorageError as failure:
            if not complained:
                complained = True
                tell(events.Notice(sentence(failure)), events.nothing)
            queue.put_back(batch)
            await trio.sleep(KEEP_AGAIN_SECONDS)
        else:
            complained = False
            queue.committed(batch)


Line = tuple[KeptLine, Callable[[], None]]


class Recorder:
    """The queue of single lines, so that nobody waits for the disk."""

    def __init__(self, lines: LineStore, tell: Tell) -> None:
        self._lines, self._tell = lines, tell
        self._waiting: list[Line] = []
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
        await keep_committing(self, self._tell)

    # --- For the commit loop ---

    async def gather(self) -> list[Line]:
        await self._something.wait()
        batch, self._waiting = self._waiting, []
        self._something = trio.Event()
        return batch

    async def commit(self, batch: list[Line]) -> None:
        await self._lines.keep([line for line, _ in batch])

    def committed(self, batch: list[Line]) -> None:
        for _, then in batch:
            then()
        if not self._waiting:
            self._nothing.set()

    def put_back(self, batch: list[Line]) -> None:
        self._waiting = batch + self._waiting
        self._something.set()
