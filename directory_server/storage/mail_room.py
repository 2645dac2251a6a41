"""How much room there is for mail: in one mailbox, and in all together.

Half of a mailbox is reserved for users whom its owner has answered, so that strangers
cannot fill it and lock them out.  The directory knows that an owner has answered somebody
when the owner leaves a message for them, or looks them up in person: to invite them, say.

Once three quarters of the room for all mail are taken, no address gets more than half of it.
"""

import sqlite3
from typing import Final

from directory_server.core.quotas import MOST_OF_ONE, NEARLY_FULL

MESSAGES_FROM_ONE: Final = 100  # waiting from one user to another: nobody fills a mailbox alone
BYTES_FROM_ONE: Final = 1024 * 1024
MESSAGES_IN_ALL: Final = 1_000  # in one mailbox
BYTES_IN_ALL: Final = 8 * 1024 * 1024
MESSAGES_OF_STRANGERS: Final = MESSAGES_IN_ALL // 2
BYTES_OF_STRANGERS: Final = BYTES_IN_ALL // 2
MIB: Final = 1024 * 1024
COST: Final = 256  # bytes on disk for an envelope, beside its sealed content
ANSWERED: Final = 1_000  # the newest users whom one user has answered

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


class Mailbox:
    """The envelopes that wait in one mailbox, as seen by one sender."""

    def __init__(self, connection: sqlite3.Connection, sender: int, receiver: int) -> None:
        query = (
            "SELECT count(*), total(size), count(*) FILTER (WHERE sender = ?1),"
            " total(size) FILTER (WHERE sender = ?1) FROM envelopes WHERE receiver = ?2"
        )
        self.all, self.all_bytes, self.mine, self.my_bytes = connection.execute(
            query, (sender, receiver)
        ).fetchone()
        self._is_answered = has_answered(connection, receiver, sender)
        self._strangers, self._strangers_bytes = 0, 0.0
        is_small = self.all < MESSAGES_FROM_ONE and self.all_bytes < BYTES_FROM_ONE
        if not self._is_answered and not is_small:
            self._strangers, self._strangers_bytes = _of_strangers(connection, receiver)

    def why_full(self, size: int, name: str) -> str | None:
        """Return why a message of this size has no room; None when it has."""
        if self.mine >= MESSAGES_FROM_ONE:
            return f"{self.mine} messages from you already wait for {name}"
        if self.my_bytes + size > BYTES_FROM_ONE:
            return f"messages of 1 MiB from you already wait for {name}"
        if self.all >= MESSAGES_IN_ALL:
            return f"the mailbox of {name} is full: {self.all} messages wait in it"
        if self.all_bytes + size > BYTES_IN_ALL:
            return f"the mailbox of {name} is full: messages of 8 MiB wait in it"
        if self._strangers >= MESSAGES_OF_STRANGERS:
            return f"the mailbox of {name} is full for users whom {name} has never answered"
        if self._strangers_bytes + size > BYTES_OF_STRANGERS:
            return f"the mailbox of {name} is full for users whom {name} has never answered"
        return None

    def add(self, size: int) -> None:
        self.all += 1
        self.mine += 1
        self.all_bytes += size
        self.my_bytes += size
        if not self._is_answered:
            self._strangers += 1
            self._strangers_bytes += size


class Stock:
    """All mail together, as seen by one sender."""

    def __init__(self, connection: sqlite3.Connection, sender: int, most: int) -> None:
        self._most = most
        (self._bytes,) = connection.execute("SELECT bytes FROM stocks").fetchone()
        found = connection.execute("SELECT origin FROM users WHERE id = ?", (sender,)).fetchone()
        self.origin: bytes = found[0] if found is not None else b""
        query = "SELECT coalesce((SELECT bytes FROM stock WHERE origin = ?), 0)"
        (self._share,) = connection.execute(query, (self.origin,)).fetchone()

    def why_full(self, size: int) -> str | None:
        if self._bytes + size + COST > self._most:
            return f"this directory keeps {self._most // MIB:,} MiB of messages, and is full"
        is_too_much = self._share + size + COST > self._most * MOST_OF_ONE
        if self.origin and is_too_much and self._bytes > self._most * NEARLY_FULL:
            return "this directory is nearly full of messages, half of them from your address"
        return None

    def add(self, size: int) -> None:
        self._bytes += size + COST
        self._share += size + COST


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
            (owner, ANSWERED),
        )


def _of_strangers(connection: sqlite3.Connection, receiver: int) -> tuple[int, float]:
    """Return number and bytes of the waiting messages from users whom they have never answered."""
    count, size = connection.execute(
        "SELECT count(*), total(size) FROM envelopes WHERE receiver = ?1 AND (sender IS NULL"
        " OR sender NOT IN (SELECT other FROM answered WHERE owner = ?1))",
        (receiver,),
    ).fetchone()
    return int(count), float(size)
