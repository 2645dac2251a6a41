"""The store in SQLite, where the disk is slow, full or damaged."""

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.mail_limits import KEEP_SECONDS
from directory_server.storage.sqlite import FILE, SqliteStore
from directory_server.storage.store import Kept, Posted
from shared.disk import FolderDisk
from shared.errors import StorageError
from tests.kit.stores import AGE, NOW, drop, post, register, release, take
from tests.kit.world import MemoryDisk


@pytest.fixture
async def disk() -> MemoryDisk:
    return MemoryDisk()


@pytest.fixture
async def store(disk: MemoryDisk, nursery: trio.Nursery) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(disk)
    await nursery.start(store.run)
    yield store
    nursery.cancel_scope.cancel()


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_a_disk_that_hangs_is_an_error_in_the_end(
    store: SqliteStore, disk: MemoryDisk, autojump_clock: MockClock
) -> None:
    disk.seconds = 100
    with pytest.raises(StorageError, match="does not answer"):
        await register(store, "carol")
    disk.seconds = 0
    await trio.sleep(200)
    await register(store, "dave")


async def test_a_closed_store_says_so(disk: MemoryDisk) -> None:
    async with trio.open_nursery() as nursery:
        store = SqliteStore(disk)
        await nursery.start(store.run)
        nursery.cancel_scope.cancel()
    with pytest.raises(StorageError):
        await store.waiting(1)
    with pytest.raises(StorageError):
        await store.release([])


# --- On a real disk ---


async def test_a_disk_that_is_really_full_takes_small_things_again_later(tmp_path: Path) -> None:
    store = SqliteStore(FolderDisk(tmp_path))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            carol, dave = await register(store, "carol", "dave")
            limit = store._database._writer
            (pages,) = limit.execute("PRAGMA page_count").fetchone()
            limit.execute(f"PRAGMA max_page_count = {pages + 4}")

            with pytest.raises(StorageError, match="full"):
                await drop(store, carol.id, [post(dave, 1, 40_000)], NOW, AGE)
            assert await store.waiting(dave.id) == 0

            limit.execute("PRAGMA max_page_count = 10000")
            assert await drop(store, carol.id, [post(dave, 1, 40_000)], NOW, AGE) == [Kept(1)]
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
        store = SqliteStore(FolderDisk(data))
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            carol, dave, erin = await register(store, "carol", "dave", "erin")
            for sender in (carol, erin):
                many = [post(dave, number, 40_000) for number in range(26)]
                await drop(store, sender.id, many, NOW, AGE)
            fill(small_disk)
            with pytest.raises(StorageError, match="full"):
                await register(store, *(f"user{number}" for number in range(9_999)))

            await take(store, dave, NOW, *(post(dave, number).envelope for number in range(20)))
            await store.note(carol.id, [post(dave, 1).envelope])
            assert await store.expire(AGE + 2 * KEEP_SECONDS)
            await release(store, erin)
            assert await store.waiting(dave.id) == 0
            nursery.cancel_scope.cancel()

        junk = fill(small_disk)
        store = SqliteStore(FolderDisk(data))
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            await release(store, carol)
            assert carol.name not in [user.name for user in await store.users()]
            with pytest.raises(StorageError, match="full"):
                await register(store, "frank")
            junk.unlink()
            await register(store, "frank")
            nursery.cancel_scope.cancel()


async def test_what_was_taken_leaves_no_trace_on_the_disk(tmp_path: Path) -> None:
    store = SqliteStore(FolderDisk(tmp_path))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            carol, dave = await register(store, "carol", "dave")
            secret = Posted("ab" * 16, dave.id, "dave", b"as secret as it gets" * 300)
            await drop(store, carol.id, [secret], NOW, AGE)
            await take(store, dave, NOW, "ab" * 16)
            nursery.cancel_scope.cancel()
    assert b"as secret" not in everything_in(tmp_path)


async def test_names_stand_in_one_table_only(tmp_path: Path) -> None:
    store = SqliteStore(FolderDisk(tmp_path))
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(store.run)
            carol, dave = await register(store, "carol", "dave")
            await drop(store, carol.id, [post(dave, 1), post(dave, 2)], NOW, AGE)
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
        SqliteStore(FolderDisk(tmp_path))
