"""Find what a start shows: the last texts of my conversation, and what was not read elsewhere."""

from collections import Counter
from typing import Any, Final

from peer.core.keys.name_marks import bare
from peer.core.myself import Registration
from peer.core.past.looking_back import (
    LAST_TEXTS,
    PLACES_MOST,
    SCREEN_TEXTS,
    Lookback,
    Told,
    look_back,
    only_counted,
)
from peer.core.past.read_marks import TO_ALL, Mark, ReadMarks, with_user
from peer.storage.past.entries import COLUMNS, NOT_TWICE, of_line, of_text
from peer.storage.past.names import Names
from peer.storage.past.quiet_places import QuietPlaceStore
from peer.storage.rooms import room_label
from peer.storage.rows import Rows
from shared.database import Database
from shared.names import fold

LINES_MOST: Final = 1_000  # unread single lines that are looked at, the latest ones
CONVERSATIONS_MOST: Final = 50  # with unread texts, that are looked at


class Unread:
    """The texts on disk that the user has not read."""

    def __init__(
        self, database: Database, rows: Rows, me: Registration, known: Names,
        quiet: QuietPlaceStore,
    ) -> None:  # fmt: skip
        self._database, self._rows, self._me, self._known = database, rows, me, known
        self._quiet = quiet

    def look_back(self, marks: ReadMarks) -> tuple[list[Lookback], int]:
        """Return what to show of each place, and how many further places have unread texts.

        The last texts of my present conversations are shown anyway.  Places that are only
        counted show no texts.
        """
        current, with_news = self._current(), self._with_news(marks.lowest)
        mine = [self._conversation(id, LAST_TEXTS, marks, id in with_news) for id in current]
        others = [self._conversation(id, 0, marks, True) for id in with_news if id not in current]
        others += self._single_lines(marks)
        self._rows.report()
        further = [one for one in others if one is not None]
        shown = [*(one for one in mine if one is not None), *further[:PLACES_MOST]]
        return shown, max(0, len(further) - PLACES_MOST)

    # --- Conversations ---

    def _current(self) -> list[str]:
        """Return the conversations in which I still am."""
        rows = self._database.read(
            "SELECT id FROM conversations WHERE is_in = 1 ORDER BY begun LIMIT ?",
            (CONVERSATIONS_MOST,),
        )
        return [id for (id,) in rows]

    def _with_news(self, mark: Mark) -> list[str]:
        """Return the conversations with texts after this mark, the first one first."""
        rows = self._database.read(
            "SELECT conversation FROM texts WHERE number > ?"
            " GROUP BY conversation ORDER BY min(number) LIMIT ?",
            (mark.texts, CONVERSATIONS_MOST),
        )
        return [id for (id,) in rows]

    def _conversation(
        self, id: str, last: int, marks: ReadMarks, has_news: bool
    ) -> Lookback | None:
        mark, names = marks.of(id), self._names(id)
        mine = next((one for one, name in names.items() if self._is_me(one, name)), "")
        unread = self._count(id, mark, mine) if has_news else 0
        rows = self._database.read(
            "SELECT number, author, epoch, seq, line FROM texts WHERE conversation = ?"
            " ORDER BY lamport DESC, author DESC, epoch DESC, seq DESC LIMIT ?",
            (id, max(last, SCREEN_TEXTS)),
        )
        told = []
        for number, author, epoch, seq, line in reversed(rows):
            for text in self._rows.text(line, id, author, epoch, seq):
                is_unread = number > mark.texts and author != mine
                called = self._known.called(author, names.get(author, author))
                told += [Told(entry, is_unread) for entry in of_text(text, called, False)]
        others = [self._known.called(one, name) for one, name in names.items() if one != mine]
        if label := room_label(self._database, id):
            room, command = f"of the room #{label}", f"HISTORY #{label}"
            if self._is_held(id):
                return only_counted(room, command, unread)
            return look_back(room, command, told, unread, last)
        whose = f"of your conversation with {', '.join(others)}"
        command = "HISTORY" if last or not others else f"HISTORY {bare(others[0])}"
        return look_back(whose, command, told, unread, last)

    def _is_me(self, member: str, name: str) -> bool:
        return fold(name) == fold(self._me.name) and self._known.called(member, name) == name

    def _count(self, conversation: str, mark: Mark, mine: str) -> int:
        """Return how many texts of others came after this mark."""
        rows = self._database.read(
            "SELECT coalesce(sum(last - seq + 1), 0) FROM texts"
            " WHERE number > ? AND conversation = ? AND author <> ?",
            (mark.texts, conversation, mine),
        )
        return int(rows[0][0])

    def _names(self, conversation: str) -> dict[str, str]:
        wanted = "SELECT member, name FROM memberships WHERE conversation = ? ORDER BY rowid"
        return dict(self._database.read(wanted, (conversation,)))

    # --- Single lines ---

    def _single_lines(self, marks: ReadMarks) -> list[Lookback | None]:
        """Return the unread lines of each user, and of the general chat."""
        rows = self._database.read(
            f"SELECT {COLUMNS}, conversation, number FROM lines"  # nosec B608  # constants
            " WHERE number > ? AND lines.text IS NOT NULL"
            f" AND author <> ? AND NOT is_pending AND {NOT_TWICE}"
            " ORDER BY number DESC LIMIT ?",
            (marks.lowest.lines, self._me.name, LINES_MOST),
        )
        told: dict[str, list[Told]] = {}
        counts: Counter[str] = Counter()
        ends: dict[str, tuple[str, str]] = {}
        for *columns, conversation, number in rows:
            label = room_label(self._database, conversation) if conversation else ""
            place, whose, command = _place_of(columns, conversation, label)
            if number > marks.of(place).lines:
                counts[place] += 1
                ends.setdefault(place, (whose, command))
                if counts[place] <= SCREEN_TEXTS:
                    found = told.setdefault(place, [])
                    found[:0] = [Told(one, True) for one in of_line(self._rows, *columns)]
        return [
            only_counted(*ends[place], counts[place])
            if self._is_held(place)
            else look_back(*ends[place], some, counts[place], 0)
            for place, some in reversed(told.items())
        ]

    def _is_held(self, place: str) -> bool:
        return self._quiet.of(place).is_only_counted


def _place_of(columns: list[Any], conversation: str | None, label: str) -> tuple[str, str, str]:
    """Return the place of a line of somebody else, the end of its heading, and its HISTORY.

    `label`: that of its room; a text of one that came from the mailbox is a line.
    """
    _, _, author, receiver, *_ = columns
    if conversation and label:
        return conversation, f"of the room #{label}", f"HISTORY #{label}"
    if receiver:
        return with_user(author), f"with {author}", f"HISTORY {bare(author)}"
    return TO_ALL, "to all", "HISTORY ALL"
