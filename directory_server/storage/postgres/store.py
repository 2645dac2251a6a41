"""The store in PostgreSQL: its own machine, or two that both have what is promised.

One connection writes, many callers in one commit; another one reads.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, TypeVar

import psycopg
import trio

from directory_server.core.database_facts import check_facts
from directory_server.core.limits import MAIL_MIB
from directory_server.core.mail_limits import MIB
from directory_server.core.registry import User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.storage.postgres import intake, mail, names
from directory_server.storage.postgres.cluster import PostgresCluster
from directory_server.storage.postgres.commits import AWAY, Commits, Job, refusal_of
from directory_server.storage.postgres.connection import Connection, Line, Lost, hosts_in, place_of
from directory_server.storage.postgres.facts import check_direct, facts_of
from directory_server.storage.postgres.mail import Dropping, Stocks
from directory_server.storage.postgres.operations import PostgresOperations
from directory_server.storage.postgres.schema import migrate
from directory_server.storage.store import (
    Away,
    Dropped,
    Kept,
    Moved,
    Newcomer,
    NotKept,
    Owed,
    Posted,
    Use,
)
from shared.errors import Refused, StorageError
from shared.messages.directory import Envelope, Receipt, Verdict
from shared.names import fold

log = logging.getLogger(__name__)
T = TypeVar("T")

OPEN_SECONDS: Final = 20.0  # to find a database that works, at the start
COUNT_SECONDS: Final = 60.0  # between two counts of all mail, as other programs may add to it


async def open_postgres(
    where: str, mail_mib: int = MAIL_MIB, *, must_be_two: bool | None = None
) -> "PostgresStore":
    """Open the store at this URL.  Raises Refused or StorageError.

    `must_be_two`: whether a promise needs a second machine, always; None: only now, if the URL
    names two, so that one alone can go on after the other has died.
    """
    try:
        hosts = hosts_in(where)
    except (psycopg.Error, ValueError) as error:
        raise Refused(f"--store: {str(error).strip()}", "USAGE") from None
    must_start_with_two = len(hosts) > 1 if must_be_two is None else must_be_two
    store = PostgresStore(where, mail_mib, must_be_two=must_start_with_two)
    try:
        with trio.fail_after(OPEN_SECONDS):
            await store.prepare()
    except (Lost, trio.TooSlowError) as error:
        store.close()
        raise StorageError(f"the database cannot be used: {error or AWAY}") from error
    except psycopg.Error as error:  # such as: this role may make no tables
        store.close()
        raise refusal_of(error) from error
    except BaseException:
        store.close()
        raise
    store.must_be_two = bool(must_be_two)
    return store


class PostgresStore(PostgresOperations):
    def __init__(self, where: str, mail_mib: int = MAIL_MIB, *, must_be_two: bool = False) -> None:
        """`prepare` makes it usable."""
        self.where = place_of(where)
        self.must_be_two = must_be_two  #: checked at each new connection
        writer = Line(where, self._check)
        reader = Line(where)
        super().__init__(Commits(writer), reader)
        self.cluster = PostgresCluster(where, reader)
        self._writer = writer
        self._stocks = Stocks()
        self._commits.begins = self._stocks.begin
        self._commits.ended = self._stocks.commit
        self._most = mail_mib * MIB
        self._warned: set[str] = set()

    async def prepare(self) -> None:
        """Check the server, and bring its tables up to date.  Raises Refused, or Lost."""

        def work(connection: Connection) -> None:
            check_direct(connection)
            migrate(connection)
            self._stocks.count(connection)

        await self._writer.run(work)

    def _check(self, connection: Connection) -> None:
        """Judge a server that we have just connected to, in the thread.  Raises Refused."""
        for warning in check_facts(facts_of(connection), must_be_two=self.must_be_two):
            if warning not in self._warned:
                self._warned.add(warning)
                log.warning("%s", warning)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._count_mail)
                await nursery.start(self._commits.run)
                task_status.started()
        finally:
            self.close()

    async def _count_mail(self) -> None:
        while True:
            await trio.sleep(COUNT_SECONDS)
            with contextlib.suppress(StorageError):  # which is told where it matters
                await self._commits.write(self._stocks.count)

    def close(self) -> None:
        self._writer.close()
        self._reader.close()
        self.cluster.close()

    # --- The community ---

    async def community(self) -> bytes | None:
        return await self._read(names.community)

    async def has_had_names(self) -> bool:
        return await self._read(names.has_had_names)

    async def found(self, key: bytes, *, anew: bool) -> None:
        def work(connection: Connection) -> None:
            names.found(connection, key, anew=anew)
            self._stocks.count(connection)

        await self._write(work)

    async def take_over(
        self, source: Callable[[], sqlite3.Connection], key: bytes, *, is_repeated: bool
    ) -> Moved:
        """Move all that another store holds, before `run`; see `intake.take_over`.

        Raises Away when nobody knows what became of it; Refused or StorageError: nothing was
        moved.
        """
        work = partial(intake.take_over, source=source, key=key, is_repeated=is_repeated)
        try:
            return await self._writer.run(work)
        except Lost as lost:
            raise Away(f"the database was lost meanwhile ({lost}): repeat the command") from lost
        except psycopg.Error as error:
            raise refusal_of(error) from error

    def set_room(self, mail_mib: int) -> None:
        self._most = mail_mib * MIB

    # --- Names ---

    async def users(self) -> list[User]:
        return await self._read(names.users)

    async def tombstones(self) -> list[Tombstone]:
        return await self._read(names.tombstones)

    async def age(self) -> float:
        return await self._read(names.age)

    async def register(self, new: Newcomer, time: float, age: float) -> User:
        return await self._write(
            lambda connection: names.register(connection, new, time, age), name=fold(new.name)
        )

    async def reseal(self, user: int, sealing_key: bytes, sealing_proof: bytes) -> None:
        await self._write(
            lambda connection: names.reseal(connection, user, sealing_key, sealing_proof), [user]
        )

    async def certify(self, user: int, certified: Validity) -> bool:
        return await self._write(
            lambda connection: names.certify(connection, user, certified), [user]
        )

    async def release(self, owned: list[tuple[int, Tombstone | None]]) -> list[Tombstone | None]:
        def work(connection: Connection) -> list[Tombstone | None]:
            stones = names.release(connection, owned)
            if owned:
                self._stocks.count(connection)  # mailboxes went, too
            return stones

        return await self._write(work, [user for user, _ in owned])

    async def lift(self, names_: list[str]) -> None:
        await self._write(lambda connection: names.lift(connection, names_))

    async def note_uses(self, uses: list[Use], time: float, age: float) -> None:
        await self._write(
            lambda connection: names.note(connection, uses, time, age), [use.id for use in uses]
        )

    # --- Mail ---

    def drop(
        self, sender: int, posted: list[Posted], time: float, age: float, then: Dropped
    ) -> None:
        one = Dropping(sender, posted, time, age)

        def finish(job: Job[list[Kept | NotKept]]) -> None:
            self._finish(job.result, then)

        try:
            self._commits.put_together(one, self._drop, finish, [sender])
        except StorageError as error:
            self._note_outcome(error)
            then(error)

    def _drop(self, connection: Connection, dropping: list[Dropping]) -> list[list[Kept | NotKept]]:
        return mail.drop(connection, dropping, self._stocks, self._most)

    async def take(
        self, receiver: int, name: str, verdicts: Iterable[Verdict], time: float, age: float
    ) -> list[Owed]:
        every = list(verdicts)
        return await self._write(
            lambda connection: mail.take(
                connection, receiver, name, every, self._stocks, time, age
            ),
            [receiver],
        )

    async def note(self, sender: int, envelopes: Iterable[str]) -> None:
        every = list(envelopes)
        await self._write(lambda connection: mail.note(connection, sender, every), [sender])

    async def expire(self, age: float) -> bool:
        return await self._write(lambda connection: mail.expire(connection, self._stocks, age))

    async def answer(self, owner: int, other: int) -> None:
        await self._write(
            lambda connection: mail.note_answers(connection, [(owner, other)]), [owner]
        )

    async def has_answered(self, owner: int, other: int) -> bool:
        return await self._read(lambda connection: mail.has_answered(connection, owner, other))

    async def waiting(self, receiver: int) -> int:
        return await self._read(lambda connection: mail.count(connection, receiver))

    async def mail(self, receiver: int, after: int) -> tuple[list[Envelope], bool]:
        return await self._read(lambda connection: mail.page(connection, receiver, after))

    async def receipts(self, sender: int, after: str, most: int) -> tuple[Receipt, ...]:
        return await self._read(lambda connection: mail.receipts(connection, sender, after, most))
