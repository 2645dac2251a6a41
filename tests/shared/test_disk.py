"""A folder for its owner only, and what a full or damaged disk leaves behind."""

import contextlib
import errno
import fcntl
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from shared.database import Database
from shared.disk import FolderDisk
from shared.errors import Refused, StorageError
from shared.real import real_world
from tests.kit.full_disk import no_file_larger_than

ROOT = Path(__file__).parents[2]
TABLE = "CREATE TABLE lines (number INTEGER PRIMARY KEY, text TEXT)"
BIG = "x" * 2_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FolderDisk]:
    disk = FolderDisk(tmp_path / "some" / "folder")
    disk.lock()
    yield disk
    disk.unlock()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def add(text: str, connection: sqlite3.Connection) -> int:
    return connection.execute("INSERT INTO lines (text) VALUES (?)", (text,)).lastrowid or 0


# --- Files -------------------------------------------------------------------------------


def test_everything_is_for_its_owner_only(disk: FolderDisk) -> None:
    mask = os.umask(0)
    try:
        fresh = FolderDisk(disk.folder / "deeper")
        fresh.lock()
        fresh.write("key", b"secret")
        connection = fresh.database("journal")
        connection.execute(TABLE)
        assert mode(fresh.folder) == 0o700
        names = {path.name: mode(path) for path in fresh.folder.iterdir()}
        connection.close()
        fresh.unlock()
    finally:
        os.umask(mask)
    assert set(names) == {"lock", "key", "journal", "journal-wal", "journal-shm"}
    assert set(names.values()) == {0o600}


@pytest.mark.parametrize(
    ("flags", "why"), [(0, "permission denied"), (os.ST_RDONLY, "read-only file system")]
)
@pytest.mark.parametrize("name", ["journal", "journal-wal", "journal-shm"])
def test_a_file_of_a_database_that_we_may_not_write_is_named(
    disk: FolderDisk, name: str, monkeypatch: pytest.MonkeyPatch, flags: int, why: str
) -> None:
    """Else it would open, and each write would fail."""
    with contextlib.closing(disk.database("journal")) as connection:
        connection.execute(TABLE)
        # root may write to it all the same
        may = os.access
        monkeypatch.setattr(os, "access", lambda one, how: one.name != name and may(one, how))
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))
        with pytest.raises(StorageError) as error:
            disk.database("journal")
    assert str(error.value) == f"cannot open {disk.folder / name}: {why}"


def test_a_file_is_replaced_in_one_step(disk: FolderDisk) -> None:
    assert disk.read("settings") is None
    disk.write("settings", b"one")
    before = disk.folder / "kept"
    os.link(disk.folder / "settings", before)  # what somebody who reads it now has open
    disk.write("settings", b"two")
    assert disk.read("settings") == b"two"
    assert before.read_bytes() == b"one"
    disk.write("settings", b"")
    assert disk.read("settings") == b""
    assert {path.name for path in disk.folder.iterdir()} == {"lock", "settings", "kept"}


def test_a_full_disk_leaves_the_old_file(disk: FolderDisk) -> None:
    disk.write("settings", b"one")
    with no_file_larger_than(1_000), pytest.raises(StorageError) as caught:
        disk.write("settings", b"x" * 2_000)
    assert str(caught.value) == f"cannot write {disk.folder / 'settings'}: file too large"
    assert disk.read("settings") == b"one"
    assert {path.name for path in disk.folder.iterdir()} == {"lock", "settings"}


def test_what_cannot_be_read_or_written_is_a_sentence(disk: FolderDisk, tmp_path: Path) -> None:
    (disk.folder / "settings").mkdir()  # permissions would not stop root
    with pytest.raises(StorageError, match=r"cannot read .*: is a directory"):
        disk.read("settings")
    with pytest.raises(StorageError, match=r"cannot write .*: is a directory"):
        disk.write("settings", b"")
    with pytest.raises(StorageError, match="cannot open"):
        disk.database("settings")
    with pytest.raises(StorageError, match="no such file or directory"):
        FolderDisk(tmp_path / "nowhere").write("settings", b"")
    with pytest.raises(StorageError, match="no such file or directory"):
        FolderDisk(tmp_path / "nowhere").database("journal")


def test_the_folder_may_be_impossible(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"cannot use the folder .*: not a directory"):
        FolderDisk(tmp_path / "file" / "folder").lock()


# --- The lock ----------------------------------------------------------------------------


def test_two_programs_never_share_a_folder(disk: FolderDisk) -> None:
    other = FolderDisk(disk.folder)
    for one in (other, disk):
        with pytest.raises(Refused, match="already running") as caught:
            one.lock()
        assert caught.value.code == "LOCK"
    other.unlock()  # had nothing to unlock
    disk.unlock()
    other.lock()
    other.unlock()
    disk.lock()


def test_a_file_system_without_locks(disk: FolderDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StorageError, match="no locks available"):
        FolderDisk(disk.folder).lock()


# --- Databases ---------------------------------------------------------------------------


def test_a_database_is_durable_and_forgets_what_is_deleted(disk: FolderDisk) -> None:
    connection = disk.database("journal")

    def pragma(name: str) -> object:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert (pragma("journal_mode"), pragma("synchronous")) == ("wal", 2)
    assert (pragma("foreign_keys"), pragma("secure_delete")) == (1, 1)
    reader = disk.database("journal", readonly=True)
    connection.execute(TABLE)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO lines (text) VALUES ('x')")
    connection.execute("INSERT INTO lines (text) VALUES ('a secret that I regret')")
    connection.execute("DELETE FROM lines")
    reader.close()
    connection.close()
    assert b"regret" not in (disk.folder / "journal").read_bytes()


async def test_a_half_read_answer_stops_no_writer(disk: FolderDisk) -> None:
    database = Database(disk, "journal", [TABLE])
    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        for number in range(3):
            assert await database.write(lambda c, n=number: add(str(n), c)) == number + 1  # type: ignore[misc]
        half_read = database.reader.execute("SELECT text FROM lines")
        assert half_read.fetchone() == ("0",)
        await database.write(lambda connection: add("3", connection))
        assert half_read.fetchall() == [("1",), ("2",)]
        nursery.cancel_scope.cancel()


async def test_a_full_disk_stops_a_write_and_not_the_next(disk: FolderDisk) -> None:
    database = Database(disk, "journal", [TABLE])

    async def too_much() -> None:
        with pytest.raises(StorageError, match="the disk did not take it"):
            await database.write(lambda connection: add(BIG, connection))

    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        await database.write(lambda connection: add("one", connection))
        with no_file_larger_than(500_000):
            async with trio.open_nursery() as callers:
                callers.start_soon(too_much)
                callers.start_soon(too_much)
                await database.write(lambda connection: add("two", connection))
        await database.write(lambda connection: add("three", connection))
        rows = database.reader.execute("SELECT text FROM lines ORDER BY number").fetchall()
        assert sorted(rows) == [("one",), ("three",), ("two",)]
        nursery.cancel_scope.cancel()


def test_a_file_that_is_no_database(disk: FolderDisk) -> None:
    (disk.folder / "journal").write_bytes(b"dear diary, " * 1_000)
    with pytest.raises(StorageError, match=r"cannot open .*: file is not a database"):
        disk.database("journal")


async def test_a_damaged_database_is_the_disks_fault(disk: FolderDisk) -> None:
    database = Database(disk, "journal", [TABLE])
    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        await database.write(lambda connection: add(BIG, connection))
        nursery.cancel_scope.cancel()
    content = bytearray((disk.folder / "journal").read_bytes())
    content[4_096:12_288] = b"\xff" * 8_192
    (disk.folder / "journal").write_bytes(content)
    database = Database(disk, "journal", [TABLE])
    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        with pytest.raises(StorageError, match="malformed"):
            await database.write(lambda connection: add("one", connection))
        nursery.cancel_scope.cancel()


def test_a_database_of_a_newer_version_can_be_opened_by_that_one(disk: FolderDisk) -> None:
    newer = Database(disk, "journal", [TABLE, "CREATE TABLE more (x)"])
    with pytest.raises(StorageError, match="newer version"):
        Database(disk, "journal", [TABLE])
    newer.reader.close()
    newer._writer.close()


PROGRAM = """
import sys, trio
from pathlib import Path
from shared.database import Database
from shared.disk import FolderDisk

async def main():
    disk = FolderDisk(Path(sys.argv[1]))
    disk.lock()
    database = Database(disk, "journal", [sys.argv[2]])
    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        while True:
            number = await database.write(
                lambda c: c.execute("INSERT INTO lines (text) VALUES ('x')").lastrowid
            )
            print(number, flush=True)

trio.run(main)
"""


def test_what_was_promised_survives_a_kill(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), TABLE], stdout=subprocess.PIPE, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        for _ in range(20):
            promised = int(program.stdout.readline())
        program.send_signal(signal.SIGKILL)
        rest = program.stdout.read().split()
        promised = int(rest[-1]) if rest else promised
    disk = FolderDisk(tmp_path)
    disk.lock()  # the dead hold no locks
    connection = disk.database("journal")
    (kept,) = connection.execute("SELECT count(*) FROM lines").fetchone()
    connection.close()
    disk.unlock()
    assert promised <= kept <= promised + 1


async def test_the_real_world_touches_nothing_until_it_is_locked(tmp_path: Path) -> None:
    world = real_world(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    assert len(world.new_id()) == 32
    assert world.clock.time() > 1_700_000_000
    assert await world.disk.run(lambda: 7) == 7
