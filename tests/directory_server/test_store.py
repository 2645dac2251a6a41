"""The directory's database, on a real disk and on one in memory."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from directory_server import mailbox
from directory_server.mailbox import (
    BYTES_FROM_ONE,
    BYTES_IN_ALL,
    KEEP_SECONDS,
    MESSAGES_FROM_ONE,
    MESSAGES_IN_ALL,
    Kept,
    NotKept,
    Posted,
)
from directory_server.ownership import Newcomer
from directory_server.registry import User
from directory_server.store import FILE, Store
from directory_server.tombstones import Tombstone, Validity
from directory_server.usage import Usage
from shared.disk import FolderDisk
from shared.errors import StorageError
from shared.messages import Verdict
from tests.fakes import MemoryDisk

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
    waiting, _ = store.mail(receiver.id, 0)
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
    for user in users[:-1]:
        posted = [post(dave, number, size) for number in range(each)]
        assert (await store.drop(user.id, posted, NOW, AGE))[-1] == Kept(store.waiting(dave.id))
    assert await store.drop(users[-1].id, [post(dave, 1, size)], NOW, AGE) == [
        NotKept("FULL", reason)
    ]


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
