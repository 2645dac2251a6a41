"""The open links of all kinds: what a link of one kind needs of those of the others."""

from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.listener import LinkListener
from peer.runtime.link.table import LinkTable
from shared.errors import Refused
from shared.messages.peers import LinkKind


class LinkTables:
    """One table for each kind of link that somebody here listens to."""

    def __init__(self, known_keys: KnownKeys) -> None:
        self._known_keys = known_keys
        self._tables: dict[LinkKind, LinkTable] = {}

    def add(self, kind: LinkKind, listener: LinkListener) -> LinkTable:
        """Accept links of this kind from now on."""
        table = self._tables[kind] = LinkTable(kind, self._known_keys, listener)
        return table

    def check_kind(self, word: str) -> LinkKind:
        """Return the kind that somebody asks for.  Raises Refused if nobody here listens to it."""
        for kind in self._tables:
            if kind.value == word:
                return kind
        raise Refused("links of this kind are not known here", "KIND")

    def check(self, kind: LinkKind, name: str, key: bytes) -> None:
        """Raise Refused unless this user may have such a link: all of them show the same key."""
        if kind is not LinkKind.TEXT:
            text = self._tables[LinkKind.TEXT].current(name)
            if text is None or text.key != key:
                raise Refused("such a link is possible only beside one that carries text", "KIND")
        self._tables[kind].refuse_second_key(name, key)
        self.keep_only(name, key)  # of other kinds, as the key is the one that is believed

    def keep_only(self, name: str, key: bytes) -> None:
        """Cut the links under this name that show another key than its own."""
        for table in self._tables.values():
            table.keep_only(name, key)

    def sweep(self) -> None:
        """Close links that nobody needs, and losers that nobody has closed."""
        for table in self._tables.values():
            table.sweep()

    def hang_up_all(self) -> None:
        for table in self._tables.values():
            table.hang_up_all()

    async def wait_none(self) -> None:
        """Return when the last link is closed by the other side."""
        for table in self._tables.values():
            await table.wait_none()
