"""Which letter the next one for the same receiver names: the last one that is stored.

Only the directory's word makes a letter the last one.  A letter that is noted here and
never comes there, because the program is killed or the directory refuses it, would be
missed by its receiver although nobody has held it back.
"""

import sqlite3


def before(db: sqlite3.Connection, id: str, key: bytes) -> str:
    """The id that this letter for the owner of a key names, or ""."""
    last, earlier = _last(db, key)
    return earlier if last == id else last  # the same letter once more names the same one


def note(db: sqlite3.Connection, id: str, key: bytes) -> None:
    """The directory has this letter."""
    last, _ = _last(db, key)
    if last != id:
        db.execute("REPLACE INTO last_left VALUES (?, ?, ?)", (key, id, last))


def _last(db: sqlite3.Connection, key: bytes) -> tuple[str, str]:
    """The ids of the last letter and of the one that it names."""
    row = db.execute("SELECT id, before FROM last_left WHERE key = ?", (key,)).fetchone()
    return row or ("", "")
