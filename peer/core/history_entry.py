"""A text from the history, and the lines in which HISTORY and SEARCH show it."""

from collections.abc import Iterable
from enum import Enum
from itertools import chain

from msgspec import Struct

from peer.core.local_time import local_time
from peer.events import Missing
from shared.names import fold


class Kind(Enum):
    """The way in which a text reached its reader."""

    SAID = "said"  #: in a conversation
    PRIVATE = "private"
    ALL = "all"  #: in the general chat
    LEFT = "left"  #: through the directory's mailbox


class HistoryEntry(Struct, frozen=True):
    """A text that somebody wrote at `time`, in seconds since 1970."""

    kind: Kind
    time: float
    author: str
    receiver: str  #: "" in a conversation and in the general chat
    text: str
    is_late: bool = False  #: its author had read something that is not here (yet)


def lines_of(entries: Iterable[HistoryEntry], me: str) -> list[str]:
    """Return the lines for the screen of `me`, which makes them harmless."""
    return list(chain.from_iterable(_lines_of(entry, me) for entry in entries))


def _lines_of(entry: HistoryEntry, me: str) -> list[str]:
    mark = "" if entry.kind is Kind.SAID else f"[{entry.kind.value}] "
    is_mine = fold(entry.author) == fold(me)
    to = f" -> {entry.receiver}" if entry.receiver and is_mine else ""
    said = f"[{local_time(entry.time):%Y-%m-%d %H:%M}] {mark}{entry.author}{to}: {entry.text}"
    return [str(Missing()), said] if entry.is_late else [said]
