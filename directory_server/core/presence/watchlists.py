"""Know who wants news of whom.

Names are folded, and need not exist: a name that is watched may be registered later.  `L` is
a link: whoever watches is one program, not one user.
"""

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from directory_server.core.limits import WATCHED_FOR_OLD
from directory_server.core.quotas import Shares
from shared.errors import Refused
from shared.messages.directory import WATCHED

L = TypeVar("L", bound=Hashable)


@dataclass(slots=True, eq=False)
class _Watched(Generic[L]):
    """A name, kept once, and who watches it.  A dict of 20 is a third of a set of 20."""

    name: str
    watchers: dict[L, None]


@dataclass(slots=True, eq=False)
class _Watchlist(Generic[L]):
    holder: Hashable  # the network from which the link comes
    chooses: bool  # the program says whom it watches; an old one does not know how
    names: dict[str, _Watched[L]]  # the latest last


class Watchlists(Generic[L]):
    def __init__(self, most: int) -> None:
        """`most`: names on all lists together."""
        self._lists: dict[L, _Watchlist[L]] = {}
        self._watched: dict[str, _Watched[L]] = {}
        self._shares = Shares(most)

    @property
    def links(self) -> Iterable[L]:
        """All links that have joined, the oldest first."""
        return self._lists.keys()

    @property
    def total(self) -> int:
        """The number of names on all lists together."""
        return self._shares.taken

    def join(self, link: L, holder: Hashable, names: Iterable[str] | None) -> None:
        """Begin a list; None: the program is old, and `notice` keeps it.

        While there is no room for more names the list begins empty.
        """
        self._lists[link] = mine = _Watchlist[L](holder, names is not None, {})
        for name in names or ():
            if self._has_room(holder):
                self._add(link, mine, name)

    def leave(self, link: L) -> None:
        """Drop a link's list, if it has one."""
        mine = self._lists.get(link)
        if mine is not None:
            for name in list(mine.names):
                self._remove(link, mine, name)
            del self._lists[link]

    def watchers(self, name: str) -> Iterable[L]:
        """Return the links that watch this name, in a fixed order."""
        watched = self._watched.get(name)
        return () if watched is None else watched.watchers

    def chooses(self, link: L) -> bool:
        """Whether a link has joined whose program knows of crowds."""
        return link in self._lists and self._lists[link].chooses

    def change(self, link: L, names: Collection[str], no_more: Collection[str]) -> None:
        """Take the names of `no_more` off the list, then put `names` on it.

        A link that has left has no list: nothing happens.  Raises Refused when the list would
        get too long; then nothing has changed.
        """
        mine = self._lists.get(link)
        if mine is None:
            return
        gone, new = mine.names.keys() & set(no_more), set(names)
        kept = mine.names.keys() - gone
        if len(kept | new) > WATCHED:
            raise Refused(f"you can watch {WATCHED:,} users at once, and no more", "FULL")
        if len(kept | new) > len(mine.names) and not self._has_room(mine.holder):
            raise Refused("this directory watches nobody more for you at this moment", "FULL")
        mine.chooses = True
        for name in gone:
            self._remove(link, mine, name)
        for name in names:
            self._add(link, mine, name)

    def notice(self, link: L, name: str) -> None:
        """Put the name on the list of an old program, for the one used longest ago if need be."""
        mine = self._lists.get(link)
        if mine is None or mine.chooses:
            return
        if name in mine.names:
            mine.names[name] = mine.names.pop(name)
        elif self._has_room(mine.holder):
            if len(mine.names) == WATCHED_FOR_OLD:
                self._remove(link, mine, next(iter(mine.names)))
            self._add(link, mine, name)

    def _has_room(self, holder: Hashable) -> bool:
        return not (self._shares.is_full or self._shares.is_too_much(holder))

    def _add(self, link: L, mine: _Watchlist[L], name: str) -> None:
        if name not in mine.names:
            watched = self._watched.get(name)
            if watched is None:
                watched = self._watched[name] = _Watched(name, {})
            watched.watchers[link] = None
            mine.names[watched.name] = watched
            self._shares.add(mine.holder)

    def _remove(self, link: L, mine: _Watchlist[L], name: str) -> None:
        watched = mine.names.pop(name)
        del watched.watchers[link]
        if not watched.watchers:
            del self._watched[name]
        self._shares.remove(mine.holder)
