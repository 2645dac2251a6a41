"""What must be in one commit, so that no restart reads anything twice."""

import pytest
import trio
import trio.lowlevel

from peer.storage.journal import Batch
from peer.storage.letters import UNKNOWN, digest_of
from peer.storage.schema import FILE
from peer.storage.vault import CLEAR, Vault, new_key
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
        assert set(journal.letters.copies_to_come) == {(CAROL, COPY.id), (CAROL, ANOTHER.id)}
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


# --- What is remembered of the words of a copy ---

COPIES = {(CAROL, one.id): digest_of(one.text) for one in (COPY, ANOTHER)}


@pytest.mark.parametrize("vault", [CLEAR, Vault(new_key())])
async def test_a_restart_knows_what_a_copy_said(
    autojump_clock: trio.testing.MockClock, vault: Vault
) -> None:
    disk = MemoryDisk()
    own = Letter("carol", bytes(32), "3" * 32, NOW, "hello")
    async with opened(disk, vault=vault) as journal:
        await journal.letters.add([COPY, ANOTHER, own], NOW)
        assert journal.letters.copies == COPIES
    async with opened(disk, vault=vault) as journal:
        assert journal.letters.copies == COPIES
    kept = {words for (words,) in disk.ask(FILE, "SELECT words FROM letters")}
    assert (kept == {*COPIES.values(), None}) is (vault is CLEAR)
    assert len(kept) == 3


async def test_of_a_copy_that_an_earlier_version_took_the_words_are_not_known(
    autojump_clock: trio.testing.MockClock,
) -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        await journal.letters.add([COPY], NOW)
    disk.ask(FILE, "UPDATE letters SET words = NULL")
    async with opened(disk) as journal:
        assert journal.letters.copies == {(CAROL, COPY.id): UNKNOWN}


async def test_without_history_nothing_is_remembered_of_a_conversation_that_is_over(
    autojump_clock: trio.testing.MockClock,
) -> None:
    disk = MemoryDisk()
    async with opened(disk, keeps_history=False) as journal:
        await keep(journal)
        waiting = await journal.letters.add([COPY, ANOTHER], NOW)
        await journal.letters.shown([waiting[0].number], "dave")
        await journal.forget_texts(None, NOW)
    async with opened(disk, keeps_history=False) as journal:
        assert journal.letters.copies == COPIES  # I am in it
        await journal.keep(Batch(ended=[ID]), NOW)
        await journal.forget_texts(ID, NOW)
    async with opened(disk, keeps_history=False) as journal:
        assert list(journal.letters.copies) == [(CAROL, ANOTHER.id)]  # which was not shown yet
        assert journal.lines.has("carol", COPY.id)  # and never is again
