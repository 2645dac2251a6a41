"""Many callers, one commit, in a database that may be lost in the middle of it.

A batch whose outcome is unknown is done again: each work has the same result the second
time.  Nobody waits longer than PATIENCE_SECONDS; then the database is away, every new work
is refused at once, and a commit of nothing finds out when it is back.

Another directory may work for the same users at this moment.  So that neither waits for the
other, each locks the users of a batch first, in one order everywhere, and registers names last,
in one order, too.  Else one user with two links could stop both of them again and again.
"""

import logging
from collections.abc import Callable, Collection
from functools import partial
from itertools import groupby
from typing import Any, Final, Generic, TypeVar

import psycopg
import trio

from directory_server.storage.postgres.connection import (
    FAILURES,
    Connection,
    Line,
    Lost,
    first_line,
)
from directory_server.storage.store import Away
from shared.database import CLOSED
from shared.errors import Refused, StorageError

log = logging.getLogger(__name__)
A = TypeVar("A")
T = TypeVar("T")

# Clearly less than the 15 s for which a peer waits for our answer; see storage/sqlite.py.
PATIENCE_SECONDS: Final = 6.0
PAUSE_SECONDS: Final = 0.2  # between two tries to reach the database
LOOK_SECONDS: Final = 0.5
BATCH: Final = 1_000
AWAY: Final = "the directory's database does not answer"


class Job(Generic[T]):
    """One caller's work, and what came of it."""

    __slots__ = ("_result", "asked", "error", "name", "then", "users", "work")

    def __init__(
        self, work: Callable[[Connection], T], then: "Callable[[Job[T]], None]",
        users: Collection[int] = (), name: str = "",
    ) -> None:  # fmt: skip
        """`users`: for whom it changes something; `name`: a new one that it registers."""
        self.work, self.then = work, then
        self.users, self.name = users, name
        self.asked = trio.current_time()
        self.error: Exception | None = None

    def perform(self, connection: Connection) -> None:
        self.error = None  # of an attempt before
        self._result = self.work(connection)

    def result(self) -> T:
        """Return the result of the work; raise its own error, or StorageError."""
        if self.error is not None:
            raise self.error
        return self._result


class Together(Job[T], Generic[A, T]):
    """A job that is done together with its neighbours of the same kind, in one go."""

    __slots__ = ("all_at_once", "item")

    def __init__(
        self,
        item: A,
        all_at_once: Callable[[Connection, list[A]], list[T]],
        then: Callable[[Job[T]], None],
        users: Collection[int] = (),
    ) -> None:
        super().__init__(lambda connection: all_at_once(connection, [item])[0], then, users)
        self.item, self.all_at_once = item, all_at_once


class Commits:
    def __init__(self, line: Line) -> None:
        self._line = line
        self._waiting: list[Job[Any]] = []
        self._running: list[Job[Any]] = []
        self._something = trio.Event()
        self._closing = False
        self.is_away = False
        #: is called after each commit, with its seconds and the number of its writes
        self.committed: Callable[[float, int], None] = lambda *_: None
        self.recovered: Callable[[], None] = lambda: None  #: is called when it is back
        #: is called in the thread when a batch begins, perhaps anew
        self.begins: Callable[[], None] = lambda: None
        self.ended: Callable[[], None] = lambda: None  #: and this after its commit

    async def write(
        self, work: Callable[[Connection], T], users: Collection[int] = (), name: str = ""
    ) -> T:
        """Run work in a transaction; return its result after the commit.

        Raises StorageError, and whatever the work raises, which undoes this work only.
        """
        done = trio.Event()
        finished: list[Job[T]] = []

        def then(job: Job[T]) -> None:
            finished.append(job)
            done.set()

        self._put(Job(work, then, users, name))
        with trio.CancelScope(shield=True):  # so that the caller also learns the result
            await done.wait()
        return finished[0].result()

    def put(self, work: Callable[[Connection], T], then: Callable[[Job[T]], None]) -> None:
        """Like `write`, but return at once; `then` is called in the loop, after the commit."""
        self._put(Job(work, then))

    def put_together(
        self,
        item: A,
        all_at_once: Callable[[Connection, list[A]], list[T]],
        then: Callable[[Job[T]], None],
        users: Collection[int] = (),
    ) -> None:
        """Like `put`; what is put in a row is done at once, with one result for each."""
        self._put(Together(item, all_at_once, then, users))

    def _put(self, job: Job[Any]) -> None:
        if self._closing:
            raise StorageError(CLOSED)
        if self.is_away:
            raise Away(AWAY)
        self._waiting.append(job)
        self._something.set()

    def suspect(self) -> None:
        """Commit nothing, to find out whether the database is there."""
        if not (self._waiting or self._running or self._closing or self.is_away):
            self.put(_nothing, lambda _: None)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit until cancelled; what was put by then is still committed, if the database is
        there.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            task_status.started()
            try:
                while True:
                    await self._something.wait()
                    await self._commit_some()
            finally:
                try:
                    await self._commit_the_rest()
                finally:  # also after a bug in a work: nobody waits for ever
                    self._refuse_all(StorageError(CLOSED))

    async def _commit_the_rest(self) -> None:
        self._closing = True
        with trio.move_on_after(PATIENCE_SECONDS, shield=True):
            while self._running or self._waiting:
                self._waiting[:0], self._running = self._running, []
                await self._commit_some()

    async def _commit_some(self) -> None:
        self._running = self._waiting[:BATCH]
        del self._waiting[:BATCH]
        if not self._waiting:
            self._something = trio.Event()
        begun, tries = trio.current_time(), 0
        while self._running or self.is_away:
            batch = self._running or [Job(_nothing, lambda _: None)]
            try:
                await self._line.run(partial(self._commit, batch=batch))
            except (Lost, Refused) as lost:  # or it may not be used as it is now
                tries += 1
                if tries == 1:
                    log.warning("the database does not take it yet: %s", lost)
                await trio.sleep(PAUSE_SECONDS)
            else:
                if tries:
                    log.warning("the database takes it again")
                if self.is_away:
                    self.recovered()
                self.committed(trio.current_time() - begun, len(batch))
                done, self._running, self.is_away = self._running, [], False
                for job in done:
                    job.then(job)

    def _commit(self, connection: Connection, batch: list[Job[Any]]) -> None:
        """Commit a batch, in the thread; without those whose own error prevents it."""
        while (bad := self._try(connection, batch)) is not None:
            batch = [job for job in batch if job is not bad]

    def _try(self, connection: Connection, batch: list[Job[Any]]) -> Job[Any] | None:
        """Commit a batch; return the job whose own error has undone it.

        The server may refuse all of it before the first job, for it writes nothing now, or the
        tables were taken away: that is the error of each job.
        """
        self.begins()
        job: Job[Any] | None = None
        try:
            with connection.transaction():
                write_something(connection)
                _lock_users(connection, batch)
                for kind, run in groupby(sorted(batch, key=_name_of), key=type):
                    jobs = list(run)
                    job = jobs[0]
                    if kind is Together and len(jobs) > 1:
                        _perform_together(connection, jobs)
                    else:
                        for job in jobs:
                            job.perform(connection)
            self.ended()
        except FAILURES:
            raise  # it concerns the whole batch
        except (psycopg.Error, Refused) as error:
            if connection.closed:
                raise
            fault = error if isinstance(error, Refused) else refusal_of(error)
            if job is not None:
                job.error = fault
                return job
            for each in batch:
                each.error = fault
        return None

    async def _watch(self) -> None:
        """Give up what has waited for too long."""
        while True:
            await trio.sleep(LOOK_SECONDS)
            asked = [job.asked for job in (*self._running, *self._waiting)]
            if asked and trio.current_time() > min(asked) + PATIENCE_SECONDS:
                self._give_up()

    def _give_up(self) -> None:
        """Refuse all that waits.  What the thread is doing may still happen."""
        self.is_away = True
        self._line.break_off()
        self._refuse_all(Away(AWAY))

    def _refuse_all(self, error: StorageError) -> None:
        refused = [*self._running, *self._waiting]
        self._running = []
        self._waiting.clear()
        for job in refused:
            gone = Job(job.work, job.then)  # the thread still has the other one
            gone.error = error
            job.then(gone)


def refusal_of(error: psycopg.Error) -> StorageError:
    """Return what an answer of the server means that is no loss of the connection."""
    return StorageError(f"the database refuses it: {first_line(error)}")


def _perform_together(connection: Connection, jobs: list[Any]) -> None:
    results = jobs[0].all_at_once(connection, [job.item for job in jobs])
    for job, result in zip(jobs, results, strict=True):
        job.error, job._result = None, result


def write_something(connection: Connection) -> None:
    """Make the commit wait for disk and standby, even if nothing else is written.

    A repeated attempt finds the rows of the attempt before, which may not have reached the
    standby; and a transaction that only reads waits for nobody.
    """
    connection.execute("SELECT pg_logical_emit_message(true, 'parley', '')")


def _lock_users(connection: Connection, batch: list[Job[Any]]) -> None:
    users = sorted({user for job in batch for user in job.users})
    if users:
        connection.execute(
            "SELECT FROM users WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", (users,)
        )


def _name_of(job: Job[Any]) -> str:
    return job.name


def _nothing(_: Connection) -> None:
    """Do nothing: that the commit comes to an end is all that is asked."""
