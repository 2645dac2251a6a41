"""What the directory keeps on disk: names, and what waits for them.

A promise follows a commit: each method that writes returns after it.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import trio

from directory_server import mailbox
from directory_server.mailbox import Kept, NotKept, Owed, Posted
from directory_server.registry import User
from shared.database import Database
from shared.errors import StorageError
from shared.messages import Envelope, Receipt, Verdict
from shared.names import fold
from shared.world import Disk

log = logging.getLogger(__name__)
T = TypeVar("T")

FILE: Final = "directory.sqlite"
PATIENCE_SECONDS: Final = 15.0  # a disk that takes longer for a commit is broken

_NAMES = """
    CREATE TABLE users (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        folded TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        key BLOB NOT NULL,
        sealing_key BLOB NOT NULL,
        sealing_proof BLOB NOT NULL,
        registered REAL NOT NULL,
        seen REAL  -- when last here; null while here
    );
    CREATE TABLE life (alive REAL NOT NULL);  -- when this directory last noted that it runs
    INSERT INTO life VALUES (0);
"""
_MIGRATIONS = [_NAMES + mailbox.TABLES, mailbox.SIGNED_RECEIPTS]

# Whoever was here when the directory died was last seen when it last said that it lives.
_USER = (
    "SELECT id, name, key, sealing_key, sealing_proof,"
    " coalesce(seen, max(registered, alive)) FROM users, life"
)


class Store:
    def __init__(self, disk: Disk) -> None:
        self._database = Database(disk, FILE, _MIGRATIONS)
        self._failing = False  # the disk did not take the last write

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled, then close."""
        await self._database.run(task_status=task_status)

    # --- Names ---

    def users(self) -> list[User]:
        return self._read(lambda reader: [User(*row) for row in reader.execute(_USER)])

    async def register(
        self, name: str, key: bytes, sealing_key: bytes, sealing_proof: bytes, time: float
    ) -> User:
        """The user on disk under this name: the new one, or who was faster."""
        row = (fold(name), name, key, sealing_key, sealing_proof, time)

        def work(connection: sqlite3.Connection) -> User:
            connection.execute(
                "INSERT INTO users (folded, name, key, sealing_key, sealing_proof, registered)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                row,
            )
            found = connection.execute(f"{_USER} WHERE folded = ?", (fold(name),))
            return User(*found.fetchone())

        return await self._write(work)

    async def reseal(self, user: int, sealing_key: bytes, sealing_proof: bytes) -> None:
        """The user seals with another key from now on."""
        await self._write(
            lambda connection: connection.execute(
                "UPDATE users SET sealing_key = ?, sealing_proof = ? WHERE id = ?",
                (sealing_key, sealing_proof, user),
            )
        )

    async def unregister(self, user: int) -> None:
        """Delete the name, its mailbox and its receipts."""
        await self._write(
            lambda connection: connection.execute("DELETE FROM users WHERE id = ?", (user,))
        )

    async def note_seen(self, seen: dict[int, float | None], time: float) -> None:
        """When each was last here (None: still here), as of this time."""

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE users SET seen = ? WHERE id = ?",
                [(last, user) for user, last in seen.items()],
            )
            connection.execute("UPDATE life SET alive = ?", (time,))

        await self._write(work)

    # --- Mail ---

    async def drop(
        self, sender: int, posted: Iterable[Posted], time: float
    ) -> list[Kept | NotKept]:
        """All in one commit; one result for each, in their order."""
        return await self._write(lambda connection: mailbox.drop(connection, sender, posted, time))

    async def take(
        self, receiver: int, name: str, verdicts: Iterable[Verdict], time: float
    ) -> list[Owed]:
        """Delete what this receiver, of this name, is done with; returns the receipts."""
        return await self._write(
            lambda connection: mailbox.take(connection, receiver, name, verdicts, time)
        )

    async def note(self, sender: int, envelopes: Iterable[str]) -> None:
        """Delete these receipts."""
        await self._write(lambda connection: mailbox.note(connection, sender, envelopes))

    async def expire(self, time: float) -> None:
        """Delete what nobody has asked for in 14 days."""
        await self._write(lambda connection: mailbox.expire(connection, time))

    def waiting(self, receiver: int) -> int:
        return self._read(lambda reader: mailbox.count(reader, receiver))

    def mail(self, receiver: int, after: int) -> tuple[list[Envelope], bool]:
        """The oldest envelopes with a higher number, and whether more wait."""
        return self._read(lambda reader: mailbox.page(reader, receiver, after))

    def receipts(self, sender: int, size: int) -> Iterator[tuple[Receipt, ...]]:
        """All of a sender's receipts, in pages of this size."""
        pages = mailbox.receipts(self._database.reader, sender, size)
        while page := self._read(lambda _: next(pages, None)):
            yield page

    # --- Inside ---

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._database.reader)
        except sqlite3.Error as error:
            raise StorageError(f"the disk cannot be read: {error}") from error

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            # Shielded, so that whoever asked for it also learns what came of it.  Not
            # fail_after, which costs a tenth of what the loop does for a message.
            with trio.move_on_after(PATIENCE_SECONDS, shield=True) as patience:
                result = await self._database.write(work)
        except StorageError as error:
            if not self._failing:
                log.warning("%s", error)
            self._failing = True
            raise
        if patience.cancelled_caught:
            raise StorageError("the disk does not answer")
        if self._failing:
            log.warning("the disk takes it again")
        self._failing = False
        return result
