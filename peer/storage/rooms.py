"""Keep which rooms I am in, under which names, and where my own texts in them go on."""

import sqlite3
from collections.abc import Iterable, Mapping

from msgspec import Struct

from peer.storage.rows import Rows
from shared.database import Database
from shared.messages.peers import SALT_BYTES, Charter
from shared.names import is_name

KEY_BYTES = 32


class KeptRoom(Struct, frozen=True):
    """A room.  `label`: what its user calls it."""

    id: str
    charter: Charter
    label: str


class RoomStore:
    def __init__(self, database: Database, rows: Rows) -> None:
        self._database, self._rows = database, rows

    def all(self) -> list[KeptRoom]:
        """Return the rooms that I am in, those first that I have been in longest."""
        found = self._database.read(
            "SELECT r.conversation, r.name, r.founder, r.nonce, r.label FROM rooms AS r"
            " JOIN conversations AS c ON c.id = r.conversation WHERE c.is_in = 1"
            " ORDER BY c.begun, r.conversation"
        )
        kept = []
        for id, name, founder, nonce, label in found:
            if is_name(name) and len(founder) == KEY_BYTES and len(nonce) == SALT_BYTES:
                kept.append(KeptRoom(id, Charter(name, founder, nonce), label))
            else:
                self._rows.note()
        self._rows.report()
        return kept

    def has(self, id: str) -> bool:
        """Whether the conversation with this id is a room, in which I am or was."""
        return room_label(self._database, id) != ""

    # --- My epochs ---

    async def take_epochs(self) -> dict[str, str]:
        """Return in which epoch my last text in each room was written, if all of it is on disk.

        Each is returned once: a program that is killed may have sent more than it has kept,
        and no number may be used twice.
        """
        wanted = "SELECT conversation, epoch FROM rooms WHERE epoch IS NOT NULL"
        found = dict(self._database.read(wanted))
        if found:
            await self._database.execute("UPDATE rooms SET epoch = NULL", ())
        return found

    async def note_epochs(self, epochs: Mapping[str, str]) -> None:
        """Note that my program ends, and that all it has written in these epochs is on disk."""
        rows = [(epoch, id) for id, epoch in epochs.items()]
        await self._database.write(
            lambda db: db.executemany("UPDATE rooms SET epoch = ? WHERE conversation = ?", rows)
        )


def room_named(database: Database, label: str) -> str | None:
    """Return the room that is, or was last, called so here; None if there was none."""
    found = database.read(
        "SELECT r.conversation FROM rooms AS r JOIN conversations AS c ON c.id = r.conversation"
        " WHERE r.label = ? COLLATE NOCASE ORDER BY c.is_in DESC, c.begun DESC LIMIT 1",
        (label,),
    )
    return found[0][0] if found else None


def own_label(database: Database, label: str) -> str:
    """Return a label in its own spelling, if I am in a room that is called so; else ""."""
    found = database.read(
        "SELECT r.label FROM rooms AS r JOIN conversations AS c ON c.id = r.conversation"
        " WHERE r.label = ? COLLATE NOCASE AND c.is_in = 1",
        (label,),
    )
    return str(found[0][0]) if found else ""


def room_label(database: Database, id: str) -> str:
    """Return what the user calls the room with this id; "" if it is no room."""
    found = database.read("SELECT label FROM rooms WHERE conversation = ?", (id,))
    return str(found[0][0]) if found else ""


# --- In the writing thread ---


def insert(db: sqlite3.Connection, rooms: Iterable[KeptRoom]) -> None:
    db.executemany(
        "REPLACE INTO rooms VALUES (?, ?, ?, ?, ?, NULL)",
        [
            (one.id, one.charter.name, one.charter.founder, one.charter.nonce, one.label)
            for one in rooms
        ],
    )
