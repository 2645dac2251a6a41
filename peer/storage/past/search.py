"""Find texts by their words: SEARCH.

Hits are looked at from the latest one back, a page at a time, each page in the writing
thread between two commits of others: a word that is in every text stops nobody.
"""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct

from peer.core.history_entry import Around, HistoryEntry
from peer.storage.past.entries import COLUMNS, NOT_TWICE, of_line, of_text
from peer.storage.past.index import index_some
from peer.storage.rows import Rows
from shared.database import Database
from shared.errors import Refused
from shared.messages.peers import TEXTS

SEARCH_WORDS: Final = 20  # far below what FTS5 takes
HITS_AT_ONCE: Final = 2_000  # looked at between two commits of others: about 10 ms
_ABOVE_ALL: Final = 2**62  # rows

_TEXTS: Final = (
    "SELECT line, texts.conversation, texts.author, epoch, seq, lamport,"
    " coalesce(m.name, texts.author) FROM texts LEFT JOIN memberships AS m"
    " ON (m.conversation, m.member) = (texts.conversation, texts.author)"
)
_PLACE: Final = "(lamport, texts.author, epoch, seq)"
_DOWN: Final = "lamport DESC, texts.author DESC, epoch DESC, seq DESC"
_UP: Final = "lamport, texts.author, epoch, seq"


class Within(Struct, frozen=True):
    """A place to search in: some conversations, and what a user and I wrote to each other."""

    conversations: frozenset[str] = frozenset()
    user: str = ""
    me: str = ""


class Hit(Struct, frozen=True):
    """A text that was found; in a conversation with the ids of those who wrote it and around it.

    `order`: it stands after hits with a lower one.
    """

    entry: HistoryEntry
    around: Around = Around()
    order: tuple[object, ...] = ()
    member: str = ""
    before: str = ""
    after: str = ""


H = TypeVar("H")
Page = tuple[list[H], int | None]  # hits, and below which row the next page is


async def find_all(
    database: Database, rows: Rows, words: str, last: int, within: Within | None
) -> tuple[list[Hit], list[Hit]]:
    """Return the last texts of conversations, and single lines, that contain all these words.

    Raises Refused when there are no words, or too many; StorageError when the
    disk has no room for the index.
    """
    query = query_of(words)
    while await database.write(lambda db: index_some(db, rows)):
        pass
    find_text, find_line = partial(_text_hit, rows, within), partial(_line_hit, rows, within)
    texts = await _gather(database, partial(_hits, "words_of_texts", query, find_text), last)
    lines = await _gather(database, partial(_hits, "words_of_lines", query, find_line), last)
    return sorted(texts, key=_order), sorted(lines, key=_order)


def query_of(words: str) -> str:
    """Return an FTS5 query for all words, quoted so that nothing in them is syntax."""
    words = words.replace("\0", " ").encode(errors="replace").decode()
    wanted = words.split()
    if not wanted:
        raise Refused("There is nothing to search for.", "USAGE")
    if len(wanted) > SEARCH_WORDS:
        raise Refused(f"At most {SEARCH_WORDS} words can be searched for at once.", "USAGE")
    return " ".join('"' + word.replace('"', '""') + '"*' for word in wanted)


async def _gather(
    database: Database, look: Callable[[int, int, sqlite3.Connection], Page[Hit]], last: int
) -> list[Hit]:
    """Return the last hits, from pages that `look` returns below a row, of at most so many."""
    found: list[Hit] = []
    below: int | None = _ABOVE_ALL
    while below is not None and len(found) < last:
        some, below = await database.write(partial(look, below, last - len(found)))
        found += some
    return found


def _order(hit: Hit) -> tuple[object, ...]:
    return hit.order


# --- In the writing thread ---


def _rows_with(db: sqlite3.Connection, table: str, query: str, below: int) -> list[int]:
    """Return the latest rows of an index that match, below this one."""
    found = db.execute(
        f"SELECT rowid FROM {table} WHERE {table} MATCH ? AND rowid < ?"  # nosec B608  # constants
        " ORDER BY rowid DESC LIMIT ?",
        (query, below, HITS_AT_ONCE),
    )
    return [row for (row,) in found]


def _hits(
    index: str, query: str, find: Callable[[sqlite3.Connection, int], list[Hit]],
    below: int, most: int, db: sqlite3.Connection,
) -> Page[Hit]:  # fmt: skip
    """Return the latest hits of an index below a row; `find` returns those that a row holds."""
    found: list[Hit] = []
    numbers = _rows_with(db, index, query, below)
    for number in numbers:
        found += find(db, number)
        if len(found) == most:
            break
    return found, _next(numbers)


def _next(rows: list[int]) -> int | None:
    return rows[-1] if len(rows) == HITS_AT_ONCE else None


def _text_hit(rows: Rows, within: Within | None, db: sqlite3.Connection, number: int) -> list[Hit]:
    row = db.execute(f"{_TEXTS} WHERE number = ?", (number // TEXTS,)).fetchone()
    if row is None:
        return []
    line, conversation, author, epoch, seq, lamport, name = row
    if within is not None and conversation not in within.conversations:
        return []
    (begun,) = db.execute(
        "SELECT begun FROM conversations WHERE id = ?", (conversation,)
    ).fetchone() or (0.0,)
    place = number % TEXTS
    hits = []
    for text in rows.text(line, conversation, author, epoch, seq):
        entries = of_text(text, name, False)
        where = (conversation, lamport, author, epoch, seq)
        before = _beside(db, rows, where, "<", _DOWN, -1) if not place else None
        after = _beside(db, rows, where, ">", _UP, 0) if place == len(entries) - 1 else None
        hits.append(
            Hit(
                entries[place],
                Around(
                    entries[place - 1] if place else _entry_of(before),
                    entries[place + 1] if place < len(entries) - 1 else _entry_of(after),
                ),
                (begun, lamport, author, epoch, seq, place),
                author,
                before[0] if before else author,
                after[0] if after else author,
            )
        )
    return hits


Beside = tuple[str, HistoryEntry] | None  # a text beside a hit, and the member who wrote it


def _beside(
    db: sqlite3.Connection, rows: Rows, where: tuple[object, ...], sign: str, order: str, which: int
) -> Beside:
    """Return the text before or after this place of a conversation."""
    query = f"{_TEXTS} WHERE texts.conversation = ? AND {_PLACE} {sign} (?, ?, ?, ?)"
    for line, conversation, author, epoch, seq, _, name in db.execute(
        f"{query} ORDER BY {order} LIMIT 1", where
    ):
        for text in rows.text(line, conversation, author, epoch, seq):
            return author, of_text(text, name, False)[which]
    return None


def _entry_of(beside: Beside) -> HistoryEntry | None:
    return beside[1] if beside else None


def _line_hit(rows: Rows, within: Within | None, db: sqlite3.Connection, number: int) -> list[Hit]:
    row = db.execute(
        f"SELECT {COLUMNS}, lines.conversation FROM lines"  # nosec B608  # only constants
        f" WHERE number = ? AND lines.text IS NOT NULL AND {NOT_TWICE}",
        (number,),
    ).fetchone()
    if row is None:
        return []
    *columns, conversation = row
    _, time, author, receiver, *_ = columns
    if within is not None and not _is_within(within, author, receiver, conversation):
        return []
    where = (author, receiver, time, number)
    around = (
        Around()
        if conversation
        else Around(
            _line_beside(db, rows, where, "<", "DESC"), _line_beside(db, rows, where, ">", "ASC")
        )
    )
    return [Hit(entry, around, (time,)) for entry in of_line(rows, *columns)]


def _is_within(within: Within, author: str, receiver: str, conversation: str | None) -> bool:
    between = {author.casefold(), receiver.casefold()}
    is_between = between == {within.user.casefold(), within.me.casefold()}
    return conversation in within.conversations or (bool(within.user) and is_between)


def _line_beside(
    db: sqlite3.Connection, rows: Rows, where: tuple[str, str, float, int], sign: str, order: str
) -> HistoryEntry | None:
    """Return the line before or after this one, between the same two users or to all."""
    author, receiver, time, number = where
    query = (
        f"SELECT {COLUMNS}, number FROM lines WHERE %s AND lines.text IS NOT NULL"  # nosec B608
        f" AND lines.conversation IS NULL AND (lines.time, number) {sign} (?, ?)"
        f" ORDER BY lines.time {order}, number {order} LIMIT 1"
    )
    found: list[tuple[Any, ...]] = []
    if receiver:
        for one, other in ((author, receiver), (receiver, author)):
            found += db.execute(query % "author = ? AND receiver = ?", (one, other, time, number))
    else:
        found += db.execute(query % "receiver = ''", (time, number))
    found.sort(key=lambda row: (row[1], row[-1]), reverse=order == "DESC")
    for *columns, _ in found[:1]:
        for entry in of_line(rows, *columns):
            return entry
    return None
