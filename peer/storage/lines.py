"""Keep the single lines: private ones, those of the general chat, and letters that were shown."""

import sqlite3
from enum import Enum

from msgspec import Struct

from peer.core.history_entry import Kind
from peer.core.keys.name_marks import variants
from peer.core.stranger_limits import Written
from peer.storage.rows import Rows
from shared.database import Database

FORGET_ROWS = 1_000  # in one commit, so that nobody waits behind a huge one


class Fate(Enum):
    """The fate of a single line."""

    PENDING = "pending"  #: of mine, on its way: taken up again by the next program
    SENT = "sent"  #: of mine, and delivered or left
    FAILED = "failed"  #: of mine, and its user knows that it was not delivered
    CAME = "came"  #: somebody else's, and shown


class KeptLine(Struct, frozen=True):
    """A private line, one of the general chat (whose receiver is ""), or a letter."""

    kind: Kind
    author: str
    receiver: str
    id: str
    time: float
    text: str
    fate: Fate


class LineStore:
    """The single lines.  Without `keeps_history` none stays longer than delivering it needs."""

    def __init__(self, database: Database, rows: Rows, *, keeps_history: bool) -> None:
        self._database, self._rows, self._keeps_history = database, rows, keeps_history

    async def keep(self, lines: list[KeptLine]) -> None:
        """Keep lines in one commit; one that is there already gets its new kind or fate."""
        kept = (Fate.PENDING, Fate.SENT, Fate.CAME)
        rows = [self._row(one) for one in lines if one.fate in kept]
        gone = [one for one in lines if one.fate is Fate.FAILED]
        if not self._keeps_history:
            gone += [one for one in lines if one.fate is Fate.SENT]
            rows = [self._row(one) for one in lines if one.fate is Fate.PENDING]
            # Keep only that they came: a repeated one must not be shown again.
            rows += [self._row(one, text=None) for one in lines if one.fate is Fate.CAME]

        def work(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT INTO lines (kind, author, receiver, id, time, text, is_pending)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (author, id, receiver)"
                " DO UPDATE SET kind = excluded.kind, is_pending = excluded.is_pending,"
                " receiver = excluded.receiver",
                rows,
            )
            db.executemany(
                "DELETE FROM lines WHERE (author, id, receiver) = (?, ?, ?)",
                [(one.author, one.id, one.receiver) for one in gone],
            )

        await self._database.write(work)

    def has(self, sender: str, id: str) -> bool:
        """Whether this line has come, directly or as a letter."""
        wanted = (
            "SELECT 1 FROM lines WHERE author = ?1 AND id = ?2"
            " UNION ALL SELECT 1 FROM letters WHERE sender = ?1 AND id = ?2"
            " UNION ALL SELECT 1 FROM known_letters WHERE sender = ?1 AND id = ?2"
        )
        return bool(self._database.read(wanted, (sender, id)))

    def written_by(self, sender: str) -> Written:
        """Count the lines and letters of a user that lie here, and their bytes."""
        wanted = (
            "SELECT count(*), coalesce(sum(length(CAST(text AS BLOB))), 0),"
            " coalesce(max(private), 0)"
            " FROM (SELECT text, kind <> 'all' AS private FROM lines WHERE author IN (?1, ?2, ?3)"
            " UNION ALL SELECT text, 1 FROM letters WHERE sender IN (?1, ?2, ?3))"
        )
        ((lines, size, private),) = self._database.read(wanted, variants(sender))
        return Written(lines, size, bool(private))

    def pending(self) -> list[KeptLine]:
        """Return the lines and letters that an earlier program of mine did not send, in order."""
        rows = self._database.read(
            "SELECT kind, author, receiver, id, time, text FROM lines WHERE is_pending"
            " ORDER BY number"
        )
        found = [
            KeptLine(Kind(kind), author, receiver, id, time, words, Fate.PENDING)
            for kind, author, receiver, id, time, text in rows
            for words in self._rows.words(text, "line", author, id)
        ]
        self._rows.report()
        return found

    async def forget_texts(self, now: float, old: float) -> None:
        """Forget the text of every line that is not on its way.

        Keep only the id of a line before `old`.
        """

        def forget_some(db: sqlite3.Connection) -> int:
            return db.execute(
                "UPDATE lines SET text = NULL, time = ?1 WHERE number IN (SELECT number FROM lines"
                " WHERE text IS NOT NULL AND NOT is_pending LIMIT ?2)",
                (now, FORGET_ROWS),
            ).rowcount

        while await self._database.write(forget_some):
            pass
        while await self._database.write(lambda db: _keep_only_ids(db, old)):
            pass

    def _row(self, line: KeptLine, *, text: str | None = "") -> tuple[object, ...]:
        if text is not None:
            text = self._rows.vault.seal_text(line.text, "line", line.author, line.id)
        is_pending = line.fate is Fate.PENDING
        return (line.kind.value, line.author, line.receiver, line.id, line.time, text, is_pending)


def _keep_only_ids(db: sqlite3.Connection, old: float) -> int:
    """Keep only the ids of lines without text before `old`; return how many were found."""
    found = db.execute(
        "SELECT number, author, id FROM lines WHERE text IS NULL AND time < ? LIMIT ?",
        (old, FORGET_ROWS),
    ).fetchall()
    db.executemany("INSERT OR IGNORE INTO known_letters VALUES (?, ?)", [row[1:] for row in found])
    db.executemany("DELETE FROM lines WHERE number = ?", [row[:1] for row in found])
    return len(found)
