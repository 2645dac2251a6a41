"""The store in an SQLite database of the data folder: nothing needs to be set up for it.

Reads are small and indexed, and run in the event loop; only commits wait for the disk.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import trio

from directory_server.core.limits import MAIL_MIB
from directory_server.core.mail_limits import MIB
from directory_server.core.registry import User
from directory_server.core.tombstones import Tombstone, Validity
from directory_server.storage import mail_room, mailbox, operations, ownership
from directory_server.storage.cluster import Cluster
from directory_server.storage.sqlite_operations import SqliteOperations
from directory_server.storage.store import (
    Dropped,
    Kept,
    Newcomer,
    NotKept,
    Owed,
    Posted,
    Use,
)
from shared.database import Database, Written
from shared.errors import StorageError
from shared.messages.directory import Envelope, Receipt, Verdict
from shared.world import Disk

log = logging.getLogger(__name__)
T = TypeVar("T")

FILE: Final = "directory.sqlite"
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REMEDY: Final = (
    f"bring {FILE} back from a backup, or move it away and start with --found-anew to lose all"
    " names"
)
# The largest deletion is a mailbox of 8 MiB, which is overwritten in the database's log;
# the log may have grown by as much before.
RESERVE_BYTES: Final = 16 * MIB
# A disk that takes longer for a commit is broken.  Clearly less than the 15 s for which a
# peer waits for our answer: it hears that the disk hangs, and not that we have gone.
PATIENCE_SECONDS: Final = 6.0

_MIGRATIONS = [
    ownership.TABLES + mailbox.TABLES,
    mailbox.SIGNED_RECEIPTS,
    ownership.EXPIRY + mailbox.EXPIRY,
    ownership.COMMUNITY,
    mail_room.TABLES,
    operations.TABLES,
]


def with_remedy(error: StorageError) -> StorageError:
    """Add what an operator can do at the start, if the reason is that the file is damaged."""
    if getattr(error.__cause__, "sqlite_errorcode", None) in _DAMAGED:
        return StorageError(f"{error}: {_REMEDY}")
    return error


def _opened(disk: Disk) -> Database:
    """Open the database; the reserve leaves room for this even on a full disk."""
    try:
        return _database(disk)
    except StorageError:
        disk.release()
        return _database(disk)


def _database(disk: Disk) -> Database:
    return Database(disk, FILE, _MIGRATIONS, reserve=RESERVE_BYTES, patience=PATIENCE_SECONDS)


class SqliteStore(SqliteOperations):
    where = f"the file {FILE}"
    cluster: Cluster | None = None  # one process writes to it

    def __init__(self, disk: Disk, mail_mib: int = MAIL_MIB) -> None:
        """`mail_mib`: the room for all mail together, in MiB."""
        super().__init__(_opened(disk))
        self._most = mail_mib * MIB

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._database.run(task_status=task_status)

    def close(self) -> None:
        self._database.close()

    # --- The community ---

    async def community(self) -> bytes | None:
        return self._read(ownership.community)

    async def has_had_names(self) -> bool:
        return self._read(ownership.has_had_names)

    async def found(self, key: bytes, *, anew: bool) -> None:
        await self._write(lambda connection: ownership.found(connection, key, anew=anew))

    def set_room(self, mail_mib: int) -> None:
        self._most = mail_mib * MIB

    def observe(self, committed: Callable[[float, int], None]) -> None:
        self._database.committed = committed

    # --- Names ---

    async def users(self) -> list[User]:
        return self._read(ownership.users)

    async def tombstones(self) -> list[Tombstone]:
        return self._read(ownership.tombstones)

    async def age(self) -> float:
        return self._read(ownership.age)

    async def register(self, new: Newcomer, time: float, age: float) -> User:
        return await self._write(lambda connection: ownership.register(connection, new, time, age))

    async def reseal(self, user: int, sealing_key: bytes, sealing_proof: bytes) -> None:
        await self._write(
            lambda connection: ownership.reseal(connection, user, sealing_key, sealing_proof)
        )

    async def certify(self, user: int, certified: Validity) -> bool:
        return await self._write(
            lambda connection: ownership.certify(connection, user, certified), frees=True
        )

    async def release(self, owned: list[tuple[int, Tombstone | None]]) -> list[Tombstone | None]:
        return await self._write(
            lambda connection: ownership.release(connection, owned), frees=True
        )

    async def lift(self, names: list[str]) -> None:
        await self._write(lambda connection: ownership.lift(connection, names), frees=True)

    async def note_uses(self, uses: list[Use], time: float, age: float) -> None:
        await self._write(lambda connection: ownership.note(connection, uses, time, age))

    # --- Mail ---

    def drop(
        self, sender: int, posted: list[Posted], time: float, age: float, then: Dropped
    ) -> None:
        def work(connection: sqlite3.Connection) -> list[Kept | NotKept]:
            return mailbox.drop(connection, sender, posted, time=time, age=age, most=self._most)

        def finish(written: Written[list[Kept | NotKept]]) -> None:
            self._finish(written.result, then)

        try:
            self._database.write_then(work, finish)
        except StorageError as error:
            self._note_outcome(error)
            then(error)

    async def take(
        self, receiver: int, name: str, verdicts: Iterable[Verdict], time: float, age: float
    ) -> list[Owed]:
        return await self._write(
            lambda connection: mailbox.take(connection, receiver, name, verdicts, time, age),
            frees=True,
        )

    async def note(self, sender: int, envelopes: Iterable[str]) -> None:
        await self._write(
            lambda connection: mailbox.note(connection, sender, envelopes), frees=True
        )

    async def expire(self, age: float) -> bool:
        return await self._write(lambda connection: mailbox.expire(connection, age), frees=True)

    async def has_answered(self, owner: int, other: int) -> bool:
        return self._read(lambda reader: mail_room.has_answered(reader, owner, other))

    async def answer(self, owner: int, other: int) -> None:
        await self._write(lambda connection: mail_room.answer(connection, owner, other))

    async def waiting(self, receiver: int) -> int:
        return self._read(lambda reader: mailbox.count(reader, receiver))

    async def mail(self, receiver: int, after: int) -> tuple[list[Envelope], bool]:
        return self._read(lambda reader: mailbox.page(reader, receiver, after))

    async def receipts(self, sender: int, after: str, most: int) -> tuple[Receipt, ...]:
        return self._read(lambda reader: mailbox.receipts(reader, sender, after, most))
