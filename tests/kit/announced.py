"""Announcements on a network in memory, and directories that may stand behind them."""

import trio

from directory_server.server import Bound, Directory
from directory_server.settings import Settings
from peer.runtime.discovery.announcements import LISTEN_SECONDS, Hear
from shared.announcement import Announcement
from tests.kit.world import Hub


class MemoryAnnouncements:
    """`peer.runtime.discovery.announcements.Announcements`, with what a test says."""

    def __init__(self, *said: Announcement, after: float = 0.1) -> None:
        self.said, self._after = list(said), after
        self.times = 0  #: how often somebody listened
        self.failure: OSError | None = None

    async def listen(self, hear: Hear) -> None:
        self.times += 1
        if self.failure is not None:
            raise self.failure
        await trio.sleep(self._after)
        for one in self.said:
            hear(one)
        await trio.sleep(LISTEN_SECONDS - self._after)


async def directory_at(nursery: trio.Nursery, hub: Hub, host: str) -> str:
    """Run a directory of a community of its own; return its key, without spaces."""
    directory = Directory(hub.machine(host).world(), Settings(port=5000))
    bound: Bound = await nursery.start(directory.run)
    return bound.fingerprint.replace(" ", "")
