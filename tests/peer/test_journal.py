"""What must be in one commit, so that no restart reads anything twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.lowlevel

from peer.journal import Journal
from shared.messages import Text
from shared.sealing import About, Letter
from tests.fakes import MemoryDisk

ID, EPOCH, NOW = "c" * 32, "e" * 16, 1_700_000_000.0
COPY = Letter("carol", bytes(32), "1" * 32, NOW, "two", About(ID, EPOCH, 2))
ANOTHER = Letter("carol", bytes(32), "2" * 32, NOW, "three", About(ID, EPOCH, 3))


@asynccontextmanager
async def opened(disk: MemoryDisk) -> AsyncIterator[Journal]:
    async with trio.open_nursery() as nursery:
        journal = Journal(disk)
        await nursery.start(journal.run)
        yield journal
        nursery.cancel_scope.cancel()


async def unread(disk: MemoryDisk) -> list[str]:
    """What the next program shows as left."""
    async with opened(disk) as journal:
        return [one.text for one in await journal.add_letters([], NOW)]


def texts(*texts: str) -> Text:
    return Text(ID, "carol", EPOCH, 1, 1, NOW, texts, ())


async def keep(journal: Journal, text: Text) -> None:
    await journal.keep([(ID, (), 0)], [text], [], [], [], NOW)


@pytest.mark.parametrize("said", [("one", "two"), ("one", "two", "three")])
async def test_a_copy_whose_text_was_read_meanwhile_is_read_once_the_text_is_kept(
    autojump_clock: trio.testing.MockClock, said: tuple[str, ...]
) -> None:
    disk = MemoryDisk()
    disk.seconds = 1.0
    async with opened(disk) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.add_letters, [COPY, ANOTHER], NOW)
        while not journal.copies_to_come:
            await trio.lowlevel.checkpoint()
        assert journal.copies_to_come == {("carol", COPY.id), ("carol", ANOTHER.id)}
        for seq, _ in enumerate(said[1:], start=2):
            journal.read_as_text(ID, "carol", EPOCH, seq)
    assert await unread(disk) == ["two", "three"]  # the text is not on disk, and will come again
    async with opened(disk) as journal:
        await keep(journal, texts(*said))
    assert await unread(disk) == ["two", "three"]  # nobody knows that it was read
    async with opened(disk) as journal:
        for seq, _ in enumerate(said[1:], start=2):
            journal.read_as_text(ID, "carol", EPOCH, seq)
        await keep(journal, texts(*said))
    assert await unread(disk) == ["three"][: 3 - len(said)]
