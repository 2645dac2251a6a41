"""Decide who is told which news, and when the rule changes.

Up to CROWD_ABOVE users online, everybody is told of everybody.  In a crowd each link is told
of the users whom it watches: if all were told of all, a directory with 8,000 users would do
nothing else.
"""

from collections.abc import Collection, Hashable, Iterable
from typing import Generic

from directory_server.core.limits import CROWD_ABOVE, CROWD_BELOW
from directory_server.core.presence.watchlists import L, Watchlists
from directory_server.core.presence.words import Word, lines, newest, words
from directory_server.core.registry import News
from shared.codec import encode
from shared.messages.directory import Crowd
from shared.names import fold


class Announcements(Generic[L]):
    def __init__(self, watched_most: int) -> None:
        """`watched_most`: names that are watched over all links."""
        self.watchlists: Watchlists[L] = Watchlists(watched_most)
        self.is_crowd = False
        self._online = 0
        self._waiting: dict[L, dict[str, Word]] = {}  # for each link, the oldest first
        self._to_turn: set[L] = set()  # links that wait for CROWD, too

    def __len__(self) -> int:
        """The number of links that wait to be told something."""
        return len(self._waiting)

    # --- Links ---

    def join(self, link: L, holder: Hashable, watch: Iterable[str] | None) -> None:
        """`watch`: the names in IAM; None: the program is old, and knows of no crowds."""
        names = None if watch is None else map(fold, watch)
        self.watchlists.join(link, holder, names)

    def leave(self, link: L) -> None:
        self.watchlists.leave(link)
        self._waiting.pop(link, None)
        self._to_turn.discard(link)

    def watch(self, link: L, names: Collection[str], no_more: Collection[str]) -> None:
        """Change whom a link watches.

        Raises Refused when they are too many; then nothing has changed.
        """
        no_more = set(map(fold, no_more))
        self.watchlists.change(link, list(map(fold, names)), no_more)
        if self.is_crowd:
            self.told(link, no_more - set(map(fold, names)))

    def notice(self, link: L, name: str) -> None:
        """Note that this link's user has to do with that one: an old program watches them."""
        self.watchlists.notice(link, fold(name))

    def told(self, link: L, names: Iterable[str]) -> None:
        """Drop what waits of these names: the link knows it, or does not want to."""
        waiting = self._waiting.get(link)
        if waiting:
            for name in names:
                waiting.pop(fold(name), None)

    # --- News ---

    def hear(self, news: News, online: int, *, is_all: bool) -> None:
        """Let news wait for those who must be told.  `online`: how many users are.

        `is_all`: nothing else is known yet.  A crowd is over only then: the news of many who
        have just gone are for those who watched them.
        """
        self._online = online
        if online > CROWD_ABOVE:
            self._turn(is_crowd=True)
        for name, word in words(news):
            links = self.watchlists.watchers(name) if self.is_crowd else self.watchlists.links
            for link in links:
                waiting = self._waiting.setdefault(link, {})
                waiting[name] = newest(waiting.get(name), word)
        if online < CROWD_BELOW and is_all:
            self._turn(is_crowd=False)

    def take(self) -> tuple[L, bytes]:
        """Return the link that has waited longest, and all that it must be told.

        Call it only while somebody waits.
        """
        link = next(iter(self._waiting))
        told = lines(self._waiting.pop(link).values())
        if link in self._to_turn:
            self._to_turn.remove(link)
            told += encode(Crowd(self.is_crowd, self._online))
        return link, told

    def _turn(self, *, is_crowd: bool) -> None:
        """Change the rule.  Old programs are not told: they do not know CROWD."""
        if is_crowd is self.is_crowd:
            return
        self.is_crowd = is_crowd
        for link in self.watchlists.links:
            if self.watchlists.chooses(link):
                self._waiting.setdefault(link, {})
                self._to_turn.add(link)
