"""The open links of a peer of one kind, one for each pair of users.

Both may dial at once.  Then the link dialled by the smaller name stays, unless
the other one is fresh and this one is not: old, silent, or of a program that has
been started again meanwhile.  The side that dialled the later one retires the loser,
and a link that loses is still read to its end, so nothing on it is lost.
"""

from typing import Final

import trio
from msgspec import Struct, field

from peer.core.reach.link_way import LinkWay
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.listener import LinkListener
from shared.errors import KeyChanged, Refused
from shared.link import Link
from shared.messages.common import Bye, Message
from shared.messages.peers import LinkKind
from shared.names import fold

GLARE_SECONDS: Final = 10.0  # links younger than this may have been dialled at the same time
IDLE_SECONDS: Final = 30.0  # a link that nobody needs is closed after this
LINKS_PER_USER: Final = 4  # of one kind, open at once; a cross dial makes two


class OpenLink(Struct, eq=False):
    """An open link to an identified peer."""

    kind: LinkKind
    name: str
    key: bytes  # the same for all open links of one name
    run: str
    link: Link[Message]
    dialled_by: str
    behind: float = 0.0  # seconds by which their clock was behind ours
    way: LinkWay = LinkWay.DIALLED_BY_THEM
    since: float = field(default_factory=trio.current_time)
    used: float = field(default_factory=trio.current_time)
    is_closed: bool = False  # by us, as idle


class Limits(Struct, frozen=True):
    """Limits how many links of one kind may be open at once."""

    in_all: int
    of_unknown: int  # users whom I have never answered, and do not need


LIMITS: Final = {  # a process has 1,024 files
    LinkKind.TEXT: Limits(256, 64),  # a group of 50, a line to 100, and room
    LinkKind.BULK: Limits(64, 16),
}


class LinkTable:
    """The table of the open links of one kind, by user."""

    def __init__(self, kind: LinkKind, known_keys: KnownKeys, listener: LinkListener) -> None:
        self._kind, self._known_keys, self._listener = kind, known_keys, listener
        self._open: dict[str, list[OpenLink]] = {}  # the last one is the one we write to
        self._none = trio.Event()
        self._none.set()

    # --- Looking up ---

    def current(self, name: str) -> OpenLink | None:
        """Return the link to write to; not an ending one, which is read but takes nothing more."""
        last = self.last(name)
        return last if last is not None and not last.link.is_over else None

    def last(self, name: str) -> OpenLink | None:
        """Return the link to this user, also one that is ending."""
        entries = self._open.get(fold(name))
        return entries[-1] if entries else None

    @property
    def names(self) -> tuple[str, ...]:
        """The users to whom there are links."""
        return tuple(entries[-1].name for entries in self._open.values())

    # --- Entering and leaving ---

    def enter(self, entry: OpenLink, *, by_me: bool) -> None:
        """Add a link; of two with the same user one loses: I retire it if I dialled this one."""
        entries = self._open.setdefault(fold(entry.name), [])
        self._none = trio.Event()
        if len(entries) >= LINKS_PER_USER:
            entries[0].link.cut("too many links of one user")
        current = entries[-1] if entries else None
        if current is None or self._replaces(current, entry):
            entries.append(entry)
            if current is not None and by_me:
                current.link.retire()
            self._listener.linked(entry.name)
        else:
            entries.insert(0, entry)
            if by_me:
                entry.link.retire()
        self._make_room()

    def _replaces(self, old: OpenLink, new: OpenLink) -> bool:
        if old.link.is_over or old.link.is_silent or old.run != new.run:
            return True
        if new.since - old.since > GLARE_SECONDS or old.dialled_by == new.dialled_by:
            return True
        return fold(new.dialled_by) < fold(old.dialled_by)

    def _make_room(self) -> None:
        """Cut a link if there are too many; users whom I do not know make room first."""
        entries = [one for all in self._open.values() for one in all if not one.link.is_over]
        unknown = [one for one in entries if self._rank(one.name) == 0]
        most = LIMITS[self._kind]
        if len(unknown) > most.of_unknown or len(entries) > most.in_all:
            first = min(entries, key=lambda one: (self._rank(one.name), one.used))
            first.link.cut("too many links")

    def _rank(self, name: str) -> int:
        """Return how wanted a link is: 0 makes room for all others, 2 stays the longest."""
        return 2 if self._listener.needs(name) else int(self._listener.knows(name))

    def leave(self, entry: OpenLink) -> bool:
        """Remove a link that has ended; return whether it was the last one to its user."""
        entries = self._open[fold(entry.name)]
        was_current = entries[-1] is entry
        entries.remove(entry)
        if was_current and self.current(entry.name) is not None:
            self._listener.linked(entry.name)
        if entries:
            return False
        del self._open[fold(entry.name)]
        if not self._open:
            self._none.set()
        return True

    # --- One key for all links of a name ---

    def refuse_second_key(self, name: str, key: bytes) -> None:
        """Raise Refused if another key is linked under this name, and believed; else cut that."""
        others = [entry for entry in self._open.get(fold(name), ()) if entry.key != key]
        if any(not entry.link.is_over and self._is_believed(entry) for entry in others):
            raise Refused(f"somebody else is linked here as {name}", "KEY")
        for entry in others:
            entry.link.cut("its key was replaced by another one")

    def _is_believed(self, entry: OpenLink) -> bool:
        try:
            self._known_keys.check(entry.name, entry.key)
        except KeyChanged:
            return False
        return True

    def keep_only(self, name: str, key: bytes) -> None:
        """Cut the links under this name that show another key than its own."""
        for entry in self._open.get(fold(name), ()):
            if entry.key != key:
                entry.link.cut(f"the name {name} belongs to another key")

    # --- Ending ---

    def sweep(self) -> None:
        """Close links that nobody needs, and losers that nobody has closed."""
        now = trio.current_time()
        for entries in list(self._open.values()):
            for entry in entries[:-1]:
                if now - entry.since > GLARE_SECONDS:
                    entry.link.retire()
            last = entries[-1]
            if now - last.used > IDLE_SECONDS and not self._listener.needs(last.name):
                last.is_closed = True
                last.link.hang_up(Bye("idle"))

    def hang_up_all(self) -> None:
        for entries in self._open.values():
            for entry in entries:
                entry.link.hang_up(Bye("good bye"))

    async def wait_none(self) -> None:
        """Return when the last link is closed by the other side."""
        await self._none.wait()
