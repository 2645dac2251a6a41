"""Find the letter that the next one for the same receiver names: the last one stored.

A letter becomes the last one only when the directory says that it is stored.  The receiver
would miss one that was noted here and never reached the directory, because the program was
killed or the directory refused it, although nobody has held it back.
"""

import sqlite3


def before(db: sqlite3.Connection, id: str, key: bytes) -> str:
    """Return the id that this letter for the owner of a key names, or ""."""
    last, earlier = _last(db, key)
    return earlier if last == id else last  # the same letter once more names the same one


def note(db: sqlite3.Connection, id: str, key: bytes) -> None:
    """Note that the directory has this letter."""
    last, _ = _last(db, key)
    if last != id:
        db.execute("REPLACE INTO last_left VALUES (?, ?, ?)", (key, id, last))


def _last(db: sqlite3.Connection, key: bytes) -> tuple[str, str]:
    """Return the ids of the last letter and of the one that it names."""
    row = db.execute("SELECT id, before FROM last_left WHERE key = ?", (key,)).fetchone()
    return row or ("", "")
