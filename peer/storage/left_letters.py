"""Keep the letters that I left, until their receipts came, and the last one for each receiver.

Each letter names the one before it for the same receiver: the last one stored.  A letter
becomes that only when the directory says that it is stored.  The receiver would miss one
that was noted here and never reached the directory, because the program was killed or the
directory refused it, although nobody has held it back.
"""

import sqlite3
from collections.abc import Iterable

from msgspec import Struct

from peer.storage.contacts import ContactStore
from shared.database import Database
from shared.sealing import About


class LeftLetter(Struct, frozen=True):
    """A letter of mine whose receipt has not come yet."""

    receiver: str
    key: bytes  #: of the receiver for whom it was sealed
    time: float
    about: About | None


class LeftLetterStore:
    """The letters that I left."""

    def __init__(self, database: Database, contacts: ContactStore) -> None:
        self._database, self._contacts = database, contacts
        self._stored: dict[bytes, str] = {}  # key -> last letter, until on disk

    async def add(self, id: str, left: LeftLetter) -> str:
        """Note a letter that I leave; one with an id that is there already is the same letter.

        Return the id of the letter that it names, or "".
        """
        about = place_of(left.about)
        row = (id, left.receiver, left.time, *about, left.key)
        stored = self._stored.get(left.key)

        def work(db: sqlite3.Connection) -> str:
            if stored is not None:
                _note_last(db, stored, left.key)
            db.execute(
                "INSERT INTO letters_left VALUES (?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET key = excluded.key",
                row,
            )
            return _before(db, id, left.key)

        named = await self._database.write(work)
        self._stored.pop(left.key, None)
        return named

    async def stored(self, id: str, key: bytes) -> None:
        """Note that the directory has it: the next letter for the owner of this key names it.

        If the disk does not take that, it still holds as long as this program runs.
        """
        self._stored[key] = id
        await self._database.write(lambda db: _note_last(db, id, key))
        del self._stored[key]

    def get(self, id: str) -> LeftLetter | None:
        """Return a letter of mine; None once its receipt was shown."""
        wanted = (
            "SELECT receiver, time, conversation, epoch, seq, key FROM letters_left WHERE id = ?"
        )
        for receiver, time, conversation, epoch, seq, key in self._database.read(wanted, (id,)):
            about = About(conversation, epoch, seq) if conversation else None
            signs = key or self._contacts.key_of(receiver) or b""
            return LeftLetter(receiver, signs, time, about)
        return None

    async def forget(self, ids: Iterable[str]) -> None:
        rows = [(id,) for id in ids]
        await self._database.write(
            lambda db: db.executemany("DELETE FROM letters_left WHERE id = ?", rows)
        )


def place_of(about: About | None) -> tuple[object, object, object]:
    """Return conversation, epoch and seq of the text that a letter is a copy of, if it is one."""
    return (about.conversation, about.epoch, about.seq) if about else (None, None, None)


def _before(db: sqlite3.Connection, id: str, key: bytes) -> str:
    """Return the id that this letter for the owner of a key names, or ""."""
    last, earlier = _last(db, key)
    return earlier if last == id else last  # the same letter once more names the same one


def _note_last(db: sqlite3.Connection, id: str, key: bytes) -> None:
    """Note that the directory has this letter."""
    last, _ = _last(db, key)
    if last != id:
        db.execute("REPLACE INTO last_left VALUES (?, ?, ?)", (key, id, last))


def _last(db: sqlite3.Connection, key: bytes) -> tuple[str, str]:
    """Return the ids of the last letter and of the one that it names."""
    row = db.execute("SELECT id, before FROM last_left WHERE key = ?", (key,)).fetchone()
    return row or ("", "")
