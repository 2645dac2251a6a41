"""Keep what is known of users and of communities.

That is: which key belongs to whom (at first sight, until the user says otherwise), who is
ignored, whom I have answered, and how much they have written here today.
"""

import sqlite3
from collections.abc import Iterable

from shared.database import Database
from shared.names import fold


class ContactStore:
    """The users whom I know, by their folded names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: dict[str, bytes] = dict(database.read("SELECT name, key FROM known_keys"))
        #: users whose keys were compared
        self.verified = self._names("SELECT name FROM known_keys WHERE verified IS NOT NULL")
        self.ignored = self._names("SELECT name FROM ignored")
        #: users whom I have answered, see peer.runtime.keys.known_users
        self.answered = self._names("SELECT name FROM answered")

    # --- Keys, remembered when the user has acted ---

    def key_of(self, name: str) -> bytes | None:
        return self._keys.get(fold(name))

    async def remember_key(
        self, name: str, key: bytes, now: float, *, verified: bool = False
    ) -> None:
        """Remember this as the key of this user, whatever it was before."""
        self._keys[fold(name)] = key
        self.verified.discard(fold(name))
        if verified:
            self.verified.add(fold(name))
        row = (fold(name), key, now, now if verified else None)
        await self._database.execute("REPLACE INTO known_keys VALUES (?, ?, ?, ?)", row)

    # --- Ignored users ---

    async def ignore(self, name: str) -> None:
        self.ignored.add(fold(name))
        await self._database.execute("INSERT OR IGNORE INTO ignored VALUES (?)", (fold(name),))

    async def unignore(self, name: str) -> None:
        self.ignored.discard(fold(name))
        await self._database.execute("DELETE FROM ignored WHERE name = ?", (fold(name),))

    # --- Users whom I have answered ---

    async def remember_answered(self, names: Iterable[str], now: float) -> None:
        rows = [(fold(name), now) for name in names]
        await self._database.write(
            lambda db: db.executemany("INSERT OR IGNORE INTO answered VALUES (?, ?)", rows)
        )

    # --- How much authors have filled ---

    def taken_on(self, day: int) -> list[tuple[str, int, int]]:
        """Return folded author, day and bytes for each author who wrote on this day."""
        return self._database.read("SELECT author, day, bytes FROM taken WHERE day = ?", (day,))

    async def note_taken(self, author: str, day: int, size: int) -> None:
        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM taken WHERE day < ?", (day,))
            db.execute("REPLACE INTO taken VALUES (?, ?, ?)", (author, day, size))

        await self._database.write(work)

    def _names(self, query: str) -> set[str]:
        return {name for (name,) in self._database.read(query)}


class CommunityStore:
    """The communities whose directories I have met, and my certificates from them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def authority_at(self, address: str) -> bytes | None:
        """Return the authority that answered at this address, as DER."""
        return self._one("SELECT authority FROM directories WHERE address = ?", (address,))

    def has_met(self, authority: bytes) -> bool:
        """Whether this authority answered at any address."""
        met = "SELECT 1 FROM directories WHERE authority = ? LIMIT 1"
        return bool(self._database.read(met, (authority,)))

    async def remember(self, address: str, authority: bytes) -> None:
        row = (address, authority)
        await self._database.execute("REPLACE INTO directories VALUES (?, ?)", row)

    def certificate(self, authority: bytes, name: str) -> bytes | None:
        """Return the certificate that this authority issued to us for this name."""
        wanted = "SELECT certificate FROM certificates WHERE authority = ? AND name = ?"
        return self._one(wanted, (authority, fold(name)))

    async def keep_certificate(self, authority: bytes, name: str, certificate: bytes) -> None:
        row = (authority, fold(name), certificate)
        await self._database.execute("REPLACE INTO certificates VALUES (?, ?, ?)", row)

    def _one(self, query: str, values: tuple[object, ...]) -> bytes | None:
        rows = self._database.read(query, values)
        return bytes(rows[0][0]) if rows else None
