"""Take over all that an SQLite database of a directory holds, whole or not at all.

Every row keeps its number, so what users know of their mail stays true.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Final

from psycopg import sql

from directory_server.storage import ownership
from directory_server.storage.postgres.commits import write_something
from directory_server.storage.postgres.connection import Connection
from directory_server.storage.store import Moved
from shared.errors import Refused, StorageError

# Each table with its columns, in an order in which nothing points to what is not there yet.
TABLES: Final = {
    "users": (
        "id", "folded", "name", "key", "sealing_key", "sealing_proof", "registered", "seen",
        "origin", "used", "last", "here_since", "certified_time", "certified_age",
    ),
    "tombstones": ("folded", "name", "key", "used", "certified_time", "certified_age"),
    "orders": ("folded", "free"),
    "bans": ("kind", "value", "name", "since", "until", "reason"),
    "invites": ("digest", "uses", "since", "until", "note"),
    "envelopes": (
        "number", "envelope", "sender", "receiver", "size", "arrival", "age", "origin", "sealed",
    ),
    "receipts": ("sender", "envelope", "taker", "at", "age", "proof", "refused"),
    "answered": ("number", "owner", "other"),
}  # fmt: skip
#: the columns of `life` that go along; of the others each database has its own
LIFE: Final = ("alive", "age", "motd")
# Tables whose rows are numbered by the database: it goes on after the last number ever given.
_NUMBERED: Final = {"users": "id", "envelopes": "number", "answered": "number"}


def take_over(
    connection: Connection,
    source: Callable[[], sqlite3.Connection],
    key: bytes,
    *,
    is_repeated: bool,
) -> Moved:
    """Copy the database that `source` opens into empty tables; return what there is then.

    `key`: of the community.  `is_repeated`: an earlier try may have moved all of it, and never
    learned it.  Raises Refused when something else is here, and StorageError when the source
    is damaged.
    """
    with connection.transaction():
        write_something(connection)  # what an earlier try has moved may not be on the standby yet
        row = connection.execute("SELECT community FROM life FOR UPDATE", binary=True).fetchone()
        assert row is not None
        if row[0] is None:
            try:
                with closing(source()) as reader:
                    _copy_all(connection, reader, key)
            except sqlite3.Error as error:
                raise StorageError(f"the data folder cannot be read: {error}") from error
        elif not is_repeated or bytes(row[0]) != key:
            raise Refused("a community is in that database already: nothing was moved", "STORE")
        counts = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM envelopes)"
        found = connection.execute(counts).fetchone()
        assert found is not None
        return Moved(*found)


def _copy_all(connection: Connection, reader: sqlite3.Connection, key: bytes) -> None:
    reader.execute("BEGIN")  # one moment of the database
    for table, columns in TABLES.items():
        _copy(connection, reader, table, columns)
    for table, column in _NUMBERED.items():
        query = "SELECT seq FROM sqlite_sequence WHERE name = ? AND seq > 0"
        for (last,) in reader.execute(query, (table,)):
            connection.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s), %s)",
                (f"parley.{table}", column, last),
            )
    values = reader.execute(f"SELECT {', '.join(LIFE)} FROM life").fetchone()  # nosec B608
    connection.execute(
        "UPDATE life SET community = %s, named = %s, alive = %s, age = %s, motd = %s",
        (key, ownership.has_had_names(reader), *values),
    )


def _copy(
    connection: Connection, reader: sqlite3.Connection, table: str, columns: tuple[str, ...]
) -> None:
    """Copy the rows one by one, as all mail together may be larger than the memory."""
    query = f"SELECT {', '.join(columns)} FROM {table}"  # nosec B608  # words from above
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(into) as rows:
        for row in reader.execute(query):
            rows.write_row(row)
