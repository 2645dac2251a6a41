"""Envelopes and receipts, as SQL: what each request does inside its transaction.

Users are numbers here; their names are in the table of users and nowhere else.
Everything runs in the writing thread, except `page`, `count` and `receipts`.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from typing import Final

from directory_server.core import mail_limits
from directory_server.core.mail_limits import (
    ENVELOPE_OVERHEAD,
    KEEP_SECONDS,
    PAGE_BYTES,
    Mailbox,
    why_hoarding,
)
from directory_server.storage import mail_room
from directory_server.storage.store import Kept, NotKept, Owed, Posted
from shared.messages.directory import Envelope, Receipt, Verdict

EXPIRE_AT_ONCE: Final = 100  # envelopes, 4 MB: each transaction also overwrites what it deletes

TABLES = """
    CREATE TABLE envelopes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        envelope BLOB NOT NULL,
        sender INTEGER REFERENCES users ON DELETE SET NULL,
        receiver INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        size INTEGER NOT NULL,
        arrival REAL NOT NULL,
        sealed BLOB NOT NULL
    );
    CREATE INDEX mailbox ON envelopes (receiver, number, sender, size, envelope);
    CREATE UNIQUE INDEX sent ON envelopes (sender, envelope);
    CREATE TABLE receipts (
        sender INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        envelope BLOB NOT NULL,
        taker INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
        at REAL NOT NULL,
        PRIMARY KEY (sender, envelope)
    ) WITHOUT ROWID;
    CREATE INDEX taken ON receipts (taker);
"""
#: receipts carry the signatures of their takers
SIGNED_RECEIPTS = """
    ALTER TABLE receipts ADD COLUMN proof BLOB NOT NULL DEFAULT x'';
    ALTER TABLE receipts ADD COLUMN refused TEXT NOT NULL DEFAULT '';
"""

# `age`: for how many seconds the directory had run in all when it arrived, or was taken.
EXPIRY = """
    ALTER TABLE envelopes ADD COLUMN age REAL NOT NULL DEFAULT 0;
    ALTER TABLE receipts ADD COLUMN age REAL NOT NULL DEFAULT 0;
"""


def drop(
    connection: sqlite3.Connection,
    sender: int,
    posted: Iterable[Posted],
    *,
    time: float,
    age: float,
    most: int,
) -> list[Kept | NotKept]:
    """Store the envelopes that have room, except those that the same sender stored before.

    `most`: the limit for all mail together, in bytes.
    """
    mailboxes: dict[int, Mailbox] = {}
    stock = mail_room.stock(connection, sender, most)
    hoards = why_hoarding(_receipts_of(connection, sender))
    results: list[Kept | NotKept] = []
    for one in posted:
        envelope = bytes.fromhex(one.envelope)
        if one.receiver not in mailboxes:
            mailboxes[one.receiver] = mail_room.mailbox(connection, sender, one.receiver)
        if _was_dropped(connection, sender, envelope):
            results.append(Kept(mailboxes[one.receiver].all))
            continue
        mailbox, size = mailboxes[one.receiver], len(one.sealed)
        full = hoards or mailbox.why_full(size, one.receiver_name) or stock.why_full(size)
        if full is not None:
            results.append(NotKept("FULL", full))
        elif not _insert(connection, sender, one, stock.origin, time, age):
            results.append(NotKept("NOBODY", f"User {one.receiver_name} does not exist!"))
        else:
            mail_room.answer(connection, sender, one.receiver)
            mailbox.add(size)
            stock.add(size)
            results.append(Kept(mailbox.all))
    return results


def _receipts_of(connection: sqlite3.Connection, sender: int) -> int:
    """Return how many receipts wait for a sender, as far as it matters."""
    query = "SELECT count(*) FROM (SELECT 1 FROM receipts WHERE sender = ? LIMIT ?)"
    (found,) = connection.execute(query, (sender, mail_limits.RECEIPTS)).fetchone()
    return int(found)


def _was_dropped(connection: sqlite3.Connection, sender: int, envelope: bytes) -> bool:
    query = (
        "SELECT EXISTS (SELECT 1 FROM envelopes WHERE sender = ?1 AND envelope = ?2)"
        " OR EXISTS (SELECT 1 FROM receipts WHERE sender = ?1 AND envelope = ?2)"
    )
    return bool(connection.execute(query, (sender, envelope)).fetchone()[0])


def _insert(
    connection: sqlite3.Connection,
    sender: int,
    one: Posted,
    origin: bytes,
    time: float,
    age: float,
) -> bool:
    """Store one envelope; False when sender or receiver has released the name meanwhile."""
    envelope = bytes.fromhex(one.envelope)
    try:
        connection.execute(
            "INSERT INTO envelopes (envelope, sender, receiver, size, arrival, sealed, age,"
            " origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (envelope, sender, one.receiver, len(one.sealed), time, one.sealed, age, origin),
        )
    except sqlite3.IntegrityError:
        return False
    return True


def take(
    connection: sqlite3.Connection,
    receiver: int,
    receiver_name: str,
    verdicts: Iterable[Verdict],
    time: float,
    age: float,
) -> list[Owed]:
    """Delete the envelopes that the receiver has taken, and keep a receipt for each sender."""
    owed = []
    for one in verdicts:
        gone = connection.execute(
            "DELETE FROM envelopes WHERE number = ? AND receiver = ? AND envelope = ?"
            " RETURNING sender",
            (one.number, receiver, bytes.fromhex(one.id)),
        ).fetchall()
        # The sender is NULL if they have released the name meanwhile.
        owed += [
            Owed(sender, Receipt(one.id, receiver_name, time, one.proof, one.refused))
            for (sender,) in gone
            if sender is not None
        ]
    connection.executemany(
        "INSERT OR REPLACE INTO receipts (sender, envelope, taker, at, proof, refused, age)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.sender,
                bytes.fromhex(said.envelope),
                receiver,
                time,
                said.proof,
                said.refused,
                age,
            )
            for one in owed
            for said in (one.receipt,)
        ],
    )
    return owed


def note(connection: sqlite3.Connection, sender: int, envelopes: Iterable[str]) -> None:
    """Delete these receipts, which the sender has on disk."""
    connection.executemany(
        "DELETE FROM receipts WHERE sender = ? AND envelope = ?",
        [(sender, bytes.fromhex(envelope)) for envelope in envelopes],
    )


def expire(connection: sqlite3.Connection, age: float) -> bool:
    """Delete some envelopes and receipts that are too old; return whether none is left."""
    old = age - KEEP_SECONDS
    # Numbers rise with the age, so nothing after the first young one is too old.
    expired = connection.execute(
        "DELETE FROM envelopes WHERE number IN (SELECT number FROM (SELECT number, age"
        " FROM envelopes ORDER BY number LIMIT ?) WHERE age < ?)",
        (EXPIRE_AT_ONCE, old),
    )
    connection.execute("DELETE FROM receipts WHERE age < ?", (old,))
    connection.execute(
        "DELETE FROM receipts WHERE (sender, envelope) IN (SELECT sender, envelope FROM"
        " (SELECT sender, envelope, row_number() OVER (PARTITION BY sender ORDER BY at DESC)"
        " AS newer FROM receipts) WHERE newer > ?)",
        (mail_limits.RECEIPTS,),
    )
    return expired.rowcount < EXPIRE_AT_ONCE


# --- Reading, in the event loop: indexed, and bounded by a page ---------------------


def count(connection: sqlite3.Connection, receiver: int) -> int:
    query = "SELECT count(*) FROM envelopes WHERE receiver = ?"
    (waiting,) = connection.execute(query, (receiver,)).fetchone()
    return int(waiting)


def page(connection: sqlite3.Connection, receiver: int, after: int) -> tuple[list[Envelope], bool]:
    """Return the oldest envelopes that fit into one line, and whether more wait."""
    envelopes: list[Envelope] = []
    room = PAGE_BYTES
    query = (
        "SELECT number, envelope, sealed, arrival FROM envelopes"
        " WHERE receiver = ? AND number > ? ORDER BY number"
    )
    with closing(connection.execute(query, (receiver, min(after, 2**62)))) as rows:
        for number, envelope, sealed, arrival in rows:
            room -= len(sealed) * 4 // 3 + ENVELOPE_OVERHEAD
            if room < 0 and envelopes:
                return envelopes, True
            envelopes.append(Envelope(number, envelope.hex(), sealed, arrival))
    return envelopes, False


def receipts(
    connection: sqlite3.Connection, sender: int, after: str, most: int
) -> tuple[Receipt, ...]:
    """Return the next receipts for a sender, by envelope."""
    query = (
        "SELECT envelope, name, at, proof, refused FROM receipts JOIN users ON users.id = taker"
        " WHERE sender = ? AND envelope > ? ORDER BY envelope LIMIT ?"
    )
    rows = connection.execute(query, (sender, bytes.fromhex(after), most)).fetchall()
    return tuple(Receipt(envelope.hex(), *rest) for envelope, *rest in rows)
