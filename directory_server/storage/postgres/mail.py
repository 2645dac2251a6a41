"""Envelopes and receipts, as SQL for PostgreSQL.

Each round trip costs as much as the work in it.  So what one batch drops is looked up
together, judged by `core/mail_limits.py`, and stored together.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from directory_server.core import mail_limits
from directory_server.core.mail_limits import (
    COST,
    ENVELOPE_OVERHEAD,
    KEEP_SECONDS,
    PAGE_BYTES,
    Mailbox,
    Stock,
    why_hoarding,
)
from directory_server.storage.postgres.connection import Connection
from directory_server.storage.store import Kept, NotKept, Owed, Posted
from shared.messages.directory import Envelope, Receipt, Verdict

EXPIRE_AT_ONCE: Final = 1_000  # envelopes
EXPIRING: Final = 7_236_572  # an advisory lock
PAGE_ENVELOPES: Final = PAGE_BYTES // ENVELOPE_OVERHEAD + 2

_SENDERS: Final = """
    SELECT id, origin, (SELECT count(*) FROM (SELECT FROM receipts WHERE sender = id LIMIT %s) r)
    FROM users WHERE id = ANY(%s)
"""
# LIMIT 1: else PostgreSQL may hash the whole table for one row.
_KNOWN: Final = """
    SELECT coalesce(
        (SELECT true FROM envelopes e
         WHERE e.sender = n.sender AND e.envelope = n.envelope LIMIT 1),
        (SELECT true FROM receipts r
         WHERE r.sender = n.sender AND r.envelope = n.envelope LIMIT 1),
        false)
    FROM unnest(%s::bigint[], %s::bytea[]) WITH ORDINALITY AS n (sender, envelope, place)
    ORDER BY place
"""
_MAILBOXES: Final = """
    SELECT n.sender, n.receiver, b.waiting, b.size, b.mine, b.my_size,
        coalesce((SELECT true FROM answered WHERE (owner, other) = (n.receiver, n.sender)), false),
        b.strangers, b.strangers_size
    FROM unnest(%s::bigint[], %s::bigint[]) AS n (sender, receiver) JOIN users ON id = receiver,
    LATERAL (
        SELECT count(*) AS waiting, coalesce(sum(e.size), 0)::bigint AS size,
            count(*) FILTER (WHERE e.sender = n.sender) AS mine,
            coalesce(sum(e.size) FILTER (WHERE e.sender = n.sender), 0)::bigint AS my_size,
            count(*) FILTER (WHERE a.other IS NULL) AS strangers,
            coalesce(sum(e.size) FILTER (WHERE a.other IS NULL), 0)::bigint AS strangers_size
        FROM envelopes e LEFT JOIN answered a ON (a.owner, a.other) = (n.receiver, e.sender)
        WHERE e.receiver = n.receiver
    ) b
"""
_INSERT: Final = """
    INSERT INTO envelopes (envelope, sender, receiver, size, arrival, age, origin, sealed)
    SELECT * FROM unnest(%s::bytea[], %s::bigint[], %s::bigint[], %s::int[], %s::float8[],
                         %s::float8[], %s::bytea[], %s::bytea[])
"""


@dataclass(frozen=True, slots=True)
class Dropping:
    """The envelopes that one request drops."""

    sender: int
    posted: list[Posted]
    time: float
    age: float


class Stocks:
    """Count the mail that waits, by where it came from, for this process.

    Counted anew now and then, because other programs may use the database, too.
    """

    def __init__(self) -> None:
        self.by_origin: Counter[bytes] = Counter()
        self._changes: Counter[bytes] = Counter()  # in the transaction that runs
        self.total = 0

    def count(self, connection: Connection) -> None:
        query = "SELECT origin, sum(size + %s)::bigint FROM envelopes GROUP BY origin"
        rows = connection.execute(query, (COST,), binary=True).fetchall()
        self.by_origin = Counter({bytes(origin): int(size) for origin, size in rows})
        self.total = self.by_origin.total()
        self._changes.clear()

    def begin(self) -> None:
        """Forget what the transaction before did, if it did not end."""
        self._changes.clear()

    def change(self, origin: bytes, size: int) -> None:
        self._changes[origin] += size

    def commit(self) -> None:
        self.by_origin.update(self._changes)
        self.total += self._changes.total()
        self.by_origin += Counter()  # without what has come down to nothing
        self._changes.clear()

    def seen_by(self, origin: bytes, most: int) -> Stock:
        total = self.total + self._changes.total()
        return Stock(most, total, origin, self.by_origin[origin] + self._changes[origin])


class _Batch:
    """The facts that a batch of requests needs, looked up at once."""

    def __init__(self, connection: Connection, dropping: list[Dropping]) -> None:
        pairs = [(one.sender, item) for one in dropping for item in one.posted]
        senders = list({sender for sender, _ in pairs})
        rows = connection.execute(_SENDERS, (mail_limits.RECEIPTS, senders), binary=True)
        self.senders = {id: (bytes(origin), int(count)) for id, origin, count in rows}
        values = ([sender for sender, _ in pairs], [_id(item) for _, item in pairs])
        known = connection.execute(_KNOWN, values, binary=True).fetchall()
        self.stored = {
            (sender, item.envelope)
            for (sender, item), (is_known,) in zip(pairs, known, strict=True)
            if is_known
        }
        both = list({(sender, item.receiver) for sender, item in pairs})
        columns = ([sender for sender, _ in both], [receiver for _, receiver in both])
        self.mailboxes: dict[tuple[int, int], Mailbox] = {}
        self._of: defaultdict[int, list[Mailbox]] = defaultdict(list)  # each receiver
        for sender, receiver, *counts in connection.execute(_MAILBOXES, columns, binary=True):
            mailbox = self.mailboxes[sender, receiver] = Mailbox(*counts)
            self._of[receiver].append(mailbox)

    def add(self, sender: int, item: Posted) -> None:
        """Count one that is stored, in the mailbox as each of its senders sees it."""
        size = len(item.sealed)
        mine = self.mailboxes[sender, item.receiver]
        for mailbox in self._of[item.receiver]:
            if mailbox is not mine:
                mailbox.all += 1
                mailbox.all_bytes += size
                if not mine.is_answered:
                    mailbox.strangers += 1
                    mailbox.strangers_bytes += size
        mine.add(size)
        self.stored.add((sender, item.envelope))


def drop(
    connection: Connection, dropping: list[Dropping], stocks: Stocks, most: int
) -> list[list[Kept | NotKept]]:
    """Store what has room; return for each request one result for each envelope."""
    batch, rows = _Batch(connection, dropping), list[tuple[Any, ...]]()
    answers: dict[tuple[int, int], None] = {}
    results = []
    for one in dropping:
        origin, receipts = batch.senders.get(one.sender, (b"", 0))
        outcomes: list[Kept | NotKept] = []
        for item in one.posted:
            no = _why_not(batch, one.sender, item)
            if no is None and (one.sender, item.envelope) not in batch.stored:
                size, mailbox = len(item.sealed), batch.mailboxes[one.sender, item.receiver]
                full = (
                    why_hoarding(receipts)
                    or mailbox.why_full(size, item.receiver_name)
                    or stocks.seen_by(origin, most).why_full(size)
                )
                if full is None:
                    batch.add(one.sender, item)
                    stocks.change(origin, size + COST)
                    answers[one.sender, item.receiver] = None
                    rows.append(
                        (_id(item), one.sender, item.receiver, size, one.time, one.age, origin,
                         item.sealed)
                    )  # fmt: skip
                else:
                    no = NotKept("FULL", full)
            outcomes.append(no or Kept(batch.mailboxes[one.sender, item.receiver].all))
        results.append(outcomes)
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(_INSERT, columns, binary=True)
        note_answers(connection, list(answers))
    return results


def _id(item: Posted) -> bytes:
    return bytes.fromhex(item.envelope)


def _why_not(batch: _Batch, sender: int, item: Posted) -> NotKept | None:
    """Return the refusal when sender or receiver has released the name meanwhile."""
    is_there = (sender, item.receiver) in batch.mailboxes
    if is_there and sender in batch.senders:
        return None
    return NotKept("NOBODY", f"User {item.receiver_name} does not exist!")


# --- Whom a user has answered ---


def note_answers(connection: Connection, pairs: list[tuple[int, int]]) -> None:
    """Note that owners have answered others; forget the oldest over the limit."""
    columns = ([owner for owner, _ in pairs], [other for _, other in pairs])
    added = connection.execute(
        "INSERT INTO answered (owner, other)"
        " SELECT n.owner, n.other FROM unnest(%s::bigint[], %s::bigint[]) AS n (owner, other)"
        " JOIN users AS one ON one.id = n.owner JOIN users AS two ON two.id = n.other"
        " ON CONFLICT DO NOTHING RETURNING owner",
        columns,
    ).fetchall()
    for (owner,) in set(added):
        connection.execute(
            "DELETE FROM answered WHERE owner = %s AND number IN (SELECT number FROM answered"
            " WHERE owner = %s ORDER BY number DESC OFFSET %s)",
            (owner, owner, mail_limits.ANSWERED),
        )


def has_answered(connection: Connection, owner: int, other: int) -> bool:
    query = "SELECT EXISTS (SELECT FROM answered WHERE owner = %s AND other = %s)"
    row = connection.execute(query, (owner, other)).fetchone()
    return row is not None and bool(row[0])


# --- Taking, noting, expiring ---


def take(
    connection: Connection,
    receiver: int,
    receiver_name: str,
    verdicts: list[Verdict],
    stocks: Stocks,
    time: float,
    age: float,
) -> list[Owed]:
    """Delete the envelopes that the receiver has taken, and keep a receipt for each sender.

    When an earlier attempt has done so already, its receipts are returned.
    """
    said = {bytes.fromhex(one.id): one for one in verdicts}
    gone = connection.execute(
        "DELETE FROM envelopes e USING unnest(%s::bigint[], %s::bytea[]) AS n (number, envelope)"
        " WHERE e.number = n.number AND e.envelope = n.envelope AND e.receiver = %s"
        " RETURNING e.sender, e.envelope, e.origin, e.size",
        (
            [min(one.number, 2**62) for one in verdicts],
            [bytes.fromhex(one.id) for one in verdicts],
            receiver,
        ),
        binary=True,
    ).fetchall()
    _keep_receipts(
        connection,
        [
            (sender, envelope, receiver, time, age, said[envelope].proof, said[envelope].refused)
            for sender, envelope, *_ in gone
            if sender is not None
        ],
    )
    for _, _, origin, size in gone:
        stocks.change(bytes(origin), -(size + COST))
    rows = connection.execute(
        "SELECT sender, envelope, at, proof, refused FROM receipts"
        " WHERE taker = %s AND envelope = ANY(%s)",
        (receiver, list(said)),
        binary=True,
    )
    return [
        Owed(sender, Receipt(envelope.hex(), receiver_name, at, proof, refused))
        for sender, envelope, at, proof, refused in rows
    ]


def _keep_receipts(connection: Connection, rows: list[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO receipts VALUES (%s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (sender, envelope) DO NOTHING",
            rows,
        )


def note(connection: Connection, sender: int, envelopes: Iterable[str]) -> None:
    connection.execute(
        "DELETE FROM receipts WHERE sender = %s AND envelope = ANY(%s)",
        (sender, [bytes.fromhex(one) for one in envelopes]),
    )


def expire(connection: Connection, stocks: Stocks, age: float) -> bool:
    """Delete some envelopes and receipts that are too old; return whether none is left.

    One directory of several does it; the others have nothing to do.
    """
    row = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (EXPIRING,)).fetchone()
    if row is None or not row[0]:
        return True
    old = age - KEEP_SECONDS
    # Numbers rise with the age, so nothing after the first young one is too old.
    expired = connection.execute(
        "DELETE FROM envelopes WHERE number IN (SELECT number FROM (SELECT number, age"
        " FROM envelopes ORDER BY number LIMIT %s) e WHERE age < %s) RETURNING origin, size",
        (EXPIRE_AT_ONCE, old),
        binary=True,
    ).fetchall()
    for origin, size in expired:
        stocks.change(bytes(origin), -(size + COST))
    connection.execute("DELETE FROM receipts WHERE age < %s", (old,))
    connection.execute(
        "DELETE FROM receipts r USING (SELECT sender, envelope, row_number() OVER"
        " (PARTITION BY sender ORDER BY at DESC) AS newer FROM receipts) n"
        " WHERE (r.sender, r.envelope) = (n.sender, n.envelope) AND newer > %s",
        (mail_limits.RECEIPTS,),
    )
    return len(expired) < EXPIRE_AT_ONCE


# --- Reading ---


def in_all(connection: Connection) -> tuple[int, int]:
    """Return how many messages wait, and how much room they take."""
    query = "SELECT count(*), coalesce(sum(size + %s), 0)::bigint FROM envelopes"
    row = connection.execute(query, (COST,)).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def count(connection: Connection, receiver: int) -> int:
    query = "SELECT count(*) FROM envelopes WHERE receiver = %s"
    row = connection.execute(query, (receiver,)).fetchone()
    return 0 if row is None else int(row[0])


def page(connection: Connection, receiver: int, after: int) -> tuple[list[Envelope], bool]:
    """Return the oldest envelopes that fit into one line, and whether more wait."""
    # Windowed in the database, so that it sends hardly more than a line's worth.
    rows = connection.execute(
        "SELECT number, envelope, sealed, arrival, upto FROM (SELECT number, envelope, sealed,"
        " arrival, size, sum(size * 4 / 3 + %s) OVER (ORDER BY number) AS upto,"
        " row_number() OVER (ORDER BY number) AS nth FROM (SELECT *"
        " FROM envelopes WHERE receiver = %s AND number > %s ORDER BY number LIMIT %s) e) m"
        " WHERE nth <= 2 OR upto - (size * 4 / 3 + %s) <= %s ORDER BY number",
        (ENVELOPE_OVERHEAD, receiver, min(after, 2**62), PAGE_ENVELOPES, ENVELOPE_OVERHEAD,
         PAGE_BYTES),
        binary=True,
    ).fetchall()  # fmt: skip
    fitting = [row for row in rows if row[4] <= PAGE_BYTES] or rows[:1]
    envelopes = [Envelope(number, id.hex(), sealed, at) for number, id, sealed, at, _ in fitting]
    return envelopes, len(rows) > len(fitting)


def receipts(connection: Connection, sender: int, after: str, most: int) -> tuple[Receipt, ...]:
    rows = connection.execute(
        "SELECT envelope, name, at, proof, refused FROM receipts JOIN users ON users.id = taker"
        " WHERE sender = %s AND envelope > %s ORDER BY envelope LIMIT %s",
        (sender, bytes.fromhex(after), most),
        binary=True,
    )
    return tuple(Receipt(envelope.hex(), *rest) for envelope, *rest in rows)
