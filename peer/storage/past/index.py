"""Index what was said, for SEARCH.  All of it runs in the writing thread."""

import sqlite3
from typing import Final

from peer.storage.rows import Rows
from shared.messages.peers import TEXTS

INDEX_ROWS: Final = 2_000  # in one commit; other commits wait meanwhile
INDEX_TEXTS: Final = 5_000


def index_some(db: sqlite3.Connection, rows: Rows) -> bool:
    """Index some more texts and lines; return False when all are indexed.

    A text of a row has the number of the row, times TEXTS, plus its place in the row.
    """
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
