"""A text from the history, and the lines in which HISTORY and SEARCH show it."""

from collections.abc import Iterable, Sequence
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


class Around(Struct, frozen=True):
    """The entries beside one that was found, where there are any."""

    before: HistoryEntry | None = None
    after: HistoryEntry | None = None


class Excerpt(Struct, frozen=True):
    """An entry as one line of the result of a search."""

    entry: HistoryEntry
    is_hit: bool
    follows_gap: bool  #: something between it and the one before is left out


def excerpts(hits: Sequence[HistoryEntry], around: Sequence[Around]) -> list[Excerpt]:
    """Return what was found with the entries around it, each once where hits are neighbours."""
    found: list[Excerpt] = []
    for hit, beside in zip(hits, around, strict=True):
        last = found[-1].entry if found else None
        if hit == last:  # it stood after the hit before
            found[-1] = Excerpt(hit, True, found[-1].follows_gap)
        else:
            is_apart = bool(found) and (beside.before is None or beside.before != last)
            if beside.before is not None and beside.before != last:
                found.append(Excerpt(beside.before, False, is_apart))
                is_apart = False
            found.append(Excerpt(hit, True, is_apart))
        if beside.after is not None:
            found.append(Excerpt(beside.after, False, False))
    return found


def lines_of(entries: Iterable[HistoryEntry], me: str) -> list[str]:
    """Return the lines for the screen of `me`, which makes them harmless."""
    return list(chain.from_iterable(_lines_of(entry, me) for entry in entries))


def _lines_of(entry: HistoryEntry, me: str) -> list[str]:
    mark = "" if entry.kind is Kind.SAID else f"[{entry.kind.value}] "
    is_mine = fold(entry.author) == fold(me)
    to = f" -> {entry.receiver}" if entry.receiver and is_mine else ""
    said = f"[{local_time(entry.time):%Y-%m-%d %H:%M}] {mark}{entry.author}{to}: {entry.text}"
    return [str(Missing()), said] if entry.is_late else [said]
