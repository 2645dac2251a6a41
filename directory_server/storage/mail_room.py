"""Ask in SQL how full the mailboxes are, and whom their owners have answered."""

import sqlite3

from directory_server.core import mail_limits
from directory_server.core.mail_limits import (
    BYTES_FROM_ONE,
    COST,
    MESSAGES_FROM_ONE,
    Mailbox,
    Stock,
)

# Triggers, because envelopes also vanish when their receiver releases the name.
TABLES = f"""
    CREATE TABLE answered (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        owner INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        other INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        UNIQUE (owner, other)
    );
    CREATE INDEX answered_other ON answered (other);
    INSERT OR IGNORE INTO answered (owner, other)
        SELECT sender, receiver FROM envelopes WHERE sender IS NOT NULL;
    INSERT OR IGNORE INTO answered (owner, other) SELECT sender, taker FROM receipts;

    -- From which address the sender once registered; empty: before that was noted.
    ALTER TABLE envelopes ADD COLUMN origin BLOB NOT NULL DEFAULT x'';
    CREATE TABLE stock (origin BLOB PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE stocks (bytes INTEGER NOT NULL);
    INSERT INTO stocks SELECT coalesce(sum(size + {COST}), 0) FROM envelopes;
    CREATE TRIGGER stored AFTER INSERT ON envelopes BEGIN
        UPDATE stocks SET bytes = bytes + new.size + {COST};
        INSERT INTO stock VALUES (new.origin, new.size + {COST})
            ON CONFLICT (origin) DO UPDATE SET bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER removed AFTER DELETE ON envelopes BEGIN
        UPDATE stocks SET bytes = bytes - old.size - {COST};
        UPDATE stock SET bytes = bytes - old.size - {COST} WHERE origin = old.origin;
        DELETE FROM stock WHERE origin = old.origin AND bytes <= 0;
    END;
"""  # nosec B608  # only the constant COST


def mailbox(connection: sqlite3.Connection, sender: int, receiver: int) -> Mailbox:
    """Return what waits in a mailbox, as seen by this sender."""
    query = (
        "SELECT count(*), total(size), count(*) FILTER (WHERE sender = ?1),"
        " total(size) FILTER (WHERE sender = ?1) FROM envelopes WHERE receiver = ?2"
    )
    count, size, mine, my_size = connection.execute(query, (sender, receiver)).fetchone()
    found = Mailbox(count, size, mine, my_size, has_answered(connection, receiver, sender))
    is_small = found.all < MESSAGES_FROM_ONE and found.all_bytes < BYTES_FROM_ONE
    if not found.is_answered and not is_small:
        found.strangers, found.strangers_bytes = _of_strangers(connection, receiver)
    return found


def stock(connection: sqlite3.Connection, sender: int, most: int) -> Stock:
    """Return how much mail there is in all; `most`: its limit, in bytes."""
    (in_all,) = connection.execute("SELECT bytes FROM stocks").fetchone()
    found = connection.execute("SELECT origin FROM users WHERE id = ?", (sender,)).fetchone()
    origin: bytes = found[0] if found is not None else b""
    query = "SELECT coalesce((SELECT bytes FROM stock WHERE origin = ?), 0)"
    (share,) = connection.execute(query, (origin,)).fetchone()
    return Stock(most, in_all, origin, share)


def has_answered(connection: sqlite3.Connection, owner: int, other: int) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM answered WHERE owner = ? AND other = ?)"
    return bool(connection.execute(query, (owner, other)).fetchone()[0])


def answer(connection: sqlite3.Connection, owner: int, other: int) -> None:
    """Note that the owner of a mailbox has answered another user; forget the oldest over the limit.

    Does nothing when one of them has released the name meanwhile.
    """
    added = connection.execute(
        "INSERT OR IGNORE INTO answered (owner, other) SELECT one.id, two.id"
        " FROM users AS one, users AS two WHERE one.id = ? AND two.id = ?",
        (owner, other),
    )
    if added.rowcount > 0:
        connection.execute(
            "DELETE FROM answered WHERE number IN (SELECT number FROM answered WHERE owner = ?"
            " ORDER BY number DESC LIMIT -1 OFFSET ?)",
            (owner, mail_limits.ANSWERED),
        )


def _of_strangers(connection: sqlite3.Connection, receiver: int) -> tuple[int, float]:
    """Return number and bytes of the waiting messages from users whom they have never answered."""
    count, size = connection.execute(
        "SELECT count(*), total(size) FROM envelopes WHERE receiver = ?1 AND (sender IS NULL"
        " OR sender NOT IN (SELECT other FROM answered WHERE owner = ?1))",
        (receiver,),
    ).fetchone()
    return int(count), float(size)
