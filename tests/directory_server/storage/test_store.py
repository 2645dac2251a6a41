"""The directory's database, on a real disk and on one in memory."""

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.registry import User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.core.usage import Usage
from directory_server.storage import mail_room, mailbox
from directory_server.storage.mail_room import (
    BYTES_FROM_ONE,
    BYTES_IN_ALL,
    BYTES_OF_STRANGERS,
    COST,
    MESSAGES_FROM_ONE,
    MESSAGES_IN_ALL,
    MESSAGES_OF_STRANGERS,
    MIB,
)
from directory_server.storage.mailbox import KEEP_SECONDS, Kept, NotKept, Posted
from directory_server.storage.ownership import Newcomer
from directory_server.storage.store import FILE, Store
from shared.disk import FolderDisk
from shared.errors import StorageError
from shared.messages.directory import Verdict
from tests.kit.world import MemoryDisk

NOW = 1_700_000_000.0
AGE = 5_000.0
KEY = bytes(32)


@pytest.fixture
async def disk() -> MemoryDisk:
    return MemoryDisk()


@pytest.fixture
async def store(disk: MemoryDisk, nursery: trio.Nursery) -> AsyncIterator[Store]:
    store = Store(disk)
    await nursery.start(store.run)
    yield store
    nursery.cancel_scope.cancel()


async def register(store: Store, *names: str) -> list[User]:
    return [await store.register(newcomer(name), NOW, AGE) for name in names]


def newcomer(name: str, key: bytes = KEY) -> Newcomer:
    return Newcomer(name, key, KEY, bytes(64), b"origin", Validity(NOW + 30, AGE + 30))


async def release(store: Store, *users: User) -> None:
    await store.release(
        [(user.id, Tombstone(user.name, user.key, 0, user.certified)) for user in users]
    )


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def post(receiver: User, number: int, size: int = 10) -> Posted:
    return Posted(f"{number:032x}", receiver.id, receiver.name, bytes(size))


async def take(store: Store, receiver: User, time: float, *ids: str) -> None:
    waiting, more = store.mail(receiver.id, 0)
    while more:
        page, more = store.mail(receiver.id, waiting[-1].number)
        waiting += page
    verdicts = [Verdict(one.number, one.id, bytes(64)) for one in waiting if one.id in ids]
    await store.take(receiver.id, receiver.name, verdicts, time, AGE + time - NOW)


async def test_names_come_back_as_they_were_registered(store: Store, disk: MemoryDisk) -> None:
    carol = await store.register(
        newcomer("Carol", b"k" * 32)._replace(sealing_key=b"s" * 32, sealing_proof=b"p" * 64),
        NOW,
        AGE,
    )

    (again,) = store.users()

    assert (again.id, again.name, again.key) == (carol.id, "Carol", b"k" * 32)
    assert (again.sealing_key, again.sealing_proof) == (b"s" * 32, b"p" * 64)
    assert (again.since, again.origin, again.usage) == (NOW, b"origin", Usage(0, AGE))
    assert again.certified == Validity(NOW + 30, AGE + 30)


async def test_the_first_to_register_a_name_keeps_it(store: Store) -> None:
    first = await store.register(newcomer("carol", b"1" * 32), NOW, AGE)
    second = await store.register(newcomer("CAROL", b"2" * 32), NOW, AGE)
    assert (second.id, second.name, second.key) == (first.id, "carol", b"1" * 32)


async def test_the_number_of_a_name_that_was_given_back_is_not_used_again(store: Store) -> None:
    (carol,) = await register(store, "carol")
    await release(store, carol)
    (again,) = await register(store, "carol")
    assert again.id != carol.id


@pytest.mark.parametrize(
    ("size", "fits", "reason"),
    [
        (10, MESSAGES_FROM_ONE, "100 messages from you already wait for dave"),
        (BYTES_FROM_ONE // 4, 4, "messages of 1 MiB from you already wait for dave"),
    ],
)
async def test_nobody_fills_a_mailbox_alone(
    store: Store, size: int, fits: int, reason: str
) -> None:
    carol, dave, erin = await register(store, "carol", "dave", "erin")
    for number in range(fits):
        assert await store.drop(carol.id, [post(dave, number, size)], NOW, AGE) == [
            Kept(number + 1)
        ]
    assert await store.drop(carol.id, [post(dave, 999, size)], NOW, AGE) == [
        NotKept("FULL", reason)
    ]
    assert await store.drop(erin.id, [post(dave, 999, size)], NOW, AGE) == [Kept(fits + 1)]
    assert await store.drop(carol.id, [post(erin, 999, size)], NOW, AGE) == [Kept(1)]


@pytest.mark.parametrize(
    ("each", "size", "reason"),
    [
        (MESSAGES_FROM_ONE, 10, "the mailbox of dave is full: 1000 messages wait in it"),
        (4, BYTES_FROM_ONE // 4, "the mailbox of dave is full: messages of 8 MiB wait in it"),
    ],
)
async def test_many_together_fill_it(store: Store, each: int, size: int, reason: str) -> None:
    (dave,) = await register(store, "dave")
    senders = MESSAGES_IN_ALL // each if size == 10 else BYTES_IN_ALL // (each * size)
    users = await register(store, *(f"user{number}" for number in range(senders + 1)))
    for user in users:
        await store.answer(dave.id, user.id)
    for user in users[:-1]:
        posted = [post(dave, number, size) for number in range(each)]
        assert (await store.drop(user.id, posted, NOW, AGE))[-1] == Kept(store.waiting(dave.id))
    full = [NotKept("FULL", reason)]
    assert await store.drop(users[-1].id, [post(dave, 1, size)], NOW, AGE) == full


@pytest.mark.parametrize(
    ("each", "size", "fit"),
    [
        (MESSAGES_FROM_ONE, 10, MESSAGES_OF_STRANGERS),
        (4, BYTES_FROM_ONE // 4, BYTES_OF_STRANGERS // (BYTES_FROM_ONE // 4)),
    ],
)
async def test_strangers_get_half_of_it(store: Store, each: int, size: int, fit: int) -> None:
    dave, carol, *strangers = await register(
        store, "dave", "carol", *(f"user{number}" for number in range(fit // each + 1))
    )
    await store.drop(dave.id, [post(carol, 1)], NOW, AGE)
    for user in strangers[:-1]:
        await store.drop(user.id, [post(dave, n, size) for n in range(each)], NOW, AGE)
    assert store.waiting(dave.id) == fit
    last = [post(dave, 1, size)]
    why = "the mailbox of dave is full for users whom dave has never answered"
    assert await store.drop(strangers[-1].id, last, NOW, AGE) == [NotKept("FULL", why)]
    assert await store.drop(carol.id, last, NOW, AGE) == [Kept(fit + 1)]


async def test_answers_are_remembered_for_so_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_room, "ANSWERED", 2)
    dave, *others = await register(store, "dave", "carol", "erin", "frank")
    for other in (*others, others[1]):
        await store.answer(dave.id, other.id)
    assert [store.has_answered(dave.id, other.id) for other in others] == [False, True, True]
    assert not store.has_answered(others[1].id, dave.id)


async def small_store(disk: MemoryDisk, nursery: trio.Nursery) -> tuple[Store, list[User]]:
    """Room for four large messages, three users behind each of two addresses, and dave."""
    store = Store(disk, mail_mib=1)
    await nursery.start(store.run)
    users = [
        await store.register(newcomer(name)._replace(origin=name[:3].encode()), NOW, AGE)
        for name in ("one1", "one2", "one3", "two1", "two2", "two3", "dave")
    ]
    return store, users


LARGE = MIB // 4 - COST


async def test_all_mail_together_has_a_limit(disk: MemoryDisk, nursery: trio.Nursery) -> None:
    store, (one, one2, _, two, two2, two3, dave) = await small_store(disk, nursery)
    for number, user in enumerate((one, two, one2, two2), start=1):
        assert await store.drop(user.id, [post(dave, 1, LARGE)], NOW, AGE) == [Kept(number)]
    full = [NotKept("FULL", "this directory keeps 1 MiB of messages, and is full")]
    assert await store.drop(two3.id, [post(dave, 1)], NOW, AGE) == full
    await take(store, dave, NOW, post(dave, 1).envelope)
    assert await store.drop(two3.id, [post(dave, 1)], NOW, AGE) == [Kept(1)]
    nursery.cancel_scope.cancel()


async def test_no_address_fills_it_alone(disk: MemoryDisk, nursery: trio.Nursery) -> None:
    store, (one, one2, one3, two, _, _, dave) = await small_store(disk, nursery)
    for user in (one, one2, one3):
        await store.drop(user.id, [post(dave, 1, LARGE)], NOW, AGE)
    await store.drop(one3.id, [post(dave, 2)], NOW, AGE)
    no = "this directory is nearly full of messages, half of them from your address"
    assert await store.drop(one.id, [post(dave, 3)], NOW, AGE) == [NotKept("FULL", no)]
    assert await store.drop(two.id, [post(dave, 1)], NOW, AGE) == [Kept(5)]
    await release(store, dave)
    (erin,) = await register(store, "erin")
    assert await store.drop(one.id, [post(erin, 3)], NOW, AGE) == [Kept(1)], "its mail went too"
    nursery.cancel_scope.cancel()


async def test_receipts_that_nobody_notes_end_the_sending(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "RECEIPTS", 2)
    carol, dave = await register(store, "carol", "dave")
    await store.drop(carol.id, [post(dave, 1), post(dave, 2)], NOW, AGE)
    await take(store, dave, NOW, post(dave, 1).envelope, post(dave, 2).envelope)
    full = [NotKept("FULL", "2 receipts wait for you: note them first")]
    assert await store.drop(carol.id, [post(dave, 3)], NOW, AGE) == full
    await store.note(carol.id, [post(dave, 1).envelope])
    assert await store.drop(carol.id, [post(dave, 3)], NOW, AGE) == [Kept(1)]


async def test_the_same_envelope_twice_in_one_go_is_stored_once(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    assert await store.drop(carol.id, [post(dave, 1), post(dave, 1)], NOW, AGE) == [
        Kept(1),
        Kept(None),
    ]
    assert store.waiting(dave.id) == 1


async def test_a_receiver_who_went_meanwhile_does_not_exist(store: Store) -> None:
    carol, dave, erin = await register(store, "carol", "dave", "erin")
    await release(store, dave)
    assert await store.drop(carol.id, [post(dave, 1), post(erin, 2)], NOW, AGE) == [
        NotKept("NOBODY", "User dave does not exist!"),
        Kept(1),
    ]


async def test_old_mail_and_old_receipts_are_thrown_away(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    await store.drop(carol.id, [post(dave, number) for number in range(4)], NOW, AGE)
    await store.drop(carol.id, [post(dave, 9)], NOW + 100, AGE + 100)
    await take(store, dave, NOW, post(dave, 0).envelope)
    await take(store, dave, NOW + 100, post(dave, 1).envelope)

    assert await store.expire(AGE + KEEP_SECONDS + 50)

    envelopes, more = store.mail(dave.id, 0)
    assert ([int(one.id, 16) for one in envelopes], more) == ([9], False)
    ((receipt,),) = store.receipts(carol.id, 10)
    assert (int(receipt.envelope, 16), receipt.at) == (1, NOW + 100)

    await store.expire(AGE + KEEP_SECONDS + 200)
    assert store.waiting(dave.id) == 0
    assert not list(store.receipts(carol.id, 10))


async def test_receipts_cannot_be_hoarded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "RECEIPTS", 2)
    carol, dave = await register(store, "carol", "dave")
    await store.drop(carol.id, [post(dave, number) for number in range(5)], NOW, AGE)
    for number in range(5):
        await take(store, dave, NOW + number, post(dave, number).envelope)
    await store.expire(AGE + 10)
    assert [int(one.envelope, 16) for page in store.receipts(carol.id, 1) for one in page] == [3, 4]


async def test_receipts_come_in_pages(store: Store) -> None:
    carol, dave = await register(store, "carol", "dave")
    await store.drop(carol.id, [post(dave, number) for number in range(5)], NOW, AGE)
    await take(store, dave, NOW, *(post(dave, number).envelope for number in range(5)))
    pages = list(store.receipts(carol.id, 2))
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {one.by for page in pages for one in page} == {"dave"}


async def test_a_disk_that_hangs_is_an_error_in_the_end(
    store: Store, disk: MemoryDisk, autojump_clock: MockClock
) -> None:
    disk.seconds = 100
    with pytest.raises(StorageError, match="does not answer"):
        await register(store, "carol")
    disk.seconds = 0
    await trio.sleep(200)
    await register(store, "dave")


async def test_a_closed_store_says_so(disk: MemoryDisk) -> None:
    async with trio.open_nursery() as nursery:
        store = Store(disk)
        await nursery.start(store.run)
        nursery.cancel_scope.cancel()
    with pytest.raises(StorageError):
        store.waiting(1)
    with pytest.raises(StorageError):
        await store.release([])


# --- On a real disk ---


async def test_a_disk_that_is_really_full_takes_small_things_again_later(tmp_path: Path) -> None:
    store = Store(FolderDisk(tmp_path))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            carol, dave = await register(store, "carol", "dave")
            limit = store._database._writer
            (pages,) = limit.execute("PRAGMA page_count").fetchone()
            limit.execute(f"PRAGMA max_page_count = {pages + 4}")

            with pytest.raises(StorageError, match="full"):
                await store.drop(carol.id, [post(dave, 1, 40_000)], NOW, AGE)
            assert store.waiting(dave.id) == 0

            limit.execute("PRAGMA max_page_count = 10000")
            assert await store.drop(carol.id, [post(dave, 1, 40_000)], NOW, AGE) == [Kept(1)]
            nursery.cancel_scope.cancel()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 MiB of its own."""
    folder = tmp_path / "small"
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m,mode=0700", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    junk = folder / "junk"
    with junk.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (65_536, 4_096, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return junk


async def test_a_full_disk_can_always_be_emptied(small_disk: Path) -> None:
    data = small_disk / "data"
    data.mkdir(mode=0o700)
    with trio.fail_after(60):
        store = Store(FolderDisk(data))
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            carol, dave, erin = await register(store, "carol", "dave", "erin")
            for sender in (carol, erin):
                many = [post(dave, number, 40_000) for number in range(26)]
                await store.drop(sender.id, many, NOW, AGE)
            fill(small_disk)
            with pytest.raises(StorageError, match="full"):
                await register(store, *(f"user{number}" for number in range(9_999)))

            await take(store, dave, NOW, *(post(dave, number).envelope for number in range(20)))
            await store.note(carol.id, [post(dave, 1).envelope])
            assert await store.expire(AGE + 2 * KEEP_SECONDS)
            await release(store, erin)
            assert store.waiting(dave.id) == 0
            nursery.cancel_scope.cancel()

        junk = fill(small_disk)
        store = Store(FolderDisk(data))
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            await release(store, carol)
            assert carol.name not in [user.name for user in store.users()]
            with pytest.raises(StorageError, match="full"):
                await register(store, "frank")
            junk.unlink()
            await register(store, "frank")
            nursery.cancel_scope.cancel()


async def test_what_was_taken_leaves_no_trace_on_the_disk(tmp_path: Path) -> None:
    store = Store(FolderDisk(tmp_path))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            carol, dave = await register(store, "carol", "dave")
            secret = Posted("ab" * 16, dave.id, "dave", b"as secret as it gets" * 300)
            await store.drop(carol.id, [secret], NOW, AGE)
            await take(store, dave, NOW, "ab" * 16)
            nursery.cancel_scope.cancel()
    assert b"as secret" not in everything_in(tmp_path)


async def test_names_stand_in_one_table_only(tmp_path: Path) -> None:
    store = Store(FolderDisk(tmp_path))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            carol, dave = await register(store, "carol", "dave")
            await store.drop(carol.id, [post(dave, 1), post(dave, 2)], NOW, AGE)
            await take(store, dave, NOW, post(dave, 1).envelope)
            nursery.cancel_scope.cancel()
    database = sqlite3.connect(tmp_path / FILE)
    script = [line for line in database.iterdump() if "carol" in line or "dave" in line]
    database.close()
    assert len(script) == 2
    assert all(line.startswith('INSERT INTO "users"') for line in script)


async def test_a_damaged_database_is_an_error_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="not a database"):
        Store(FolderDisk(tmp_path))


async def test_who_gives_the_name_back_meanwhile_has_been_answered_by_nobody(
    store: Store,
) -> None:
    carol, dave = await register(store, "carol", "dave")
    await release(store, dave)
    await store.answer(carol.id, dave.id)
    await store.answer(dave.id, carol.id)
    assert not store.has_answered(carol.id, dave.id)
