"""Keep which places are dimmed or muted."""

import sqlite3
from typing import Final

from peer.core.past.quiet_place import QuietPlace
from shared.database import Database

_FORGET: Final = """
    DELETE FROM quiet_places WHERE person = ''
    AND place NOT IN (SELECT id FROM conversations WHERE is_in = 1)"""


class QuietPlaceStore:
    """The places that are not shown as usual, by their ids (`peer.core.past.read_marks`).

    There are at most as many as a user can see at once (`peer.core.targets.places`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        rows = database.read("SELECT place, person, loud FROM quiet_places ORDER BY place")
        self._known = {place: QuietPlace.read(person, loud) for place, person, loud in rows}

    def of(self, id: str) -> QuietPlace:
        """Return how loud the place with this id is."""
        return self._known.get(id, QuietPlace())

    @property
    def persons(self) -> tuple[QuietPlace, ...]:
        """The persons among them."""
        return tuple(one for one in self._known.values() if one.person)

    async def keep(self, id: str, place: QuietPlace) -> None:
        """Keep how loud a place is.  Raises StorageError."""
        self._known.pop(id, None)
        if not place.is_usual:
            self._known[id] = place

        def work(db: sqlite3.Connection) -> None:
            db.execute(_FORGET)
            db.execute("DELETE FROM quiet_places WHERE place = ?", (id,))
            if not place.is_usual:
                row = (id, place.person, place.word)
                db.execute("INSERT INTO quiet_places VALUES (?, ?, ?)", row)

        await self._database.write(work)
