"""A peer's own database: what it must remember over restarts.

Which key belongs to whom (at first sight, until the user says otherwise), which
letters came and went, and who is ignored.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import trio

from shared.database import Database
from shared.names import fold
from shared.sealing import Letter
from shared.world import Disk

FILE = "journal.db"
REMEMBER_LETTERS_DAYS = 60  # far longer than the directory keeps an envelope

_MIGRATIONS = [
    """
    CREATE TABLE directories (address TEXT PRIMARY KEY, authority BLOB NOT NULL) STRICT;
    CREATE TABLE certificates (
        authority BLOB NOT NULL, name TEXT NOT NULL, certificate BLOB NOT NULL,
        PRIMARY KEY (authority, name)) STRICT;
    CREATE TABLE known_keys (name TEXT PRIMARY KEY, key BLOB NOT NULL, since REAL NOT NULL) STRICT;
    CREATE TABLE ignored (name TEXT PRIMARY KEY) STRICT;
    CREATE TABLE letters_left (
        id TEXT PRIMARY KEY, receiver TEXT NOT NULL, time REAL NOT NULL) STRICT;
    CREATE TABLE letters (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL, sender TEXT NOT NULL COLLATE NOCASE,
        time REAL NOT NULL, came REAL NOT NULL, text TEXT, UNIQUE (sender, id)) STRICT;
    """,
]


@dataclass(frozen=True)
class WaitingLetter:
    """A letter on our disk that has not been shown yet."""

    number: int
    sender: str
    time: float
    text: str


class Journal:
    """Opened by the constructor; writes while `run` runs."""

    def __init__(self, disk: Disk) -> None:
        self._database = Database(disk, FILE, _MIGRATIONS)
        self._keys: dict[str, bytes] = dict(self._all("SELECT name, key FROM known_keys"))
        self.ignored: set[str] = {name for (name,) in self._all("SELECT name FROM ignored")}

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._database.run(task_status=task_status)

    # --- Keys, remembered at first sight ---

    def key_of(self, name: str) -> bytes | None:
        return self._keys.get(fold(name))

    async def remember_key(self, name: str, key: bytes, now: float) -> None:
        """From now on this is the key of this user, whatever it was before."""
        self._keys[fold(name)] = key
        await self._write("REPLACE INTO known_keys VALUES (?, ?, ?)", (fold(name), key, now))

    def directory_at(self, address: str) -> bytes | None:
        """The authority that answered at this address, as DER."""
        return self._one("SELECT authority FROM directories WHERE address = ?", (address,))

    async def remember_directory(self, address: str, authority: bytes) -> None:
        await self._write("REPLACE INTO directories VALUES (?, ?)", (address, authority))

    def certificate(self, authority: bytes, name: str) -> bytes | None:
        """The one that this authority issued to us for this name."""
        wanted = "SELECT certificate FROM certificates WHERE authority = ? AND name = ?"
        return self._one(wanted, (authority, fold(name)))

    async def keep_certificate(self, authority: bytes, name: str, certificate: bytes) -> None:
        row = (authority, fold(name), certificate)
        await self._write("REPLACE INTO certificates VALUES (?, ?, ?)", row)

    # --- Ignored users ---

    async def ignore(self, name: str) -> None:
        self.ignored.add(fold(name))
        await self._write("INSERT OR IGNORE INTO ignored VALUES (?)", (fold(name),))

    async def unignore(self, name: str) -> None:
        self.ignored.discard(fold(name))
        await self._write("DELETE FROM ignored WHERE name = ?", (fold(name),))

    # --- Letters that I left, until their receipts came ---

    async def add_left(self, id: str, receiver: str, time: float) -> None:
        await self._write("INSERT INTO letters_left VALUES (?, ?, ?)", (id, receiver, time))

    def left(self, id: str) -> tuple[str, float] | None:
        """Receiver and time of a letter of mine, None once its receipt was shown."""
        rows = self._all("SELECT receiver, time FROM letters_left WHERE id = ?", (id,))
        return rows[0] if rows else None

    async def forget_left(self, ids: Iterable[str]) -> None:
        rows = [(id,) for id in ids]
        await self._database.write(
            lambda db: db.executemany("DELETE FROM letters_left WHERE id = ?", rows)
        )

    # --- Letters that were left for me ---

    async def add_letters(self, letters: list[Letter], now: float) -> list[WaitingLetter]:
        """Keep them; returns the ones that are new, or kept but never shown."""

        def add(db: sqlite3.Connection) -> None:
            old = now - REMEMBER_LETTERS_DAYS * 86_400
            db.execute("DELETE FROM letters WHERE came < ? AND text IS NULL", (old,))
            db.executemany(
                "INSERT OR IGNORE INTO letters (id, sender, time, came, text)"
                " VALUES (?, ?, ?, ?, ?)",
                [(one.id, one.sender, one.time, now, one.text) for one in letters],
            )

        await self._database.write(add)
        rows = self._all(
            "SELECT number, sender, time, text FROM letters WHERE text IS NOT NULL ORDER BY number"
        )
        return [WaitingLetter(*row) for row in rows]

    async def letters_shown(self, numbers: list[int]) -> None:
        """They stood on the screen: keep only that they came."""
        rows = [(number,) for number in numbers]
        await self._database.write(
            lambda db: db.executemany("UPDATE letters SET text = NULL WHERE number = ?", rows)
        )

    # --- Inside ---

    async def _write(self, statement: str, values: tuple[object, ...]) -> None:
        await self._database.write(lambda db: db.execute(statement, values))

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple]:  # type: ignore[type-arg]
        return self._database.reader.execute(query, values).fetchall()

    def _one(self, query: str, values: tuple[object, ...]) -> bytes | None:
        row = self._database.reader.execute(query, values).fetchone()
        return None if row is None else bytes(row[0])
