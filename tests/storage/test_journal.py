"""What must be in one commit, so that no restart reads anything twice."""

import pytest
import trio
import trio.lowlevel

from shared.messages.peers import Text
from shared.sealing import About, Letter
from tests.kit.journals import CAROL, ID, NOW, STAY, keep, opened
from tests.kit.world import MemoryDisk

COPY = Letter("carol", bytes(32), "1" * 32, NOW, "two", About(ID, STAY, 2))
ANOTHER = Letter("carol", bytes(32), "2" * 32, NOW, "three", About(ID, STAY, 3))


async def unread(disk: MemoryDisk) -> list[str]:
    """What the next program shows as left."""
    async with opened(disk) as journal:
        return [one.text for one in await journal.letters.add([], NOW)]


def texts(*texts: str) -> Text:
    return Text(ID, CAROL, STAY, 1, 1, NOW, texts, ())


@pytest.mark.parametrize("said", [("one", "two"), ("one", "two", "three")])
async def test_a_copy_whose_text_was_read_meanwhile_is_read_once_the_text_is_kept(
    autojump_clock: trio.testing.MockClock, said: tuple[str, ...]
) -> None:
    disk = MemoryDisk()
    disk.seconds = 1.0
    async with opened(disk) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.letters.add, [COPY, ANOTHER], NOW)
        while not journal.letters.copies_to_come:
            await trio.lowlevel.checkpoint()
        assert journal.letters.copies_to_come == {(CAROL, COPY.id), (CAROL, ANOTHER.id)}
        for seq, _ in enumerate(said[1:], start=2):
            journal.letters.read_as_text(ID, CAROL, STAY, seq)
    assert await unread(disk) == ["two", "three"]  # the text is not on disk, and will come again
    async with opened(disk) as journal:
        await keep(journal, texts(*said))
    assert await unread(disk) == ["two", "three"]  # nobody knows that it was read
    async with opened(disk) as journal:
        for seq, _ in enumerate(said[1:], start=2):
            journal.letters.read_as_text(ID, CAROL, STAY, seq)
        await keep(journal, texts(*said))
    assert await unread(disk) == ["three"][: 3 - len(said)]
