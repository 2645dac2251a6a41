"""Single lines: what is kept of them, by their fate, with and without history."""

import pytest

from peer.core.history_entry import Kind
from peer.core.keys.name_marks import NOT_CONFIRMED
from peer.core.stranger_limits import Written
from peer.storage.letters import REMEMBER_LETTERS_DAYS
from peer.storage.lines import Fate, KeptLine
from shared.sealing import Letter
from tests.kit.journals import NOW, opened
from tests.kit.world import MemoryDisk

LONG_AGO = NOW - (REMEMBER_LETTERS_DAYS + 1) * 86_400


def line(fate: Fate, author: str = "carol", id: str = "1", text: str = "hello") -> KeptLine:
    receiver = "dave" if author == "carol" else "carol"
    return KeptLine(Kind.PRIVATE, author, receiver, id, NOW, text, fate)


def texts(disk: MemoryDisk) -> list[str | None]:
    return [text for (text,) in disk.ask("journal.db", "SELECT text FROM lines ORDER BY number")]


@pytest.mark.parametrize(
    ("fate", "kept"),
    [(Fate.SENT, ["hello"]), (Fate.PENDING, ["hello"]), (Fate.CAME, ["hello"]), (Fate.FAILED, [])],
)
async def test_a_line_is_kept_unless_it_was_not_delivered(fate: Fate, kept: list[str]) -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        await journal.lines.keep([line(Fate.PENDING), line(fate)])
    assert texts(disk) == kept


async def test_a_line_that_was_not_sent_is_pending_for_the_next_program() -> None:
    disk = MemoryDisk()
    first, second = line(Fate.PENDING), line(Fate.PENDING, id="2", text="and you?")
    async with opened(disk) as journal:
        await journal.lines.keep([first, second, line(Fate.SENT, id="3")])
    async with opened(disk) as journal:
        assert journal.lines.pending() == [first, second]
        await journal.lines.keep([line(Fate.SENT)])
        assert journal.lines.pending() == [second]


async def test_without_history_only_what_is_pending_is_kept_and_that_a_line_came() -> None:
    disk = MemoryDisk()
    async with opened(disk, keeps_history=False) as journal:
        await journal.lines.keep(
            [line(Fate.PENDING), line(Fate.SENT, id="2"), line(Fate.CAME, "dave", "3")]
        )
        assert texts(disk) == ["hello", None]
        assert journal.lines.has("Dave", "3")
        assert not journal.lines.has("dave", "2")
        await journal.lines.keep([line(Fate.SENT)])
        assert texts(disk) == [None]


async def test_texts_are_forgotten_and_later_all_but_the_ids() -> None:
    disk = MemoryDisk()
    came = line(Fate.CAME, "dave", "2")
    async with opened(disk) as journal:
        await journal.lines.keep([line(Fate.PENDING), came])
        await journal.lines.forget_texts(LONG_AGO, LONG_AGO)
        assert texts(disk) == ["hello", None]
        await journal.lines.forget_texts(NOW, NOW)
        assert texts(disk) == ["hello"]
        assert journal.lines.has("dave", "2")


async def test_what_a_user_wrote_is_counted_under_each_of_their_names() -> None:
    async with opened(MemoryDisk()) as journal:
        assert journal.lines.written_by("dave") == Written(0, 0, False)
        to_all = KeptLine(Kind.ALL, "dave", "", "1", NOW, "héllo", Fate.CAME)
        await journal.lines.keep([to_all, line(Fate.CAME, "erin", "2")])
        assert journal.lines.written_by("dave") == Written(1, 6, False)
        unsure = line(Fate.CAME, "dave" + NOT_CONFIRMED, "3")
        await journal.lines.keep([unsure])
        letter = Letter("dave", bytes(32), "4" * 32, NOW, "a letter", None)
        await journal.letters.add([letter], NOW)
        assert journal.lines.written_by("dave") == Written(3, 6 + 5 + 8, True)
