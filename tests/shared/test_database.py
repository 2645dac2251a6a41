"""Many callers, one commit: who gets what, and what a full disk spares."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from shared.database import BATCH_WRITES, Database
from shared.errors import StorageError
from tests.kit.world import MemoryConnection, MemoryDisk

TABLE = "CREATE TABLE lines (number INTEGER PRIMARY KEY, text TEXT NOT NULL CHECK (text != ''))"

Work = Callable[[sqlite3.Connection], int]


def adds(text: str) -> Work:
    def work(connection: sqlite3.Connection) -> int:
        return connection.execute("INSERT INTO lines (text) VALUES (?)", (text,)).lastrowid or 0

    return work


def lines(database: Database) -> list[str]:
    return [text for (text,) in database.reader.execute("SELECT text FROM lines ORDER BY number")]


def opened(disk: MemoryDisk) -> Database:
    return Database(disk, "journal", [TABLE])


def on_disk(disk: MemoryDisk) -> list[str]:
    with closing(opened(disk)) as database:
        return lines(database)


async def refused(database: Database, work: Work) -> StorageError:
    with pytest.raises(StorageError) as caught:
        await database.write(work)
    return caught.value


async def test_a_result_comes_after_its_commit(autojump_clock: MockClock) -> None:
    disk = MemoryDisk()
    disk.seconds = 1
    database = opened(disk)
    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        assert await database.write(adds("one")) == 1
        assert lines(database) == ["one"]
        assert trio.current_time() == 1
        nursery.cancel_scope.cancel()


async def test_no_cursor_leaves_the_writing_thread(autojump_clock: MockClock) -> None:
    """Its end in another thread would reset a statement that the next write may be using."""
    database = opened(MemoryDisk())
    rows = [("one",), ("two",)]
    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        many = await database.write(
            lambda db: db.executemany("INSERT INTO lines (text) VALUES (?)", rows)
        )
        assert many is None
        assert lines(database) == ["one", "two"]
        nursery.cancel_scope.cancel()


async def test_what_gathers_during_a_commit_shares_the_next(autojump_clock: MockClock) -> None:
    disk = MemoryDisk()
    disk.seconds = 1
    database = opened(disk)
    results: list[int] = []

    async def add(number: int) -> None:
        results.append(await database.write(adds(str(number))))
        assert str(number) in lines(database)

    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        before = disk.commits
        async with trio.open_nursery() as callers:
            callers.start_soon(add, 0)
            await trio.sleep(0.5)
            for number in range(1, 300):
                callers.start_soon(add, number)
        assert disk.commits - before == 2
        assert trio.current_time() == 2
        nursery.cancel_scope.cancel()
    assert sorted(results) == list(range(1, 301))


async def test_a_commit_never_holds_more_than_its_share(autojump_clock: MockClock) -> None:
    disk = MemoryDisk()
    database = opened(disk)
    async with trio.open_nursery() as nursery:
        before = disk.commits
        async with trio.open_nursery() as callers:
            for _ in range(2 * BATCH_WRITES + 1):
                callers.start_soon(database.write, adds("x"))
            await trio.testing.wait_all_tasks_blocked()
            await nursery.start(database.run)
        assert disk.commits - before == 3
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("work", "error"),
    [
        (adds(""), sqlite3.IntegrityError),
        (lambda _: 1 // 0, ZeroDivisionError),
        (lambda connection: connection.execute("INSERT INTO lines VALUES (1, 'a', 'b')").rowcount,
         StorageError),
        (lambda connection: connection.execute("SELECT ?", ()).rowcount, sqlite3.ProgrammingError),
    ],
)  # fmt: skip
async def test_the_error_of_one_spares_the_others(
    work: Work, error: type[Exception], autojump_clock: MockClock
) -> None:
    database = opened(MemoryDisk())
    results: list[int] = []

    async def add(text: str) -> None:
        results.append(await database.write(adds(text)))

    def half(connection: sqlite3.Connection) -> int:
        adds("never")(connection)
        return work(connection)

    async def fail() -> None:
        with pytest.raises(error):
            await database.write(half)

    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as callers:
            callers.start_soon(add, "one")
            callers.start_soon(fail)
            callers.start_soon(add, "two")
            await trio.testing.wait_all_tasks_blocked()
            await nursery.start(database.run)
        assert sorted(lines(database)) == ["one", "two"]
        assert await database.write(adds("three"))
        nursery.cancel_scope.cancel()
    assert len(results) == 2


async def test_a_disk_that_fails_while_something_is_undone_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    database, execute, failed = opened(MemoryDisk()), MemoryConnection.execute, 0

    def fails_once(self: MemoryConnection, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        nonlocal failed
        if sql == "ROLLBACK" and not failed:
            failed += 1
            raise sqlite3.OperationalError("disk I/O error")
        return execute(self, sql, parameters)

    monkeypatch.setattr(MemoryConnection, "execute", fails_once)
    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(adds(""))
        await database.write(adds("one"))
        assert (failed, lines(database)) == (1, ["one"])
        nursery.cancel_scope.cancel()


async def test_after_a_bug_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    disk = MemoryDisk()
    database = opened(disk)

    async def fails(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(disk, "run", fails)
    reasons: list[str] = []

    async def write() -> None:
        with trio.CancelScope(shield=True):
            reasons.append(str(await refused(database, adds("one"))))

    with trio.fail_after(60), pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(write)
            await nursery.start(database.run)
    assert reasons == ["the database is closed"] * 2


async def test_a_full_disk_is_told_to_each_and_the_rest_goes_on(autojump_clock: MockClock) -> None:
    disk = MemoryDisk()
    database = opened(disk)
    failures: list[StorageError] = []

    async def add(text: str) -> None:
        failures.append(await refused(database, adds(text)))

    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        await database.write(adds("before"))
        disk.is_full = True
        async with trio.open_nursery() as callers:
            for text in ("one", "two", "three"):
                callers.start_soon(add, text)
        assert lines(database) == ["before"]
        assert {str(one) for one in failures} == {
            "the disk did not take it: database or disk is full"
        }
        assert len(failures) == 3
        disk.is_full = False
        await database.write(adds("after"))
        assert lines(database) == ["before", "after"]
        nursery.cancel_scope.cancel()


async def test_on_a_full_disk_the_small_ones_may_still_fit(autojump_clock: MockClock) -> None:
    database = opened(MemoryDisk())
    database._writer.execute("PRAGMA max_page_count = 16")
    outcomes: dict[str, bool] = {}

    async def add(text: str) -> None:
        try:
            await database.write(adds(text))
        except StorageError:
            outcomes[text[:5]] = False
        else:
            outcomes[text[:5]] = True

    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as callers:
            for text in ("one", "large" * 100_000, "two"):
                callers.start_soon(add, text)
            await trio.testing.wait_all_tasks_blocked()
            await nursery.start(database.run)
        assert outcomes == {"one": True, "large": False, "two": True}
        assert sorted(lines(database)) == ["one", "two"]
        nursery.cancel_scope.cancel()


async def test_a_caller_who_gives_up_takes_nothing_from_the_others(
    autojump_clock: MockClock,
) -> None:
    disk = MemoryDisk()
    disk.seconds = 10
    database = opened(disk)
    done: list[str] = []

    async def add(text: str, patience: float) -> None:
        with trio.move_on_after(patience):
            await database.write(adds(text))
            done.append(text)

    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        async with trio.open_nursery() as callers:
            callers.start_soon(add, "first", 5)
            await trio.sleep(1)
            callers.start_soon(add, "impatient", 5)
            callers.start_soon(add, "patient", 50)
        assert done == ["patient"]
        # Giving up does not take the work back: the caller does not know, and must ask.
        assert sorted(lines(database)) == ["first", "impatient", "patient"]
        nursery.cancel_scope.cancel()


async def test_what_waits_when_the_program_ends_is_still_committed(
    autojump_clock: MockClock,
) -> None:
    disk = MemoryDisk()
    disk.seconds = 5
    database = opened(disk)
    done: list[str] = []

    async def add(text: str) -> None:
        await database.write(adds(text))
        done.append(text)

    async with trio.open_nursery() as callers:
        async with trio.open_nursery() as nursery:
            await nursery.start(database.run)
            callers.start_soon(add, "one")
            await trio.sleep(1)
            callers.start_soon(add, "two")
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
        assert str(await refused(database, adds("three"))) == "the database is closed"
    assert done == ["one", "two"]
    assert on_disk(disk) == ["one", "two"]


async def test_it_can_be_ended_although_somebody_always_writes(autojump_clock: MockClock) -> None:
    disk = MemoryDisk()
    disk.seconds = 0.01
    database = opened(disk)

    async def keep_writing() -> None:
        while True:
            try:
                await database.write(adds("more"))
            except StorageError:
                return

    async with trio.open_nursery() as callers, trio.open_nursery() as nursery:
        await nursery.start(database.run)
        for _ in range(3):
            callers.start_soon(keep_writing)
            await trio.sleep(0.004)  # so that one always waits while another is committed
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert trio.current_time() < 2


async def test_it_reads_and_writes_after_a_restart_with_new_tables(
    autojump_clock: MockClock,
) -> None:
    disk = MemoryDisk()
    for migrations in ([TABLE], [TABLE], [TABLE, "ALTER TABLE lines ADD COLUMN mark TEXT"]):
        database = Database(disk, "journal", migrations)
        async with trio.open_nursery() as nursery:
            await nursery.start(database.run)
            await database.write(adds("more"))
            nursery.cancel_scope.cancel()
    database = Database(disk, "journal", [TABLE, "ALTER TABLE lines ADD COLUMN mark TEXT"])
    rows = database.reader.execute("SELECT text, mark FROM lines").fetchall()
    assert rows == [("more", None)] * 3
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.reader.execute("DELETE FROM lines")
    database.close()


def test_a_file_of_a_newer_version_is_left_alone() -> None:
    disk = MemoryDisk()
    newer = Database(disk, "journal", [TABLE, "CREATE TABLE more (x)"])
    with pytest.raises(StorageError, match="newer version"):
        Database(disk, "journal", [TABLE])
    assert newer.reader.execute("PRAGMA user_version").fetchone() == (2,)
    newer.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was() -> None:
    disk = MemoryDisk()
    with pytest.raises(StorageError, match="cannot use journal"):
        Database(disk, "journal", [TABLE, "CREATE TABLE lines (x); CREATE TABLE more (x)"])
    again = disk.database("journal")
    assert again.execute("PRAGMA user_version").fetchone() == (1,)
    assert again.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (1,)
    again.close()


def test_a_full_disk_at_the_start_is_a_sentence() -> None:
    disk = MemoryDisk()
    disk.is_full = True
    with pytest.raises(StorageError, match="disk is full"):
        opened(disk)


async def test_a_commit_that_hangs_is_given_up_and_nothing_else_is_taken_meanwhile(
    autojump_clock: MockClock,
) -> None:
    disk = MemoryDisk()
    database = Database(disk, "journal", [TABLE], patience=6)
    ends: list[tuple[str, float]] = []

    async def add(text: str) -> None:
        assert str(await refused(database, adds(text))) == "the disk does not answer"
        ends.append((text, trio.current_time()))

    async with trio.open_nursery() as nursery:
        await nursery.start(database.run)
        disk.seconds = 100
        async with trio.open_nursery() as callers:
            callers.start_soon(add, "on its way")
            await trio.sleep(5)
            callers.start_soon(add, "behind it")
            await trio.sleep(5)
            callers.start_soon(add, "too late")
        assert all(when <= 7 for text, when in ends if text != "too late")
        assert ends[-1] == ("too late", 10)
        disk.seconds = 0
        await trio.sleep_until(101)
        assert lines(database) == ["on its way"], "which nobody could take back"
        await database.write(adds("after"))
        nursery.cancel_scope.cancel()
    assert on_disk(disk) == ["on its way", "after"]
