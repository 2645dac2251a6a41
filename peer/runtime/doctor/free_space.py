"""Look how much of the disk is free, without waiting for a disk that hangs."""

import logging

import trio

from peer.runtime.tasks import Tasks
from shared.errors import StorageError
from shared.world import Disk

log = logging.getLogger("peer")


class FreeSpace:
    def __init__(self, disk: Disk, tasks: Tasks) -> None:
        self._disk, self._tasks = disk, tasks
        self._looked: trio.Event | None = None  # set when the look that is under way is over
        self._bytes: int | None = None

    async def look(self) -> int | None:
        """Return how many bytes are free; None if the disk does not tell.

        A look at a disk cannot be cancelled, so it is a task of its own, and never a second one.
        """
        looked = self._looked
        if looked is None:
            looked = self._looked = trio.Event()
            self._tasks.linger(self._measure, looked)
        await looked.wait()
        return self._bytes

    async def _measure(self, looked: trio.Event) -> None:
        self._bytes = None
        try:
            self._bytes = await self._disk.run(self._disk.free)
        except StorageError as failure:
            log.info("%s", failure)
        finally:
            self._looked = None
            looked.set()
