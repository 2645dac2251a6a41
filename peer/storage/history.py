"""Find what was said: HISTORY and SEARCH.

The texts of a conversation have one order, which is the same for all its members:
(lamport, author, epoch, seq).  Everything else is ordered by time.  Small reads are done
in the loop, a page at a time; those that may take long run in the writing thread.
"""

import heapq
import sqlite3
from collections.abc import Iterator
from typing import Any, Final, Protocol

import msgspec
import trio
from msgspec import Struct

from peer.core.history_entry import HistoryEntry, Kind
from peer.core.keys.name_marks import ANOTHER_KEY
from peer.core.myself import Registration
from peer.storage.rows import Rows
from shared.database import Database
from shared.errors import Refused
from shared.messages.peers import TEXTS, Position, Text
from shared.world import Clock

HISTORY_CHARACTERS: Final = 1_000_000  # more would push news off a screen that is slow
PAGE_ROWS: Final = 50  # read in one go: at most about 1 MB
SEARCH_WORDS: Final = 20  # far below what FTS5 takes
INDEX_ROWS: Final = 2_000  # in one commit; other commits wait meanwhile
INDEX_TEXTS: Final = 5_000

# A copy that came through the mailbox is left out if its text came as well.
_NOT_TWICE = (
    "(lines.conversation IS NULL OR coalesce((SELECT t.last FROM texts AS t"
    " WHERE (t.conversation, t.author, t.epoch) = (lines.conversation, lines.member, lines.epoch)"
    " AND t.seq <= lines.seq ORDER BY t.seq DESC LIMIT 1), 0) < lines.seq)"
)
_COLUMNS = "kind, lines.time, lines.author, receiver, lines.id, lines.text"
_BEYOND = (2**62, "", "", 0)  # after every text


class Found(Struct, frozen=True):
    """The entries found, in order.  `more`: there are earlier ones too."""

    entries: list[HistoryEntry]
    more: bool


class Names(Protocol):
    """The names that a user reads."""

    def called(self, member: str, name: str) -> str:
        """Return what the user reads for a member of a conversation with this id and name."""


class History:
    def __init__(
        self,
        database: Database,
        rows: Rows,
        me: Registration,
        clock: Clock,
        known: Names,
    ) -> None:
        self._database, self._rows, self._me, self._clock = database, rows, me, clock
        self._known = known

    async def wait_written(self) -> None:
        """Return when all that is on its way to the disk is there, and so can be found."""
        await self._database.write(lambda _: None)

    # --- HISTORY ---

    async def conversation(self, id: str | None, last: int) -> Found:
        """Return the last texts of a conversation; None: of the one that began last."""
        if id is None:
            rows = self._all("SELECT id FROM conversations ORDER BY begun DESC LIMIT 1")
            if not rows:
                return Found([], False)
            id = rows[0][0]
        copies = self._lines("lines.conversation = ?", (id,), last + 1)
        return self._last([await self._texts(id, last + 1), copies], last)

    async def with_user(self, name: str, last: int) -> Found:
        """Return private lines, letters, and texts of conversations of which they were a member."""
        between = "lines.author = ? AND receiver = ?"
        theirs = self._lines(between, (name, self._me.name), last + 1)
        mine = self._lines(between, (self._me.name, name), last + 1)
        return self._last([await self._texts_with(name, last + 1), theirs, mine], last)

    def to_all(self, last: int) -> Found:
        """Return the last lines of the general chat."""
        return self._last([self._lines("receiver = ?", ("",), last + 1)], last)

    async def _texts_with(self, name: str, last: int) -> list[HistoryEntry]:
        rows = self._all(
            "SELECT c.id, m.member, m.name FROM memberships AS m"
            " JOIN conversations AS c ON c.id = m.conversation"
            " WHERE m.name = ? COLLATE NOCASE ORDER BY c.begun DESC",
            (name,),
        )
        # Another key of that name was somebody else.
        ids = [id for id, *one in rows if not self._known.called(*one).endswith(ANOTHER_KEY)]
        entries: list[HistoryEntry] = []
        for id in dict.fromkeys(ids):
            entries = await self._texts(id, last - len(entries)) + entries
            if len(entries) >= last:
                break
        return entries

    async def _texts(self, conversation: str, last: int) -> list[HistoryEntry]:
        """Return at least the `last` latest texts, if there are; fewer when they are very long."""
        found: list[HistoryEntry] = []  # the newest first
        names = self._names(conversation)
        upto: dict[tuple[str, str], int] = {}
        before, size = _BEYOND, 0
        while len(found) < last and size <= HISTORY_CHARACTERS:
            await trio.lowlevel.checkpoint()
            rows = self._all(
                "SELECT lamport, author, epoch, seq, line FROM texts WHERE conversation = ?"
                " AND (lamport, author, epoch, seq) < (?, ?, ?, ?)"
                " ORDER BY lamport DESC, author DESC, epoch DESC, seq DESC LIMIT ?",
                (conversation, *before, PAGE_ROWS),
            )
            for _, author, epoch, seq, line in rows:
                for text in self._rows.text(line, conversation, author, epoch, seq):
                    is_late = any(self._is_missing(conversation, one, upto) for one in text.after)
                    called = self._known.called(text.author, names.get(text.author, text.author))
                    found += reversed(_entries(text, called, is_late))
                    size += sum(map(len, text.texts))
            if len(rows) < PAGE_ROWS:
                break
            before = rows[-1][:4]
        self._rows.report()
        return found[::-1]

    def _names(self, conversation: str) -> dict[str, str]:
        """Return the names of its members, by id."""
        wanted = "SELECT member, name FROM memberships WHERE conversation = ?"
        return dict(self._all(wanted, (conversation,)))

    def _is_missing(
        self, conversation: str, one: Position, upto: dict[tuple[str, str], int]
    ) -> bool:
        """Whether this text is neither here nor from before I came.  `upto` caches look-ups."""
        of = (one.author, one.epoch)
        if of not in upto:
            # Texts of one author come in order, so the last one here decides.
            rows = self._all(
                "SELECT max(seq) FROM (SELECT * FROM (SELECT last AS seq FROM texts"
                " WHERE (conversation, author, epoch) = (?1, ?2, ?3) ORDER BY texts.seq DESC"
                " LIMIT 1) UNION ALL SELECT seq FROM since"
                " WHERE (conversation, author, epoch) = (?1, ?2, ?3))",
                (conversation, *of),
            )
            upto[of] = rows[0][0] or 0
        return one.seq > upto[of]

    def _lines(self, where: str, values: tuple[object, ...], last: int) -> list[HistoryEntry]:
        rows = self._all(
            # `where` is one of this file's own conditions.
            f"SELECT {_COLUMNS} FROM lines WHERE {where}"  # nosec B608
            " AND lines.text IS NOT NULL"
            f" AND {_NOT_TWICE} ORDER BY lines.time DESC, number DESC LIMIT ?",
            (*values, last),
        )
        found = [one for row in reversed(rows) for one in _entry(self._rows, *row)]
        self._rows.report()
        return found

    def _last(self, sequences: list[list[HistoryEntry]], last: int) -> Found:
        """Return the last entries of all sequences together."""
        entries = list(heapq.merge(*(self._timed(one) for one in sequences), key=_first))
        kept: list[HistoryEntry] = []
        size = 0
        for _, entry in reversed(entries[-last:]):
            size += len(entry.text)
            if size > HISTORY_CHARACTERS:
                break
            kept.append(entry)
        return Found(kept[::-1], len(kept) < len(entries))

    def _timed(self, entries: list[HistoryEntry]) -> Iterator[tuple[float, HistoryEntry]]:
        """Yield entries with times that never fall.

        The order of a conversation is not that of its members' clocks, one of which may be wrong.
        """
        now, time = self._clock.time(), 0.0
        for entry in entries:
            time = max(time, min(entry.time, now))
            yield time, entry

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self._database.read(query, values)

    # --- SEARCH ---

    async def search(self, words: str, last: int) -> Found:
        """Return the last texts that contain a word beginning with each of these.

        Raises Refused when there are no words, or too many; StorageError when the
        disk has no room for the index.
        """
        query = _query(words)
        while await self._database.write(lambda db: _index_some(db, self._rows)):
            pass
        hits, lines = await self._database.write(lambda db: _hits(db, self._rows, query, last + 1))
        self._rows.report()
        texts = [
            msgspec.structs.replace(entry, author=self._known.called(member, entry.author))
            for member, entry in hits
        ]
        return self._last([texts, lines], last)


# --- In the writing thread ------------------------------------------------------------


def _index_some(db: sqlite3.Connection, rows: Rows) -> bool:
    """Index some more texts and lines; return False when all are indexed."""
    texts, lines = _index_texts(db, rows), _index_lines(db, rows)
    return texts or lines


def _index_texts(db: sqlite3.Connection, rows: Rows) -> bool:
    found: list[tuple[int, str]] = []
    upto = start = _indexed(db, "texts")
    for number, *place, line in db.execute(
        "SELECT number, conversation, author, epoch, seq, line FROM texts WHERE number > ?"
        " ORDER BY number LIMIT ?",
        (start, INDEX_ROWS),
    ):
        for text in rows.text(line, *place):
            found += enumerate(text.texts, start=number * TEXTS)
        upto = number
        if len(found) >= INDEX_TEXTS:
            break
    db.executemany("INSERT INTO words_of_texts (rowid, text) VALUES (?, ?)", found)
    db.execute("REPLACE INTO indexed VALUES ('texts', ?)", (upto,))
    return upto > start


def _index_lines(db: sqlite3.Connection, rows: Rows) -> bool:
    found = db.execute(
        "SELECT number, author, id, text FROM lines WHERE number > ? AND text IS NOT NULL"
        " ORDER BY number LIMIT ?",
        (_indexed(db, "lines"), INDEX_ROWS),
    ).fetchall()
    if found:
        db.executemany(
            "INSERT INTO words_of_lines (rowid, text) VALUES (?, ?)",
            [
                (number, words)
                for number, *place, text in found
                for words in rows.words(text, "line", *place)
            ],
        )
        db.execute("REPLACE INTO indexed VALUES ('lines', ?)", (found[-1][0],))
    return bool(found)


def _indexed(db: sqlite3.Connection, source: str) -> int:
    row = db.execute("SELECT upto FROM indexed WHERE source = ?", (source,)).fetchone()
    return int(row[0]) if row else 0


def _hits(
    db: sqlite3.Connection, rows: Rows, query: str, last: int
) -> tuple[list[tuple[str, HistoryEntry]], list[HistoryEntry]]:
    """Return the last hits: texts with the ids of their authors, and single lines."""
    texts = db.execute(
        "SELECT w.rowid % ?1, t.line, c.begun, t.lamport, t.author, t.epoch, t.seq, c.id,"
        " coalesce(m.name, t.author)"
        " FROM (SELECT rowid FROM words_of_texts WHERE words_of_texts MATCH ?2"
        " ORDER BY rowid DESC LIMIT ?3) AS w JOIN texts AS t ON t.number = w.rowid / ?1"
        " JOIN conversations AS c ON c.id = t.conversation LEFT JOIN memberships AS m"
        " ON (m.conversation, m.member) = (t.conversation, t.author) ORDER BY 3, 4, 5, 6, 7, 1",
        (TEXTS, query, last),
    ).fetchall()
    lines = db.execute(
        f"SELECT {_COLUMNS} FROM words_of_lines"  # nosec B608  # only constants of this file
        " JOIN lines ON lines.number = words_of_lines.rowid"
        f" WHERE words_of_lines MATCH ? AND lines.text IS NOT NULL AND {_NOT_TWICE}"
        " ORDER BY words_of_lines.rowid DESC LIMIT ?",
        (query, last),
    ).fetchall()
    lines.sort(key=lambda row: row[1])
    found = []
    for place, line, _, _, author, epoch, seq, conversation, name in texts:
        for text in rows.text(line, conversation, author, epoch, seq):
            found.append((author, _entries(text, name, False)[place]))
    return found, [one for row in lines for one in _entry(rows, *row)]


def _query(words: str) -> str:
    """Return an FTS5 query for all words, quoted so that nothing in them is syntax."""
    words = words.replace("\0", " ").encode(errors="replace").decode()
    wanted = words.split()
    if not wanted:
        raise Refused("There is nothing to search for.", "USAGE")
    if len(wanted) > SEARCH_WORDS:
        raise Refused(f"At most {SEARCH_WORDS} words can be searched for at once.", "USAGE")
    return " ".join('"' + word.replace('"', '""') + '"*' for word in wanted)


# --- Forming ----------------------------------------------------------------------------


def _entry(
    rows: Rows, kind: str, time: float, author: str, receiver: str, id: str, text: str
) -> Iterator[HistoryEntry]:
    for words in rows.words(text, "line", author, id):
        yield HistoryEntry(Kind(kind), time, author, receiver, words)


def _entries(text: Text, author: str, is_late: bool) -> list[HistoryEntry]:
    """Return the entries of texts written together; only the first may follow a gap."""
    return [
        HistoryEntry(Kind.SAID, text.time, author, "", said, is_late and not number)
        for number, said in enumerate(text.texts)
    ]


def _first(timed: tuple[float, HistoryEntry]) -> float:
    return timed[0]
