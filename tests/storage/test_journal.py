"""What must be in one commit, so that no restart reads anything twice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.lowlevel

from peer.core.conversation.actions import LeaveFor
from peer.core.conversation.incoming.lamport_clock import STEP, LamportClock
from peer.core.conversation.proof.digests import digest
from peer.core.membership import member_id
from peer.events import Tell
from peer.storage.journal import Batch, Journal
from peer.storage.left_letters import LeftLetter
from peer.storage.rows import UNREADABLE, tell_nobody
from peer.storage.schema import FILE, MIGRATIONS
from peer.storage.texts import DIGESTS
from shared.codec import encode
from shared.disk import FolderDisk
from shared.errors import StorageError
from shared.messages.common import COUNT_MOST
from shared.messages.peers import Position, Text
from shared.sealing import About, Letter
from shared.world import Disk
from tests.kit.histories import history_of
from tests.kit.world import MemoryDisk

ID, EPOCH, NOW = "c" * 32, "e" * 16, 1_700_000_000.0
BEFORE_MEMBERS = next(n for n, one in enumerate(MIGRATIONS) if "CREATE TABLE members (" in one)
CAROL = member_id("carol", bytes(32))
COPY = Letter("carol", bytes(32), "1" * 32, NOW, "two", About(ID, EPOCH, 2))
ANOTHER = Letter("carol", bytes(32), "2" * 32, NOW, "three", About(ID, EPOCH, 3))


@asynccontextmanager
async def opened(disk: Disk, tell: Tell = tell_nobody) -> AsyncIterator[Journal]:
    async with trio.open_nursery() as nursery:
        journal = Journal(disk, tell=tell)
        await nursery.start(journal.run)
        yield journal
        nursery.cancel_scope.cancel()


async def unread(disk: MemoryDisk) -> list[str]:
    """What the next program shows as left."""
    async with opened(disk) as journal:
        return [one.text for one in await journal.letters.add([], NOW)]


def texts(*texts: str) -> Text:
    return Text(ID, CAROL, EPOCH, 1, 1, NOW, texts, ())


async def keep(journal: Journal, text: Text) -> None:
    await journal.keep(Batch([(ID, (), 0)], [text]), NOW)


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
            journal.letters.read_as_text(ID, CAROL, EPOCH, seq)
    assert await unread(disk) == ["two", "three"]  # the text is not on disk, and will come again
    async with opened(disk) as journal:
        await keep(journal, texts(*said))
    assert await unread(disk) == ["two", "three"]  # nobody knows that it was read
    async with opened(disk) as journal:
        for seq, _ in enumerate(said[1:], start=2):
            journal.letters.read_as_text(ID, CAROL, EPOCH, seq)
        await keep(journal, texts(*said))
    assert await unread(disk) == ["three"][: 3 - len(said)]


async def test_a_journal_of_before_members_had_ids_opens_and_ends_what_it_was_in(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Its history keeps its names; and nobody of today can go on with that conversation."""
    disk = MemoryDisk()
    old = disk.database(FILE)
    for script in MIGRATIONS[:BEFORE_MEMBERS]:
        old.executescript(f"BEGIN; {script}; COMMIT")
    line = encode(Text(ID, "dave", EPOCH, 1, 1, NOW, ("hello",)))
    old.execute("INSERT INTO conversations VALUES (?, ?, 1, 1)", (ID, NOW))
    old.execute("INSERT INTO memberships VALUES (?, 'dave', X'00')", (ID,))
    old.execute("INSERT INTO texts VALUES (1, ?, 'dave', ?, 1, 1, 1, ?, ?)", (ID, EPOCH, NOW, line))
    old.execute("INSERT INTO copies VALUES ('1', 'dave', 'for you', ?, ?, ?, 2)", (NOW, ID, EPOCH))
    old.execute(f"PRAGMA user_version = {BEFORE_MEMBERS}")
    old.close()
    async with opened(disk) as journal:
        assert journal.interrupted() is None
        assert journal.memberships(ID) == ()
        history = history_of(journal, NOW)
        for found in (await history.with_user("Dave", 9), await history.search("hello", 9)):
            assert [(one.author, one.text) for one in found.entries] == [("dave", "hello")]
        (copy,) = journal.copies.all()
        assert (copy.receiver, copy.member) == ("dave", "")
        await journal.copies.forget(copy)
        assert journal.copies.all() == []


BEFORE_KEYS = next(n for n, one in enumerate(MIGRATIONS) if "letters_left ADD COLUMN key" in one)


async def test_letters_of_before_receipts_were_signed_keep_their_meaning(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Whoever is known may sign for them; the others cannot, and one waits to be shown."""
    disk, key = MemoryDisk(), b"k" * 32
    old = disk.database(FILE)
    for script in MIGRATIONS[:BEFORE_KEYS]:
        old.executescript(f"BEGIN; {script}; COMMIT")
    for number, name in enumerate(("dave", "erin")):
        old.execute(
            "INSERT INTO letters_left (id, receiver, time) VALUES (?, ?, ?)",
            (f"{number:032x}", name, NOW),
        )
    old.execute("INSERT INTO known_keys VALUES ('dave', ?, ?)", (key, NOW))
    old.execute(
        "INSERT INTO letters (id, sender, time, came, text) VALUES (?, 'carol', ?, ?, 'hello')",
        ("a" * 32, NOW, NOW),
    )
    old.execute(f"PRAGMA user_version = {BEFORE_KEYS}")
    old.close()
    async with opened(disk) as journal:
        dave, erin = journal.left_letters.get(f"{0:032x}"), journal.left_letters.get(f"{1:032x}")
        assert dave == LeftLetter("dave", key, NOW, None)
        assert erin == LeftLetter("erin", b"", NOW, None)
        (waiting,) = await journal.letters.add([], NOW)
        assert (waiting.text, waiting.is_registered, waiting.follows_gap) == ("hello", True, False)
        assert journal.lines.has("Carol", "a" * 32)


async def test_each_letter_names_the_last_one_that_was_stored_for_the_same_key(
    autojump_clock: trio.testing.MockClock,
) -> None:
    dave, erin = b"d" * 32, b"e" * 32
    disk = MemoryDisk()
    async with opened(disk) as journal:

        async def leave(id: str, key: bytes = dave) -> str:
            return await journal.left_letters.add(id, LeftLetter("dave", key, NOW, None))

        assert await leave("1") == ""
        await journal.left_letters.stored("1", dave)
        assert await leave("2") == "1"
        assert await leave("3") == "1"  # the directory did not take "2"
        await journal.left_letters.stored("3", dave)
        assert await leave("3") == "1"  # the same one again
        await journal.left_letters.stored("3", dave)
        assert await leave("4", erin) == ""
        await journal.left_letters.forget(["3"])  # its receipt came
        assert journal.left_letters.get("3") is None
        assert await leave("5") == "3"
    async with opened(disk) as journal:  # the program was killed before "5" was stored
        assert await journal.left_letters.add("6", LeftLetter("dave", dave, NOW, None)) == "3"


async def test_a_letter_that_the_disk_does_not_know_as_stored_is_named_all_the_same(
    autojump_clock: trio.testing.MockClock,
) -> None:
    key, disk = b"d" * 32, MemoryDisk()
    left = LeftLetter("dave", key, NOW, None)
    async with opened(disk) as journal:
        await journal.left_letters.add("1", left)
        disk.is_full = True
        with pytest.raises(StorageError):
            await journal.left_letters.stored("1", key)
        disk.is_full = False
        assert await journal.left_letters.add("2", left) == "1"
    async with opened(disk) as journal:
        assert await journal.left_letters.add("3", left) == "1"


async def test_a_damaged_file_costs_the_texts_in_it_and_no_more(tmp_path: Path) -> None:
    """Whoever asks for them, or is owed them, gets none; the user is told once."""
    disk = FolderDisk(tmp_path)
    told: list[str] = []
    async with opened(disk, lambda event, _: told.append(str(event))) as journal:
        for seq in range(1, 200):
            await keep(journal, Text(ID, CAROL, EPOCH, seq, seq, NOW, ("x" * 3_000,), ()))
    file = tmp_path / FILE
    pages = file.read_bytes()
    whole = len(pages) * 3 // 4  # the tables begin before this, and end behind it
    file.write_bytes(pages[:whole] + b"\xff" * (len(pages) - whole))
    async with opened(disk, lambda event, _: told.append(str(event))) as journal:
        after = Position(CAROL, EPOCH, 0)
        lines = journal.texts.after(ID, after, 256, 1_000_000)
        copies = journal.copies.owed(ID, "dave", LeaveFor("d" * 24, after, 199))
        assert len(lines) == len(copies) < 199
        assert told == [UNREADABLE]


async def test_the_digests_of_the_latest_texts_outlive_the_program() -> None:
    """Whoever was told other ones by their author may show them after a restart only."""
    disk = MemoryDisk()
    texts = [
        Text(ID, CAROL, epoch, seq, seq, NOW, (f"{seq}",), ())
        for epoch, count in (("d" * 16, 2), ("e" * 16, DIGESTS - 1), ("f" * 16, DIGESTS - 1))
        for seq in range(1, count + 1)
    ]
    async with opened(disk) as journal:
        await journal.keep(Batch([(ID, (), 0)], texts), NOW)
    said = [(one.author, one.epoch, one.seq, digest(one)) for one in texts]
    async with opened(disk) as journal:
        assert list(journal.kept(ID, "me", NOW).said) == [said[1], *said[-DIGESTS:]]


async def test_a_restart_reads_as_much_of_a_long_conversation_as_of_a_short_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """It happens in the loop, at the start: thousands of texts would be seconds."""

    async def work(count: int) -> int:
        disk, steps = MemoryDisk(), 0

        def step() -> None:
            nonlocal steps
            steps += 1

        said = [Text(ID, CAROL, EPOCH, n, n, NOW, (f"{n}",), ()) for n in range(1, count + 1)]
        async with opened(disk) as journal:
            await journal.keep(Batch([(ID, (), 0)], said), NOW)
            journal.database.reader.set_progress_handler(step, 10)
            assert journal.kept(ID, "me", NOW).have == (Position(CAROL, EPOCH, count),)
        return steps

    assert await work(4 * DIGESTS) < 1.1 * await work(2 * DIGESTS)


async def test_another_conversation_in_between_changes_nothing_at_a_restart() -> None:
    """Texts of one that is ending come in among those of the next one."""
    other, me = "d" * 32, "m" * 24
    said = [
        Text(id, author, epoch, seq, seq, NOW, (f"{author} {seq}",), ())
        for seq in range(1, 4)
        for id, author, epoch in (
            (other, CAROL, EPOCH), (ID, CAROL, EPOCH), (ID, CAROL, "f" * 16), (ID, me, EPOCH),
        )
    ]  # fmt: skip
    async with opened(MemoryDisk()) as journal:
        await journal.keep(Batch([(ID, (Position("z", EPOCH, 9),), 2)], said), NOW)
        kept = journal.kept(ID, me, NOW)
        assert journal.kept("e" * 32, me, NOW).have == ()
    mine = [one for one in said if one.conversation == ID]
    assert list(kept.said) == [(one.author, one.epoch, one.seq, digest(one)) for one in mine]
    ends = [(CAROL, EPOCH), (CAROL, "f" * 16), (me, EPOCH)]
    assert kept.have == (Position("z", EPOCH, 9), *(Position(*one, 3) for one in ends))
    assert [one[:2] for one in kept.written] == [(EPOCH, 1), (EPOCH, 2), (EPOCH, 3)]
    assert kept.lamport == 3


@pytest.mark.parametrize(
    "numbers",
    [
        (1, 2, 3),
        (1, STEP, STEP + 1, STEP + 2),
        (2 * STEP, 2 * STEP + 1, 9 * STEP, 9 * STEP + 1, 10),
        (STEP // 2, STEP + 5, 2 * STEP, 7 * STEP, 7 * STEP + 1, 7 * STEP + 2, COUNT_MOST),
    ],
)
async def test_the_clock_goes_as_far_after_a_restart_as_when_the_texts_were_read(
    numbers: tuple[int, ...],
) -> None:
    """Each text moves it by a bounded step, in the order of their numbers."""
    said = [
        Text(ID, CAROL, EPOCH, n, number, NOW, ("x",), ()) for n, number in enumerate(numbers, 1)
    ]
    clock = LamportClock(0)
    for number in sorted(numbers):
        clock.saw(number)
    async with opened(MemoryDisk()) as journal:
        await journal.keep(Batch([(ID, (), 0)], said), NOW)
        assert journal.kept(ID, "me", NOW).lamport == clock.now
