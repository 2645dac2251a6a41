"""Seal all texts in a journal, or open all of them; the file itself records which.

The words of texts, lines, letters and copies are sealed.  Who wrote when to whom is not.
"""

import sqlite3
from collections.abc import Callable
from typing import Final

from peer.storage.vault import Vault
from shared.errors import StorageError

SEALED: Final = 0x50_61_72_6C  # the application_id of a journal whose texts are sealed: "Parl"
SEARCHED: Final = 200_000  # texts, and as many lines; their index lies in memory: some 50 MB

# Each column with words in it, the kind of its place, and the columns that identify the place.
# A letter becomes a line of history as it is sealed, so both have the same place.
_SECRETS: Final = (
    ("letters", "text", "line", ("sender", "id")),
    ("letters", "words", "words", ("sender", "id")),
    ("lines", "text", "line", ("author", "id")),
    ("copies", "text", "copy", ("id",)),
    ("texts", "line", "text", ("conversation", "author", "epoch", "seq")),
)

_INDEX_IN_MEMORY: Final = """
    PRAGMA temp_store = MEMORY;
    CREATE VIRTUAL TABLE temp.words_of_texts USING fts5 (
        text, content = '', tokenize = 'unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE temp.words_of_lines USING fts5 (
        text, content = '', tokenize = 'unicode61 remove_diacritics 2');
    CREATE TABLE temp.indexed (source TEXT PRIMARY KEY, upto INTEGER NOT NULL) STRICT;
"""


def prepare(db: sqlite3.Connection, vault: Vault) -> None:
    """Make a journal fit for this vault.  Raises StorageError when it is sealed for another.

    The connection is the one that writes, right after the journal was opened.
    """
    if not vault.is_sealing:
        if _is_sealed(db):
            raise StorageError("the journal is sealed with a passphrase, but the key is not")
        return
    if not _is_sealed(db):  # new, or brought back from a backup
        seal(db, vault)
    # The index of SEARCH holds all words: it lies in memory only, and hides the one on disk.
    db.executescript(_INDEX_IN_MEMORY)
    for source in ("texts", "lines"):
        db.execute(  # `source` is one of the two above
            "INSERT INTO temp.indexed SELECT ?, max(0, coalesce(max(number), 0) - ?)"
            f" FROM {source}",  # nosec B608
            (source, SEARCHED),
        )


def seal(db: sqlite3.Connection, vault: Vault) -> None:
    """Seal all texts, in one step and once; then nothing in clear is left in the file."""
    if not _is_sealed(db):
        # The next writes go over what the write-ahead log holds in clear.
        db.execute("PRAGMA wal_checkpoint(RESTART)")
        _rewrite(db, vault.seal, vault.seal_text, SEALED)
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def open_again(db: sqlite3.Connection, vault: Vault) -> None:
    """Open all texts, in one step and once.  Raises StorageError if another vault sealed them."""
    if _is_sealed(db):
        _rewrite(db, vault.open, vault.open_text, 0)


def _is_sealed(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA application_id").fetchone()[0] == SEALED)


def _rewrite(
    db: sqlite3.Connection,
    bytes_of: Callable[..., bytes],
    text_of: Callable[..., str],
    application: int,
) -> None:
    def rewritten(found: str | bytes, *place: str | int) -> str | bytes:
        return text_of(found, *place) if isinstance(found, str) else bytes_of(found, *place)

    db.create_function("rewritten", -1, rewritten)
    try:
        db.execute("BEGIN IMMEDIATE")
        for table, column, kind, place in _SECRETS:
            db.execute(  # only names from above
                f"UPDATE {table} SET {column} ="  # nosec B608
                f" rewritten({column}, '{kind}', {', '.join(place)}) WHERE {column} IS NOT NULL"
            )
        for words in ("words_of_texts", "words_of_lines"):
            db.execute(f"INSERT INTO {words} ({words}) VALUES ('delete-all')")  # nosec B608
        db.execute("DELETE FROM indexed")
        db.execute(f"PRAGMA application_id = {application}")
        db.execute("COMMIT")
    except sqlite3.Error as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise StorageError(f"the journal could not be rewritten: {error}") from error
    finally:
        db.create_function("rewritten", -1, None)
