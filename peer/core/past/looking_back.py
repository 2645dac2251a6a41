"""Choose what a start shows of each place: its last texts, and a line where the unread begin."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from peer.commands.grammar import HISTORY_MOST
from peer.core.history_entry import HistoryEntry, lines_of

LAST_TEXTS: Final = 10  # of the conversation in which its user still is
SCREEN_TEXTS: Final = 20  # unread ones of one place: as many as a screen shows
PLACES_MOST: Final = 20  # with unread texts, beside those where its user still is; then counted


class Told(Struct, frozen=True):
    """An entry, and whether its reader has not seen it yet."""

    entry: HistoryEntry
    is_unread: bool = False


class Lookback(Struct, frozen=True):
    """The part of a start for one place: a heading, texts, and where the unread ones begin.

    `unread`: how many there are, also those that are not among the texts.  `more`: the command
    that shows more.
    """

    heading: str
    entries: tuple[HistoryEntry, ...]
    unread: int = 0
    begins: int = 0  #: the index of the first unread one
    more: str = ""

    @property
    def divider(self) -> str:
        verb = "shows more" if self.entries else "shows them"
        more = f"; {self.more} {verb}" if self.more else ""
        return f"--- {self.unread} unread{more} ---"

    def lines(self, me: str) -> list[str]:
        """Return the lines for a screen of lines."""
        before, after = self.entries[: self.begins], self.entries[self.begins :]
        divider = [self.divider] if self.unread else []
        return [self.heading, *lines_of(before, me), *divider, *lines_of(after, me)]


def look_back(
    whose: str, command: str, told: Sequence[Told], unread: int, last: int
) -> Lookback | None:
    """Return what to show of one place; None if there is nothing.

    `whose`: the end of the heading.  `command`: what shows more.  `told`: the last texts in
    their order.  `unread`: how many are unread in all.  `last`: how many texts to show, unless
    more are unread.
    """
    told = told[-max(last, min(unread, SCREEN_TEXTS)) :]
    if not told or not (unread or last):
        return None
    begins = next((at for at, one in enumerate(told) if one.is_unread), len(told))
    shown = sum(one.is_unread for one in told)
    wanted = unread if shown == len(told) else unread + len(told)
    return Lookback(
        f"The last {'text' if len(told) == 1 else f'{len(told)} texts'} {whose}:",
        tuple(one.entry for one in told),
        unread,
        begins,
        f"{command} {min(wanted, HISTORY_MOST)}" if unread > shown else "",
    )


def only_counted(whose: str, command: str, unread: int) -> Lookback | None:
    """Return what to show of a place that its user has muted; None if nothing came there."""
    if not unread:
        return None
    more = f"{command} {min(unread, HISTORY_MOST)}"
    return Lookback(f"The texts {whose} are muted:", (), unread, more=more)
