"""Journals of earlier versions open, and keep their meaning."""

import trio
import trio.lowlevel

from peer.storage.left_letters import LeftLetter
from peer.storage.schema import FILE, MIGRATIONS
from shared.codec import encode
from shared.messages.peers import Text
from tests.kit.journals import ID, NOW, STAY, history_of, opened
from tests.kit.world import MemoryDisk

BEFORE_MEMBERS = next(n for n, one in enumerate(MIGRATIONS) if "CREATE TABLE members (" in one)


async def test_a_journal_of_before_members_had_ids_opens_and_ends_what_it_was_in(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Its history keeps its names; and nobody of today can go on with that conversation."""
    disk = MemoryDisk()
    old = disk.database(FILE)
    for script in MIGRATIONS[:BEFORE_MEMBERS]:
        old.executescript(f"BEGIN; {script}; COMMIT")
    line = encode(Text(ID, "dave", STAY, 1, 1, NOW, ("hello",)))
    old.execute("INSERT INTO conversations VALUES (?, ?, 1, 1)", (ID, NOW))
    old.execute("INSERT INTO memberships VALUES (?, 'dave', X'00')", (ID,))
    old.execute("INSERT INTO texts VALUES (1, ?, 'dave', ?, 1, 1, 1, ?, ?)", (ID, STAY, NOW, line))
    old.execute("INSERT INTO copies VALUES ('1', 'dave', 'for you', ?, ?, ?, 2)", (NOW, ID, STAY))
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
