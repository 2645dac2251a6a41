"""Decides whose comings and goings I hear of while many are online.

Above some number of users the directory tells nobody everything.  It tells a peer about
those whom this peer watches, and takes at most WATCHED names.
"""

from collections.abc import Iterable, Set
from itertools import islice
from typing import Final

from msgspec import Struct

from shared.messages.common import Status
from shared.messages.directory import PAGE, WATCHED, WATCHED_AT_FIRST, Presence
from shared.names import fold, is_name

ASKED_MOST: Final = 200  # names that a user watches by WATCH: they always find room in WATCHED
MET_MOST: Final = 200  # names with which I had to do since the start of the program
TALK_DAYS: Final = 90  # of history


class Watched(Struct, frozen=True):
    """A user whom I watch, as the directory spells them."""

    name: str
    status: Status | None = None  #: None: there is nobody of that name, or it is not known
    is_known: bool = True  #: whether the directory could be asked


class Talk(Struct, frozen=True):
    """The last time at which I had to do with a user, as the journal has it."""

    name: str
    time: float
    is_answered: bool  #: whether I have ever answered them


class Interests(Struct, frozen=True):
    """The users who matter to me, as the journal knows them."""

    members: tuple[str, ...] = ()  #: of conversations that are not over
    awaiting: tuple[str, ...] = ()  #: something of mine is on its way to them
    asked_for: tuple[str, ...] = ()  #: by the command WATCH
    talks: tuple[Talk, ...] = ()  #: of the last TALK_DAYS


class Change(Struct, frozen=True):
    """A change for the directory: names from now on, and names no more."""

    names: tuple[str, ...] = ()
    no_more: tuple[str, ...] = ()


class WatchList:
    """The users whom I watch, and what the directory knows of that."""

    def __init__(self) -> None:
        self._wanted: dict[str, str] = {}  # folded name -> name, the most important first
        self._met: dict[str, str] = {}  # the latest last
        self._known: dict[str, str] = {}  # to the directory
        self._asked: set[str] = set()  # folded names whose presence the directory has told
        self.is_stale = True  #: whether something has happened since `choose`

    @property
    def names(self) -> Set[str]:
        """The folded names of all whom I watch."""
        return self._wanted.keys()

    # --- Whom I watch ---

    def meet(self, *names: str) -> None:
        """Note that I had to do with these users just now."""
        for name in filter(is_name, names):
            is_new = self._met.pop(fold(name), None) is None
            self._met[fold(name)] = name
            self.is_stale |= is_new
        while len(self._met) > MET_MOST:
            del self._met[next(iter(self._met))]

    def choose(self, interests: Interests, ignored: Set[str], me: str) -> None:
        """Choose whom to watch: me, the most important of all these, and never the ignored."""
        asked_for = _chosen(interests.asked_for, ignored, ASKED_MOST)
        first = (me, *interests.members, *interests.awaiting, *reversed(self._met.values()))
        talks = sorted(interests.talks, key=_rank)
        self._wanted = _chosen(first, ignored, WATCHED - len(asked_for))
        self._wanted = _chosen(
            (*self._wanted.values(), *asked_for.values(), *(talk.name for talk in talks)),
            ignored, WATCHED,
        )  # fmt: skip
        self.is_stale = False

    def by_importance(self, users: Iterable[Presence]) -> list[Presence]:
        """Return these users, the most important first."""
        rank = {name: number for number, name in enumerate(self._wanted)}
        return sorted(users, key=lambda user: rank.get(fold(user.name), len(rank)))

    # --- What the directory knows ---

    def introduce(self, most: int = WATCHED_AT_FIRST) -> tuple[str, ...]:
        """Return the names for IAM: with them a new registration begins."""
        self._known = dict(islice(self._wanted.items(), most))
        self._asked = set()
        return tuple(self._known.values())

    def ask_again(self) -> None:
        """Ask anew about everybody: what was told before has become old."""
        self._asked, self.is_stale = set(), True

    def next_change(self) -> Change | None:
        """Return what the directory does not know yet, as much as fits in one WATCH.

        It takes those away first whom I watch no more, so that there is room for the others.
        """
        gone = [name for folded, name in self._known.items() if folded not in self._wanted]
        new = [name for folded, name in self._wanted.items() if folded not in self._asked]
        return Change(tuple(new[:PAGE]), tuple(gone[:PAGE])) if gone or new else None

    def told(self, change: Change) -> None:
        """Note that the directory has heard this change, whether it likes it or not."""
        for name in change.no_more:
            self._known.pop(fold(name), None)
            self._asked.discard(fold(name))
        for name in change.names:
            self._known[fold(name)] = name
            self._asked.add(fold(name))


def _rank(talk: Talk) -> tuple[bool, float]:
    """Order users: nobody gets before those whom I have answered by writing to me often."""
    return not talk.is_answered, -talk.time


def _chosen(names: Iterable[str], never: Set[str], most: int) -> dict[str, str]:
    """Return the first `most` of these, each once, by folded names."""
    found: dict[str, str] = {}
    for name in names:
        if len(found) >= most:
            break
        if is_name(name) and fold(name) not in never:
            found.setdefault(fold(name), name)
    return found
