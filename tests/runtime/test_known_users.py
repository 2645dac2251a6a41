"""Whom I have answered, over restarts and in older journals (`peer.runtime.keys.known_users`)."""

import trio
import trio.testing

from peer.core.keys.key_alarms import KeyAlarms
from peer.core.myself import Myself, Registration
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.tasks import Tasks
from peer.storage.journal import Journal
from peer.storage.rows import tell_nobody
from peer.storage.schema import FILE, MIGRATIONS
from shared.identity import SEED_BYTES, Identity
from tests.kit.community import Community
from tests.kit.world import FakeClock, MemoryDisk

BEFORE = 4  # migrations, when nobody noted who was answered


def answered(disk: MemoryDisk) -> set[str]:
    journal = Journal(disk)
    journal.database.close()
    return set(journal.contacts.answered)


def test_an_old_journal_knows_with_whom_i_talked_and_to_whom_i_wrote() -> None:
    disk = MemoryDisk()
    old = disk.database(FILE)
    old.executescript(";".join(MIGRATIONS[:BEFORE]) + f"; PRAGMA user_version = {BEFORE}")
    old.execute("INSERT INTO memberships VALUES ('c', 'Dave', x'00')")
    old.execute(
        "INSERT INTO lines (kind, author, receiver, id, time, text)"
        " VALUES ('private', 'carol', 'erin', '1', 0, 'hello')"
    )
    old.execute("INSERT INTO letters_left (id, receiver, time) VALUES ('2', 'frank', 0)")
    old.close()
    assert answered(disk) == {"dave", "erin", "frank"}


async def test_what_i_did_is_remembered_once() -> None:
    disk = MemoryDisk()
    async with trio.open_nursery() as nursery:
        journal = Journal(disk)
        await nursery.start(journal.run)
        clock, tasks, alarms = FakeClock(), Tasks(nursery), KeyAlarms(tell_nobody)
        myself = Myself(Registration("carol"), Identity(bytes(SEED_BYTES)))
        keys = KnownKeys(journal.contacts, clock, alarms, myself, tasks)
        known = KnownUsers(journal.contacts, clock, tasks, keys)
        known.answer("Dave", "erin")
        assert known.knows("dave")
        await trio.testing.wait_all_tasks_blocked()
        commits = disk.commits
        known.answer("DAVE")
        await trio.testing.wait_all_tasks_blocked()
        assert disk.commits == commits
        nursery.cancel_scope.cancel()
    assert answered(disk) == {"dave", "erin"}


async def test_only_my_own_acts_make_somebody_known(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("PRV carol hello", "MSG hello all", "CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    assert not carol.peer._memory.known_users.knows("dave")
    assert dave.peer._memory.known_users.knows("carol")
    await carol.types("MSG hello")
    assert not carol.peer._memory.known_users.knows("dave")
    await carol.types("Y")
    await carol.sees("You are now connected with dave.")
    assert carol.peer._memory.known_users.knows("dave")
