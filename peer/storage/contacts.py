"""Keep what is known of users and of communities.

That is: which key belongs to whom (at first sight, until the user says otherwise), who is
ignored or watched, whom I have answered, and how much they have written here today.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from peer.core.reach.watch_list import TALK_DAYS, Interests, Talk
from shared.database import Database
from shared.names import fold

SECONDS_A_DAY: Final = 86_400.0
READ_MOST: Final = 10_000  # users, or conversations: ten times as many as can be watched

_MEMBERS: Final = (
    "SELECT m.name FROM conversations AS c JOIN memberships AS m ON m.conversation = c.id"
    " WHERE c.is_in ORDER BY c.begun DESC LIMIT ?1"
)
_AWAITING: Final = (
    "SELECT receiver FROM (SELECT receiver FROM lines WHERE is_pending AND receiver <> ''"
    " UNION SELECT receiver FROM copies UNION SELECT receiver FROM letters_left) LIMIT ?1"
)
# Each name costs a few steps in an index, however many lines there are of it.
_WRITTEN_TO: Final = """
    WITH RECURSIVE them(name) AS (
        SELECT min(receiver) FROM lines WHERE author = ?2 AND receiver > ''
        UNION ALL SELECT (SELECT min(receiver) FROM lines
            WHERE author = ?2 AND receiver > them.name) FROM them WHERE name IS NOT NULL)
    SELECT name, (SELECT max(time) FROM lines WHERE author = ?2 AND receiver = them.name)
    FROM them WHERE name IS NOT NULL LIMIT ?1"""
_WRITTEN_BY: Final = """
    WITH RECURSIVE them(name) AS (
        SELECT min(author) FROM lines
        UNION ALL SELECT (SELECT min(author) FROM lines WHERE author > them.name)
        FROM them WHERE name IS NOT NULL)
    SELECT name, (SELECT max(time) FROM lines WHERE author = them.name AND receiver = ?2) AS last
    FROM them WHERE last IS NOT NULL LIMIT ?1"""
_TALKED_WITH: Final = """
    SELECT m.name, max(c.last) FROM (
        SELECT id, coalesce((SELECT t.time FROM texts AS t WHERE t.conversation = conversations.id
            ORDER BY t.lamport DESC LIMIT 1), begun) AS last
        FROM conversations ORDER BY begun DESC LIMIT 1000) AS c
    JOIN memberships AS m ON m.conversation = c.id WHERE m.name <> ?2
    GROUP BY m.name COLLATE NOCASE LIMIT ?1"""


class ContactStore:
    """The users whom I know, by their folded names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: dict[str, bytes] = dict(database.read("SELECT name, key FROM known_keys"))
        #: users whose keys were compared
        self.verified = self._names("SELECT name FROM known_keys WHERE verified IS NOT NULL")
        self.ignored = self._names("SELECT name FROM ignored")
        #: users about whom my user wants to hear, as spelled, by folded names
        self.watched: dict[str, str] = dict(
            database.read("SELECT name, spelled FROM watched ORDER BY name")
        )
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

    # --- Watched users ---

    async def watch(self, name: str) -> None:
        self.watched[fold(name)] = name
        row = (fold(name), name)
        await self._database.execute("REPLACE INTO watched VALUES (?, ?)", row)

    async def unwatch(self, name: str) -> None:
        self.watched.pop(fold(name), None)
        await self._database.execute("DELETE FROM watched WHERE name = ?", (fold(name),))

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

    def authority_at_any(self, addresses: Iterable[str]) -> bytes | None:
        """Return the authority that answered at the first of these addresses where one did."""
        met = (self.authority_at(address) for address in addresses)
        return next((authority for authority in met if authority is not None), None)

    def has_met(self, authority: bytes) -> bool:
        """Whether this authority answered at any address."""
        met = "SELECT 1 FROM directories WHERE authority = ? LIMIT 1"
        return bool(self._database.read(met, (authority,)))

    async def remember(self, address: str, authority: bytes) -> None:
        row = (address, authority)
        await self._database.execute("REPLACE INTO directories VALUES (?, ?)", row)

    def other_directories(self, authority: bytes) -> list[tuple[str, float]]:
        """Return the addresses that directories of this authority named, and when."""
        told = "SELECT address, told FROM other_directories WHERE authority = ? ORDER BY rowid"
        return self._database.read(told, (authority,))

    async def keep_other_directories(
        self, authority: bytes, others: Iterable[tuple[str, float]]
    ) -> None:
        """Keep these, and no other ones of this authority."""
        rows = [(authority, address, told) for address, told in others]

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM other_directories WHERE authority = ?", (authority,))
            db.executemany("INSERT INTO other_directories VALUES (?, ?, ?)", rows)

        await self._database.write(work)

    @property
    def has_certificates(self) -> bool:
        """Whether any authority has issued a certificate to us."""
        return bool(self._database.read("SELECT 1 FROM certificates LIMIT 1"))

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


class InterestStore:
    """The users who matter to me: a view on what the journal knows of all families."""

    def __init__(self, database: Database, contacts: ContactStore) -> None:
        self._database, self._contacts = database, contacts

    def read(self, me: str, now: float) -> Interests:
        """Return them as of `now`; what I am called, and anything that is no name, may be there."""
        return Interests(
            self._names(_MEMBERS),
            self._names(_AWAITING),
            tuple(self._contacts.watched.values()),
            tuple(self._talks(me, now)),
        )

    def _talks(self, me: str, now: float) -> Iterator[Talk]:
        """Yield each user once; a time that somebody claims counts at most as of now."""
        since = now - TALK_DAYS * SECONDS_A_DAY
        last: dict[str, tuple[str, float]] = {}
        for query in (_WRITTEN_TO, _WRITTEN_BY, _TALKED_WITH):
            for name, time in self._database.read(query, (READ_MOST, me)):
                spelled, before = last.get(fold(name), (name, 0.0))
                last[fold(name)] = (spelled, max(before, min(time or 0.0, now)))
        for folded, (name, time) in last.items():
            if time >= since:
                yield Talk(name, time, folded in self._contacts.answered)

    def _names(self, query: str) -> tuple[str, ...]:
        return tuple(name for (name,) in self._database.read(query, (READ_MOST,)))
