"""A journal beside no peer: opened, filled, and read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import trio

from peer.core.membership import member_id
from peer.core.myself import Registration
from peer.events import Tell
from peer.storage.history import History
from peer.storage.journal import Batch, Journal
from peer.storage.rows import tell_nobody
from shared.messages.peers import Text
from shared.world import Disk
from tests.kit.world import EPOCH, FakeClock

ID: Final = "c" * 32  # of a conversation
STAY: Final = "e" * 16  # an epoch of carol's
NOW: Final = 1_700_000_000.0
CAROL: Final = member_id("carol", bytes(32))


@asynccontextmanager
async def opened(disk: Disk, tell: Tell = tell_nobody, **more: Any) -> AsyncIterator[Journal]:
    async with trio.open_nursery() as nursery:
        journal = Journal(disk, tell=tell, **more)
        await nursery.start(journal.run)
        yield journal
        nursery.cancel_scope.cancel()


async def keep(journal: Journal, *texts: Text) -> None:
    """Keep texts of a conversation that begins with them."""
    await journal.keep(Batch([(ID, (), 0)], list(texts)), NOW)


class PlainNames:
    """Whoever calls everybody by their names, whatever their keys."""

    def called(self, member: str, name: str) -> str:
        return name


def history_of(journal: Journal, now: float = EPOCH) -> History:
    """What carol finds."""
    me, clock = Registration("carol"), FakeClock(now)
    return History(journal.database, journal.rows, me, clock, PlainNames())
