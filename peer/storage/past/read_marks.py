"""Keep how far the user has read."""

import sqlite3
from typing import Final

from peer.core.past.read_marks import Mark, ReadMarks
from shared.database import Database

_EVERYWHERE: Final = ""  # no place is called so


class ReadMarkStore:
    """The marks on disk.  There are as many as places with something unread, and one more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def last(self) -> Mark:
        """The numbers of the last text and the last line."""
        wanted = "SELECT coalesce((SELECT max(number) FROM {}), 0)"
        texts, lines = (
            self._database.read(wanted.format(table))[0][0] for table in ("texts", "lines")
        )
        return Mark(texts, lines)

    def load(self) -> ReadMarks:
        rows = self._database.read("SELECT place, texts, lines FROM read_marks")
        marks = {place: Mark(texts, lines) for place, texts, lines in rows}
        everywhere = marks.pop(_EVERYWHERE, Mark())
        return ReadMarks(everywhere, marks).within(self.last)

    async def keep(self, marks: ReadMarks) -> None:
        """Keep these marks instead of those on disk.  Raises StorageError."""
        rows = [(_EVERYWHERE, marks.everywhere), *marks.behind.items()]

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM read_marks")
            db.executemany(
                "INSERT INTO read_marks VALUES (?, ?, ?)",
                [(place, mark.texts, mark.lines) for place, mark in rows],
            )

        await self._database.write(work)
