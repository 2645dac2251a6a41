"""One SQLite database, one writer, many callers in one commit.

A commit costs an fsync, however much it holds.  So callers only queue their work, and
all that gathers during one commit goes into the next one.  Nobody waits for a batch to
fill: the running commit is the wait.
"""

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, TypeVar, cast

import trio

from shared.errors import StorageError
from shared.reserve import Reserve
from shared.world import Disk

T = TypeVar("T")

BATCH_WRITES = 4_096  # in one commit, so that nobody waits behind a huge one
LOOK_SECONDS = 0.5  # between two looks whether a commit has hung for too long
HUNG = "the disk does not answer"
CLOSED = "the database is closed"


# The file is full, failing or damaged.  Their subclasses are the fault of one caller.
_DISK_ERRORS = (sqlite3.OperationalError, sqlite3.DatabaseError)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Raise StorageError when this file turns out to be damaged while it is read."""
    try:
        yield
    except _DISK_ERRORS as error:
        if type(error) not in _DISK_ERRORS:
            raise  # a bug of our own
        raise StorageError(f"{name} cannot be read: {error}") from error


class Written(Generic[T]):
    """One caller's work, and what came of it."""

    __slots__ = ("_result", "error", "frees", "then", "work")

    def __init__(
        self,
        work: Callable[[sqlite3.Connection], T],
        then: "Callable[[Written[T]], None]",
        *,
        frees: bool,
    ) -> None:
        self.work, self.then, self.frees = work, then, frees
        self.error: Exception | None = None

    def result(self) -> T:
        """Return the result of the work; raise its error, or StorageError, if it was not done."""
        if self.error is not None:
            raise self.error
        return self._result

    def perform(self, connection: sqlite3.Connection) -> None:
        """Do it, in the writing thread, where a cursor must end, too.

        The end of the last cursor of an `executemany` resets its statement.  In another
        thread that may happen while the next write uses the same statement, which SQLite
        then calls misuse.
        """
        result = self.work(connection)
        self._result = cast(T, None) if isinstance(result, sqlite3.Cursor) else result


class Database:
    """A database: the constructor opens it, `run` serves its writes, and closes it at the end.

    `migrations` are the SQL scripts that lead from an empty file to today's
    tables; its user_version tells how many a file has seen.  `prepare` runs
    after them, before anything else.
    """

    def __init__(
        self,
        disk: Disk,
        name: str,
        migrations: list[str],
        prepare: Callable[[sqlite3.Connection], None] = lambda _: None,
        *,
        reserve: int = 0,
        patience: float = math.inf,
    ) -> None:
        """`reserve`: bytes on the disk that only deletions may use, see shared.reserve.

        `patience`: seconds after which a commit has failed for all who wait for it, although
        it may still happen; until it ends, no other write is accepted.
        """
        self._patience = patience
        self._running: list[Written[Any]] = []  # the batch that is being committed,
        self._running_since = math.inf  # if there is one
        self._is_hung = False
        self._reserve = Reserve(disk, reserve)
        self._disk, self._name = disk, name
        self._waiting: list[Written[Any]] = []
        self._something = trio.Event()
        self._closing = False
        #: is called after each commit, with its seconds and the number of its writes
        self.committed: Callable[[float, int], None] = lambda *_: None
        self._writer = disk.database(name)
        try:
            self._migrate(migrations)
            prepare(self._writer)
            self.reader = disk.database(name, readonly=True)  #: small, indexed reads only
        except StorageError:
            self._writer.close()
            raise
        except sqlite3.Error as error:
            self._writer.close()
            raise StorageError(f"cannot use {name}: {error}") from error

    def _migrate(self, migrations: list[str]) -> None:
        (seen,) = self._writer.execute("PRAGMA user_version").fetchone()
        if seen > len(migrations):
            raise StorageError(f"{self._name} was written by a newer version of this program")
        for number, script in enumerate(migrations[seen:], start=seen + 1):
            self._writer.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT"
            )

    async def write(self, work: Callable[[sqlite3.Connection], T], *, frees: bool = False) -> T:
        """Run `work` in the writing thread; return its result after the commit.

        `frees`: the work deletes, and may use the reserve when the disk is full.

        Raises StorageError when the disk did not take it (it is undone then), and
        whatever `work` raises.  `work` sees the connection inside a
        transaction and must touch nothing else that lives in the loop.
        """
        done = trio.Event()
        written: list[Written[T]] = []

        def then(write: Written[T]) -> None:
            written.append(write)
            done.set()

        self._queue(Written(work, then, frees=frees))
        await done.wait()
        # At the end of a program the write may finish just when its caller is cancelled.
        # The caller must not continue then, because the reader is closed.
        await trio.lowlevel.checkpoint_if_cancelled()
        return written[0].result()

    def write_then(
        self, work: Callable[[sqlite3.Connection], T], then: Callable[[Written[T]], None]
    ) -> None:
        """Like `write`, but return at once; `then` is called in the loop, after the commit.

        Raises StorageError when nothing is taken at this moment.  To wake no task for it is
        a fifth of what a small write costs.
        """
        self._queue(Written(work, then, frees=False))

    def _queue(self, write: Written[T]) -> None:
        if self._closing:
            raise StorageError(CLOSED)
        if self._is_hung:
            raise StorageError(HUNG)
        self._waiting.append(write)
        self._something.set()

    async def execute(self, statement: str, values: tuple[object, ...]) -> None:
        """Execute one statement; it is on disk when this returns.  Raises what `write` raises."""
        await self.write(lambda db: db.execute(statement, values))

    def read(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Read rows by a small, indexed query.  Raises StorageError when the file is damaged."""
        with reading(self._name):
            return self.reader.execute(query, values).fetchall()

    @property
    def is_closing(self) -> bool:
        """Whether writing has ended; reading will end soon."""
        return self._closing

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled; what was queued by then is still committed."""
        async with trio.open_nursery() as nursery:
            if self._patience < math.inf:
                nursery.start_soon(self._watch)
            task_status.started()
            try:
                while True:
                    await self._something.wait()
                    await self._commit_some()
            finally:
                self._closing = True
                try:
                    while self._waiting:
                        await self._commit_some()
                finally:  # also after a bug: nobody waits for ever
                    self._refuse_all(CLOSED)
                    self.close()

    async def _watch(self) -> None:
        """Give up a commit that has hung for too long, for all who wait for it."""
        while True:
            await trio.sleep(LOOK_SECONDS)
            if not self._is_hung and trio.current_time() > self._running_since + self._patience:
                self._is_hung = True
                self._refuse_all(HUNG)

    def _refuse_all(self, why: str) -> None:
        refused = [*self._running, *self._waiting]
        self._running = []  # whatever the thread does with it yet, nobody looks
        self._waiting.clear()
        for write in refused:
            gone = Written(write.work, write.then, frees=write.frees)
            gone.error = StorageError(why)
            write.then(gone)

    def close(self) -> None:
        """Close a database that `run` was never started for."""
        self.reader.close()
        self._writer.close()

    async def _commit_some(self) -> None:
        batch = self._waiting[:BATCH_WRITES]
        del self._waiting[:BATCH_WRITES]
        if not self._waiting:
            self._something = trio.Event()
        self._running, self._running_since = batch, trio.current_time()
        # Shielded, because a batch that was handed over must be answered; without a
        # deadline, because a thread that waits for a disk cannot be left behind.
        with trio.CancelScope(shield=True):
            await self._disk.run(lambda: self._commit(batch))
        self.committed(trio.current_time() - self._running_since, len(batch))
        done, self._running = self._running, []
        self._running_since, self._is_hung = math.inf, False
        for write in done:
            write.then(write)

    def _commit(self, batch: list[Written[Any]]) -> None:
        """Commit a batch, in the writing thread."""
        if not self._reserve.is_whole():
            batch = _without_growth(batch)
        if batch:
            self._attempt(batch)

    def _attempt(self, batch: list[Written[Any]]) -> None:
        """Do a batch in one transaction; without those whose own error prevents it."""
        while (bad := self._try(batch)) is not None:
            batch = [write for write in batch if write is not bad]

    def _try(self, batch: list[Written[Any]]) -> Written[Any] | None:
        """Do a batch; return the write whose error, which its caller gets, has undone it."""
        write: Written[Any] | None = None
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for write in batch:
                write.perform(self._writer)
            self._writer.execute("COMMIT")
        except Exception as error:
            self._roll_back()
            if write is not None and type(error) not in _DISK_ERRORS:
                write.error = error
                return write
            if not isinstance(error, sqlite3.Error):
                raise
            self._retry_singly(batch, error)
        else:
            self._reserve.recover(self._writer)
        return None

    def _retry_singly(self, batch: list[Written[Any]], error: sqlite3.Error) -> None:
        """Try each write alone: a full disk may still take small ones, and deletions."""
        if len(batch) == 1:
            if batch[0].frees and self._reserve.open():
                self._attempt(batch)
            else:
                batch[0].error = StorageError(f"the disk did not take it: {error}")
            return
        for write in batch:
            write.error = None
            self._commit([write])

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            with suppress(sqlite3.Error):  # then the next BEGIN fails, and this is tried again
                self._writer.execute("ROLLBACK")


def _without_growth(batch: list[Written[Any]]) -> list[Written[Any]]:
    """Return the deletions of a batch; the other writes fail, as the disk is full."""
    for write in batch:
        if not write.frees:
            write.error = StorageError("the disk did not take it: it is full")
    return [write for write in batch if write.frees]
