"""Keep the texts of conversations, as their authors signed them."""

import sqlite3
from collections.abc import Iterable, Iterator

from peer.core.conversation.incoming.lamport_clock import LamportClock
from peer.core.conversation.proof.digests import Said, said_in
from peer.core.conversation.texts import is_origin
from peer.storage.rows import Rows
from peer.storage.schema import FILE
from shared.codec import encode
from shared.database import Database, reading
from shared.errors import StorageError
from shared.messages.common import COUNT_MOST
from shared.messages.peers import TEXTS, Origin, Position, Text

WATCHED_TEXTS = 1_024  # my last ones, which somebody may lack after a restart
DIGESTS = 1_024  # of earlier texts: others may have been told different ones
# Authors and epochs of a conversation.  Each is looked up in the index right after the one
# before it, so that no text is read: a conversation may have 100,000, in some ten of these.
_STREAMS = (
    "WITH RECURSIVE streams (author, epoch) AS (SELECT author, epoch FROM (SELECT author, epoch"
    " FROM texts WHERE conversation = ?1 ORDER BY author, epoch, seq LIMIT 1)"
    " UNION ALL SELECT t.author, t.epoch FROM streams AS s JOIN texts AS t ON t.number = coalesce("
    "(SELECT number FROM texts WHERE conversation = ?1 AND author = s.author AND epoch > s.epoch"
    " ORDER BY epoch, seq LIMIT 1), (SELECT number FROM texts WHERE conversation = ?1"
    " AND author > s.author ORDER BY author, epoch, seq LIMIT 1)))"
)
_OF_STREAM = "FROM texts WHERE conversation = ?1 AND author = s.author AND epoch = s.epoch"

Place = tuple[str, str, str, int]  # of a text: conversation, author (a member), epoch, seq


class TextStore:
    """The texts of all conversations."""

    def __init__(self, database: Database, rows: Rows) -> None:
        self._database, self._rows = database, rows

    def after(self, conversation: str, after: Position, texts: int, size: int) -> list[bytes]:
        """Return the next texts after this position, encoded as they travel.

        At most `texts` texts, and no more bytes than `size`, but for the first line.
        """
        lines: list[bytes] = []
        for text in texts_after(self._database.reader, self._rows, conversation, after, texts):
            line = encode(text)  # as it came; an unreadable one would be taken for our fault
            size -= len(line)
            if lines and size < 0:
                break
            lines.append(line)
        self._rows.report()
        return lines

    def has(self, conversation: str, author: str, epoch: str, seq: int) -> bool:
        """Whether this text is here, or was and its words are forgotten."""
        return any(
            has
            for table in ("texts", "forgotten")
            for (has,) in self._database.read(
                f"SELECT last >= ?4 FROM {table}"  # nosec B608  # `table` is one of the two above
                " WHERE conversation = ?1 AND author = ?2"
                " AND epoch = ?3 AND seq <= ?4 ORDER BY seq DESC LIMIT 1",
                (conversation, author, epoch, seq),
            )
        )

    def last_begin(self, conversation: str, last: int) -> dict[Origin, int]:
        """Return where the last texts of a conversation begin: for each origin the seq before.

        Texts that were signed together stay together.
        """
        begins: dict[Origin, int] = {}
        for author, epoch, seq, upto in self._database.read(
            "SELECT author, epoch, seq, last FROM texts WHERE conversation = ?"
            " ORDER BY lamport DESC, author DESC, epoch DESC, seq DESC LIMIT ?",
            (conversation, last),
        ):
            if last <= 0:
                break
            begins[author, epoch] = seq - 1
            last -= upto - seq + 1
        return begins

    # --- A conversation that goes on after a restart ---

    def reach(self, conversation: str) -> tuple[Position, ...]:
        """Return how far the texts of a conversation reach on disk."""
        rows = self._database.read(
            f"{_STREAMS} SELECT author, epoch, max(seq) FROM (SELECT author, epoch,"  # nosec B608
            f" (SELECT last {_OF_STREAM} ORDER BY seq DESC LIMIT 1) AS seq,"
            f" (SELECT number {_OF_STREAM} ORDER BY seq LIMIT 1) AS number FROM streams AS s"
            " UNION ALL SELECT author, epoch, seq, 0 FROM since WHERE conversation = ?1)"
            " GROUP BY author, epoch ORDER BY min(number)",
            (conversation,),
        )
        return tuple(self._plain(rows))

    def passed(self, conversation: str) -> tuple[Position, ...]:
        """Return up to where something was passed over."""
        rows = self._database.read(
            "SELECT author, epoch, seq FROM since WHERE conversation = ?", (conversation,)
        )
        return tuple(self._plain(rows))

    def _plain(self, rows: list[tuple[str, str, int]]) -> Iterator[Position]:
        """Yield the positions that others can read: our own texts contain them."""
        for author, epoch, seq in rows:
            if seq <= COUNT_MOST and is_origin((author, epoch)):
                yield Position(author, epoch, seq)
            else:
                self._rows.note()
        self._rows.report()

    def clock(self, conversation: str, me: str) -> LamportClock:
        """Return the clock as far as my own texts, and those read since, have moved it."""
        rows = self._database.read(
            # The numbers of one author grow with seq.
            f"{_STREAMS} SELECT max(lamport) FROM (SELECT lamport FROM conversations"  # nosec B608
            f" WHERE id = ?1 UNION ALL SELECT (SELECT lamport {_OF_STREAM} AND lamport <= ?3"
            " ORDER BY seq DESC LIMIT 1) FROM streams AS s WHERE author = ?2)",
            (conversation, me, COUNT_MOST),
        )
        clock = LamportClock(rows[0][0] or 0)
        seen = clock.now
        while (lamport := self._next_number(conversation, seen, clock.reach)) is not None:
            clock.saw(lamport)
            seen = lamport
        return clock

    def _next_number(self, conversation: str, seen: int, reach: int) -> int | None:
        """Return the highest number up to `reach`, or else the lowest one beyond it."""
        query = (
            "SELECT coalesce((SELECT max(lamport) FROM texts WHERE conversation = ?1"
            " AND lamport > ?2 AND lamport <= ?3), (SELECT min(lamport) FROM texts"
            " WHERE conversation = ?1 AND lamport > ?2))"
        )
        found: list[tuple[int | None]] = self._database.read(query, (conversation, seen, reach))
        return found[0][0]

    def last_of(self, conversation: str, author: str) -> list[tuple[str, int]]:
        """Return epoch and last seq of this author's last texts, in order."""
        rows = self._database.read(
            # The inner query reads the index only, the outer one no more texts than it returns.
            "SELECT epoch, last FROM texts WHERE number IN (SELECT number FROM texts"
            " WHERE conversation = ? AND author = ? ORDER BY number DESC LIMIT ?)"
            " ORDER BY number DESC",
            (conversation, author, WATCHED_TEXTS),
        )
        return rows[::-1]

    def said(self, conversation: str) -> tuple[Said, ...]:
        """Return digests of the latest texts, and of each author's last one in each epoch."""
        latest = self._database.read(
            # Backwards through all texts, for one conversation fills most of them: from its
            # last text to its first one, whatever came in between.
            f"{_STREAMS} SELECT author, epoch, seq, line FROM texts"  # nosec B608
            f" WHERE number <= (SELECT max((SELECT number {_OF_STREAM} ORDER BY seq DESC LIMIT 1))"
            f" FROM streams AS s) AND number >= (SELECT min((SELECT number {_OF_STREAM}"
            " ORDER BY seq LIMIT 1)) FROM streams AS s) AND +conversation = ?1"
            " ORDER BY number DESC LIMIT ?2",
            (conversation, DIGESTS),
        )
        origins = {(author, epoch) for author, epoch, *_ in latest}
        ends = self._database.read(
            f"{_STREAMS} SELECT t.author, t.epoch, t.seq, t.line"  # nosec B608
            f" FROM streams AS s JOIN texts AS t ON t.number ="
            f" (SELECT number {_OF_STREAM} ORDER BY seq DESC LIMIT 1) ORDER BY 1, 2",
            (conversation,),
        )
        older = [row for row in ends if row[:2] not in origins]
        found = tuple(
            said_in(text)
            for author, epoch, seq, line in (*older, *reversed(latest))
            for text in self._rows.text(line, conversation, author, epoch, seq)
        )
        self._rows.report()
        return found


# --- In any thread ---


def row_of(rows: Rows, text: Text) -> tuple[object, ...]:
    """Return the row of this text, sealed for its place."""
    place = (text.conversation, text.author, text.epoch, text.seq)
    line = rows.vault.seal(encode(text), "text", *place)
    return (*place, text.last_seq, text.lamport, text.time, line)


def insert(db: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO texts"
        " (conversation, author, epoch, seq, last, lamport, time, line)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def texts_after(
    db: sqlite3.Connection, rows: Rows, conversation: str, after: Position, texts: int
) -> Iterator[Text]:
    """Yield the texts that can be read."""
    at = (conversation, after.author, after.epoch)
    query = (
        "SELECT seq, line FROM texts WHERE conversation = ? AND author = ? AND epoch = ?"
        " AND seq > ? AND last > ? AND seq <= ? ORDER BY seq"
    )
    try:
        with reading(FILE):
            for seq, line in db.execute(
                query, (*at, after.seq - TEXTS, after.seq, after.seq + texts)
            ):
                yield from rows.text(line, *at, seq)
    except StorageError:
        rows.note()


def keep_only_places(db: sqlite3.Connection, conversation: str, now: float) -> None:
    """Keep only that the texts of a conversation came: a copy of one may still come."""
    db.execute(
        "INSERT OR IGNORE INTO forgotten"
        " SELECT conversation, author, epoch, min(seq), max(last), ?2 FROM ("
        " SELECT *, last - sum(last - seq + 1) OVER ("
        " PARTITION BY author, epoch ORDER BY seq) AS before"  # equal for texts in a row
        " FROM texts WHERE conversation = ?1) GROUP BY author, epoch, before",
        (conversation, now),
    )
