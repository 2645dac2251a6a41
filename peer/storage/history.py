"""Find what was said: HISTORY and SEARCH.

The texts of a conversation have one order, which is the same for all its members:
(lamport, author, epoch, seq).  Everything else is ordered by time.  Small reads are done
in the loop, a page at a time; those that may take long run in the writing thread.
"""

import heapq
from collections.abc import Iterator
from typing import Any, Final

import trio
from msgspec import Struct
from msgspec.structs import replace

from peer.core.history_entry import Around, HistoryEntry
from peer.core.keys.name_marks import ANOTHER_KEY
from peer.core.myself import Registration
from peer.storage.past.entries import COLUMNS, NOT_TWICE, of_line, of_text
from peer.storage.past.names import Names
from peer.storage.past.search import Hit, Within, find_all
from peer.storage.rooms import own_label, room_named
from peer.storage.rows import Rows
from shared.database import Database
from shared.errors import Refused
from shared.messages.peers import Position
from shared.world import Clock

HISTORY_CHARACTERS: Final = 1_000_000  # more would push news off a screen that is slow
PAGE_ROWS: Final = 50  # read in one go: at most about 1 MB
_NO_ROOM = "id NOT IN (SELECT conversation FROM rooms)"
_NOT_OF_ROOM = (
    "(lines.conversation IS NULL OR lines.conversation NOT IN (SELECT conversation FROM rooms))"
)
_BEYOND = (2**62, "", "", 0)  # after every text


class Found(Struct, frozen=True):
    """The entries found, in order.  `more`: there are earlier ones too."""

    entries: list[HistoryEntry]
    more: bool
    around: list[Around] = []  #: beside each of them, if they were searched for


class History:
    def __init__(
        self,
        database: Database,
        rows: Rows,
        me: Registration,
        clock: Clock,
        known: Names,
    ) -> None:
        self._database, self._rows, self._me, self._clock = database, rows, me, clock
        self._known = known

    async def wait_written(self) -> None:
        """Return when all that is on its way to the disk is there, and so can be found."""
        await self._database.write(lambda _: None)

    # --- HISTORY ---

    async def conversation(self, id: str | None, last: int) -> Found:
        """Return the last texts of a conversation; None: of the one that began last."""
        if id is None:
            rows = self._all(
                f"SELECT id FROM conversations WHERE {_NO_ROOM} ORDER BY begun DESC LIMIT 1"  # nosec B608
            )
            if not rows:
                return Found([], False)
            id = rows[0][0]
        copies = self._lines("lines.conversation = ?", (id,), last + 1)
        return self._last([await self._texts(id, last + 1), copies], last)

    async def room(self, label: str, last: int) -> Found:
        """Return the last texts of a room.  Raises Refused when none was ever called so here."""
        return await self.conversation(self._room(label), last)

    def own_room(self, name: str) -> str:
        """Return the label of a room that I am in, in its own spelling; "" if none is called so."""
        return own_label(self._database, name)

    def _room(self, label: str) -> str:
        id = room_named(self._database, label)
        if id is None:
            raise Refused(f"You are in no room #{label}.", "ROOM")
        return id

    async def with_user(self, name: str, last: int) -> Found:
        """Return private lines, letters, and texts of conversations of which they were a member.

        Those of rooms are left out.
        """
        between = f"lines.author = ? AND receiver = ? AND {_NOT_OF_ROOM}"
        theirs = self._lines(between, (name, self._me.name), last + 1)
        mine = self._lines(between, (self._me.name, name), last + 1)
        return self._last([await self._texts_with(name, last + 1), theirs, mine], last)

    def to_all(self, last: int) -> Found:
        """Return the last lines of the general chat."""
        return self._last([self._lines("receiver = ?", ("",), last + 1)], last)

    def _conversations_with(self, name: str) -> list[str]:
        """Return the conversations of which this user was a member, the last one first."""
        rows = self._all(
            "SELECT c.id, m.member, m.name FROM memberships AS m"
            " JOIN conversations AS c ON c.id = m.conversation"
            f" WHERE m.name = ? COLLATE NOCASE AND {_NO_ROOM} ORDER BY c.begun DESC",  # nosec B608
            (name,),
        )
        # Another key of that name was somebody else.
        ids = [id for id, *one in rows if not self._known.called(*one).endswith(ANOTHER_KEY)]
        return list(dict.fromkeys(ids))

    async def _texts_with(self, name: str, last: int) -> list[HistoryEntry]:
        entries: list[HistoryEntry] = []
        for id in self._conversations_with(name):
            entries = await self._texts(id, last - len(entries)) + entries
            if len(entries) >= last:
                break
        return entries

    async def _texts(self, conversation: str, last: int) -> list[HistoryEntry]:
        """Return at least the `last` latest texts, if there are; fewer when they are very long."""
        found: list[HistoryEntry] = []  # the newest first
        names = self._names(conversation)
        upto: dict[tuple[str, str], int] = {}
        before, size = _BEYOND, 0
        while len(found) < last and size <= HISTORY_CHARACTERS:
            await trio.lowlevel.checkpoint()
            rows = self._all(
                "SELECT lamport, author, epoch, seq, line FROM texts WHERE conversation = ?"
                " AND (lamport, author, epoch, seq) < (?, ?, ?, ?)"
                " ORDER BY lamport DESC, author DESC, epoch DESC, seq DESC LIMIT ?",
                (conversation, *before, PAGE_ROWS),
            )
            for _, author, epoch, seq, line in rows:
                for text in self._rows.text(line, conversation, author, epoch, seq):
                    is_late = any(self._is_missing(conversation, one, upto) for one in text.after)
                    called = self._known.called(text.author, names.get(text.author, text.author))
                    found += reversed(of_text(text, called, is_late))
                    size += sum(map(len, text.texts))
            if len(rows) < PAGE_ROWS:
                break
            before = rows[-1][:4]
        self._rows.report()
        return found[::-1]

    def _names(self, conversation: str) -> dict[str, str]:
        """Return the names of its members, by id."""
        wanted = "SELECT member, name FROM memberships WHERE conversation = ?"
        return dict(self._all(wanted, (conversation,)))

    def _is_missing(
        self, conversation: str, one: Position, upto: dict[tuple[str, str], int]
    ) -> bool:
        """Whether this text is neither here nor from before I came.  `upto` caches look-ups."""
        of = (one.author, one.epoch)
        if of not in upto:
            # Texts of one author come in order, so the last one here decides.
            rows = self._all(
                "SELECT max(seq) FROM (SELECT * FROM (SELECT last AS seq FROM texts"
                " WHERE (conversation, author, epoch) = (?1, ?2, ?3) ORDER BY texts.seq DESC"
                " LIMIT 1) UNION ALL SELECT seq FROM since"
                " WHERE (conversation, author, epoch) = (?1, ?2, ?3))",
                (conversation, *of),
            )
            upto[of] = rows[0][0] or 0
        return one.seq > upto[of]

    def _lines(self, where: str, values: tuple[object, ...], last: int) -> list[HistoryEntry]:
        rows = self._all(
            # `where` is one of this file's own conditions.
            f"SELECT {COLUMNS} FROM lines WHERE {where}"  # nosec B608
            " AND lines.text IS NOT NULL"
            f" AND {NOT_TWICE} ORDER BY lines.time DESC, number DESC LIMIT ?",
            (*values, last),
        )
        found = [one for row in reversed(rows) for one in of_line(self._rows, *row)]
        self._rows.report()
        return found

    def _last(self, sequences: list[list[HistoryEntry]], last: int) -> Found:
        """Return the last entries of all sequences together."""
        entries = list(heapq.merge(*(self._timed(one) for one in sequences), key=_first))
        kept: list[HistoryEntry] = []
        size = 0
        for _, entry in reversed(entries[-last:]):
            size += len(entry.text)
            if size > HISTORY_CHARACTERS:
                break
            kept.append(entry)
        return Found(kept[::-1], len(kept) < len(entries))

    def _timed(self, entries: list[HistoryEntry]) -> Iterator[tuple[float, HistoryEntry]]:
        """Yield entries with times that never fall.

        The order of a conversation is not that of its members' clocks, one of which may be wrong.
        """
        now, time = self._clock.time(), 0.0
        for entry in entries:
            time = max(time, min(entry.time, now))
            yield time, entry

    def _all(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        return self._database.read(query, values)

    # --- SEARCH ---

    async def search(self, words: str, last: int, user: str | None = None, room: str = "") -> Found:
        """Return the last texts that contain a word beginning with each of these.

        With `user`: of those that `with_user` returns; with `room`: of those in it.  Raises
        Refused when there are no words, or too many, or no such room; StorageError when the
        disk has no space for the index.
        """
        within = None if user is None else self._within(user)
        if room:
            within = Within(frozenset([self._room(room)]))
        both = await find_all(self._database, self._rows, words, last + 1, within)
        self._rows.report()
        texts, lines = ([self._named(hit) for hit in some] for some in both)
        found = self._last([[hit.entry for hit in texts], [hit.entry for hit in lines]], last)
        around = {id(hit.entry): hit.around for hit in (*texts, *lines)}
        return Found(found.entries, found.more, [around[id(one)] for one in found.entries])

    def _within(self, user: str) -> Within:
        return Within(frozenset(self._conversations_with(user)), user, self._me.name)

    def _named(self, hit: Hit) -> Hit:
        """Return the hit with the names that the user reads."""
        if not hit.member:
            return hit
        around = Around(
            self._called(hit.before, hit.around.before), self._called(hit.after, hit.around.after)
        )
        entry = self._called(hit.member, hit.entry)
        assert entry is not None, "a hit has an entry"
        return replace(hit, entry=entry, around=around)

    def _called(self, member: str, entry: HistoryEntry | None) -> HistoryEntry | None:
        return entry and replace(entry, author=self._known.called(member, entry.author))


def _first(timed: tuple[float, HistoryEntry]) -> float:
    return timed[0]
