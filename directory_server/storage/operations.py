"""The operator's bans, invites and message of the day, as SQL."""

import sqlite3
from collections.abc import Iterable

from directory_server.core.operating.bans import Ban
from directory_server.core.operating.invites import USED_UP, Invite
from shared.errors import Refused

TABLES = """
    CREATE TABLE bans (
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        name TEXT NOT NULL,
        since REAL NOT NULL,
        until REAL,  -- by the time of day; null: for ever
        reason TEXT NOT NULL,
        PRIMARY KEY (kind, value)
    ) WITHOUT ROWID;
    CREATE TABLE invites (
        digest BLOB PRIMARY KEY,  -- of the token
        uses INTEGER NOT NULL,  -- left
        since REAL NOT NULL,
        until REAL,
        note TEXT NOT NULL
    ) WITHOUT ROWID;
    ALTER TABLE life ADD COLUMN motd TEXT NOT NULL DEFAULT '';
"""


def bans(reader: sqlite3.Connection) -> list[Ban]:
    rows = reader.execute("SELECT kind, value, name, since, until, reason FROM bans")
    return [Ban(*row) for row in rows]


def ban(connection: sqlite3.Connection, new: Ban) -> None:
    connection.execute("INSERT OR REPLACE INTO bans VALUES (?, ?, ?, ?, ?, ?)", new)


def unban(connection: sqlite3.Connection, gone: Iterable[Ban]) -> None:
    connection.executemany(
        "DELETE FROM bans WHERE kind = ? AND value = ?", [(one.kind, one.value) for one in gone]
    )


def invites(reader: sqlite3.Connection) -> list[Invite]:
    rows = reader.execute("SELECT digest, uses, since, until, note FROM invites")
    return [Invite(*row) for row in rows]


def invite(connection: sqlite3.Connection, new: Invite) -> None:
    connection.execute("INSERT OR REPLACE INTO invites VALUES (?, ?, ?, ?, ?)", new)


def uninvite(connection: sqlite3.Connection, digests: Iterable[bytes]) -> None:
    connection.executemany("DELETE FROM invites WHERE digest = ?", [(one,) for one in digests])


def use(connection: sqlite3.Connection, digest: bytes) -> None:
    """Use an invite once, inside the transaction of the new name.  Raises Refused."""
    used = connection.execute(
        "UPDATE invites SET uses = uses - 1 WHERE digest = ? AND uses > 0", (digest,)
    )
    if not used.rowcount:
        raise Refused(USED_UP, "TOKEN")


def uses_left(reader: sqlite3.Connection, digest: bytes) -> int:
    found = reader.execute("SELECT uses FROM invites WHERE digest = ?", (digest,)).fetchone()
    return 0 if found is None else int(found[0])


def motd(reader: sqlite3.Connection) -> str:
    return str(reader.execute("SELECT motd FROM life").fetchone()[0])


def set_motd(connection: sqlite3.Connection, text: str) -> None:
    connection.execute("UPDATE life SET motd = ?", (text,))


def waiting(reader: sqlite3.Connection) -> tuple[int, int]:
    """Return how many messages wait, and how much room they take."""
    (count,) = reader.execute("SELECT count(*) FROM envelopes").fetchone()
    (size,) = reader.execute("SELECT bytes FROM stocks").fetchone()
    return int(count), int(size)
