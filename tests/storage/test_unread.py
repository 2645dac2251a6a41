"""What a start finds in the journal: how far its user has read, and what came since."""

from typing import Any

import pytest
import trio

from peer.commands.grammar import Loud
from peer.core.history_entry import Kind
from peer.core.local_time import local_time
from peer.core.membership import member_id
from peer.core.myself import Registration
from peer.core.past.looking_back import Lookback
from peer.core.past.quiet_place import QuietPlace
from peer.core.past.read_marks import TO_ALL, Mark, ReadMarks, with_user
from peer.storage.journal import Batch, Journal
from peer.storage.lines import Fate, KeptLine
from peer.storage.past import unread
from peer.storage.past.quiet_places import QuietPlaceStore
from peer.storage.past.read_marks import ReadMarkStore
from peer.storage.past.unread import Unread
from peer.storage.schema import FILE, MIGRATIONS
from shared.messages.peers import Membership, Position, Text
from tests.kit.journals import PlainNames, opened
from tests.kit.world import EPOCH, MemoryDisk

ID, OTHER = "c0" * 16, "c1" * 16
CAROL, DAVE = member_id("carol", bytes(32)), member_id("dave", b"d" * 32)
STAMP = f"[{local_time(EPOCH):%Y-%m-%d %H:%M}] "


class Shelf:
    """The journal of carol, who talks with dave and reads what she is asked to."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.marks = ReadMarkStore(journal.database)
        me = Registration("Carol")
        self.quiet = QuietPlaceStore(journal.database)
        self.unread = Unread(journal.database, journal.rows, me, PlainNames(), self.quiet)
        self._seqs: dict[tuple[str, str], int] = {}
        self._lines = 0
        self._begun: set[str] = set()

    async def says(self, author: str, *texts: str, id: str = ID) -> None:
        seq = self._seqs.get((id, author), 0) + 1
        self._seqs[id, author] = seq + len(texts) - 1
        lamport = sum(self._seqs.values())
        text = Text(id, author, "e" * 16, seq, lamport, EPOCH, texts)
        begun: list[tuple[str, tuple[Position, ...], int]] = [(id, (), 0)]
        begun = [] if id in self._begun else begun
        members = [
            (id, member, name, Membership(b"", 1, b""))
            for member, name in ((CAROL, "carol"), (DAVE, "dave"))
        ]
        self._begun.add(id)
        await self.journal.keep(Batch(begun, [text], members if begun else []), EPOCH)

    async def hears(self, author: str, receiver: str, *texts: str) -> None:
        kind = Kind.PRIVATE if receiver else Kind.ALL
        for text in texts:
            self._lines += 1
            line = KeptLine(kind, author, receiver, f"{self._lines}", EPOCH, text, Fate.CAME)
            await self.journal.lines.keep([line])

    async def reads(self, *but: str) -> None:
        await self.marks.keep(self.marks.load().read(self.marks.last, but))

    def finds(self) -> list[list[str]]:
        found, self.further = self.unread.look_back(self.marks.load())
        return [_lines(one) for one in found]


def _lines(found: Lookback) -> list[str]:
    return [line.removeprefix(STAMP) for line in found.lines("carol")]


@pytest.fixture
async def shelf(autojump_clock: Any, nursery: trio.Nursery) -> Any:
    journal = Journal(MemoryDisk())
    await nursery.start(journal.run)
    yield Shelf(journal)
    nursery.cancel_scope.cancel()


async def test_of_my_conversation_the_last_texts_are_shown_and_where_the_unread_begin(
    shelf: Shelf,
) -> None:
    await shelf.says(DAVE, *(f"text {number}" for number in range(12)))
    await shelf.reads()
    heading = "The last 10 texts of your conversation with dave:"
    assert shelf.finds() == [[heading, *(f"dave: text {number}" for number in range(2, 12))]]
    await shelf.says(CAROL, "mine")
    await shelf.says(DAVE, "are you", "there?")
    assert shelf.finds() == [
        [
            heading, *(f"dave: text {number}" for number in range(5, 12)), "carol: mine",
            "--- 2 unread ---", "dave: are you", "dave: there?",
        ]
    ]  # fmt: skip
    await shelf.reads(ID)  # she was elsewhere
    assert "--- 2 unread ---" in shelf.finds()[0]
    await shelf.reads()
    assert "--- 2 unread ---" not in shelf.finds()[0]


async def test_what_i_said_myself_is_never_unread(shelf: Shelf) -> None:
    await shelf.says(CAROL, "one", "two")
    assert shelf.finds() == [
        ["The last 2 texts of your conversation with dave:", "carol: one", "carol: two"]
    ]


async def test_of_a_conversation_that_is_over_only_unread_texts_are_shown(shelf: Shelf) -> None:
    await shelf.says(DAVE, "hello", id=OTHER)
    await shelf.reads()
    await shelf.says(DAVE, "good bye", id=OTHER)
    await shelf.journal.keep(Batch(ended=[OTHER]), EPOCH)
    assert shelf.finds() == [
        ["The last text of your conversation with dave:", "--- 1 unread ---", "dave: good bye"]
    ]  # fmt: skip
    await shelf.reads()
    assert shelf.finds() == []


async def test_single_lines_are_shown_for_each_user_and_for_all(shelf: Shelf) -> None:
    await shelf.hears("dave", "Carol", "read")
    await shelf.reads()
    await shelf.hears("dave", "carol", "one")
    await shelf.hears("erin", "", "hello all")
    await shelf.hears("Dave", "carol", "two")
    await shelf.hears("carol", "dave", "an answer")
    assert sorted(shelf.finds()) == [
        ["The last 2 texts with Dave:", "--- 2 unread ---", "[private] dave: one",
         "[private] Dave: two"],
        ["The last text to all:", "--- 1 unread ---", "[all] erin: hello all"],
    ]  # fmt: skip
    await shelf.reads(with_user("dave"))
    assert len(shelf.finds()) == 1
    await shelf.reads(TO_ALL)
    assert shelf.finds() == []


async def test_a_text_of_a_room_from_the_mailbox_is_one_of_the_room(shelf: Shelf) -> None:
    await shelf.says(DAVE, "read", id=OTHER)
    await shelf.journal.database.execute(
        "INSERT INTO rooms VALUES (?, 'lab', X'00', X'00', 'Lab', NULL)", (OTHER,)
    )
    await shelf.reads()
    await shelf.hears("dave", "carol", "left there")
    await shelf.journal.database.execute(
        "UPDATE lines SET conversation = ?, member = 'm', epoch = 'e', seq = 1", (OTHER,)
    )
    heading = "The last text of the room #Lab:"
    assert shelf.finds() == [
        [heading, "dave: read"],
        [heading, "--- 1 unread ---", "[private] dave: left there"],
    ]
    await shelf.reads(OTHER)
    assert len(shelf.finds()) == 2
    await shelf.reads()
    assert len(shelf.finds()) == 1


async def test_ten_thousand_lines_of_a_stranger_take_one_screen(shelf: Shelf) -> None:
    rows = [("mallory", str(number), f"spam {number}") for number in range(10_000)]
    await shelf.journal.database.write(
        lambda db: (
            db.executemany(
                "INSERT INTO lines (kind, author, receiver, id, time, text)"
                " VALUES ('private', ?1, 'carol', ?2, 0, ?3)",
                rows,
            )
            and None
        )
    )
    await shelf.hears("dave", "carol", "hello")
    (spam, hello) = sorted(shelf.finds(), key=len, reverse=True)
    assert len(spam) == 22
    assert spam[1] == "--- 999 unread; HISTORY mallory 999 shows more ---"
    assert hello[2] == "[private] dave: hello"


async def test_of_very_many_places_the_further_ones_are_counted(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "PLACES_MOST", 3)
    for number in range(5):
        await shelf.hears(f"user{number}", "carol", "hello")
    assert len(shelf.finds()) == 3
    assert shelf.further == 2


async def test_marks_are_there_after_a_restart(autojump_clock: Any) -> None:
    disk, marks = MemoryDisk(), ReadMarks(Mark(0, 1), {with_user("dave"): Mark(0, 0)})
    async with opened(disk) as journal:
        await Shelf(journal).hears("dave", "carol", "hello")
        await ReadMarkStore(journal.database).keep(ReadMarks(Mark(0, 1), {"old": Mark(0, 0)}))
        await ReadMarkStore(journal.database).keep(marks)
    async with opened(disk) as journal:
        assert ReadMarkStore(journal.database).load() == marks


async def test_marks_of_forgotten_texts_end_where_the_journal_ends(autojump_clock: Any) -> None:
    disk = MemoryDisk()
    async with opened(disk) as journal:
        store = ReadMarkStore(journal.database)
        await store.keep(ReadMarks(Mark(500, 500)))
        assert store.load() == ReadMarks(Mark(0, 0))


async def test_what_lay_there_before_this_was_noted_counts_as_read(autojump_clock: Any) -> None:
    disk = MemoryDisk()
    before = next(n for n, one in enumerate(MIGRATIONS) if "CREATE TABLE read_marks" in one)
    old = disk.database(FILE)
    for script in MIGRATIONS[:before]:
        old.executescript(f"BEGIN; {script}; COMMIT")
    old.execute("INSERT INTO lines (kind, author, receiver, id, time, text)"
                " VALUES ('private', 'dave', 'carol', '1', 0, 'hello')")  # fmt: skip
    old.execute(f"PRAGMA user_version = {before}")
    old.close()
    async with opened(disk) as journal:
        assert Shelf(journal).finds() == []


async def test_of_muted_places_only_the_number_is_shown(shelf: Shelf) -> None:
    await shelf.hears("dave", "carol", "psst", "again")
    await shelf.hears("erin", "carol", "hello")
    await shelf.quiet.keep(with_user("dave"), QuietPlace("dave", Loud.HELD))
    await shelf.quiet.keep(with_user("erin"), QuietPlace("erin", Loud.DIMMED))
    muted, dimmed = shelf.finds()
    assert muted == [
        "The texts with dave are muted:", "--- 2 unread; HISTORY dave 2 shows them ---",
    ]  # fmt: skip
    assert dimmed == ["The last text with erin:", "--- 1 unread ---", "[private] erin: hello"]


async def test_of_a_muted_room_only_the_number_is_shown(shelf: Shelf) -> None:
    await shelf.says(DAVE, "one", "two", id=OTHER)
    await shelf.journal.database.execute(
        "INSERT INTO rooms VALUES (?, 'lab', X'00', X'00', 'Lab', NULL)", (OTHER,)
    )
    await shelf.quiet.keep(OTHER, QuietPlace("", Loud.HELD))
    heading = "The texts of the room #Lab are muted:"
    assert shelf.finds() == [[heading, "--- 2 unread; HISTORY #Lab 2 shows them ---"]]
    await shelf.reads()
    assert shelf.finds() == []
