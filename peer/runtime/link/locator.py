"""Find where to dial a user."""

from typing import Final

from msgspec import Struct

from peer.runtime.directory.directory_client import DirectoryGone
from peer.runtime.directory.lookup import Lookup
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.tables import LinkTables
from shared.errors import Unreachable
from shared.messages.common import Status
from shared.messages.directory import Contact
from shared.names import fold

FOUND_MOST: Final = 1_000  # users: as many as addresses in peer.core.reach.dial_policy


class Whereabouts(Struct, frozen=True):
    """The place of a user; `is_old`: where the directory saw them last, before it was gone."""

    contact: Contact
    is_old: bool = False


class Locator:
    def __init__(self, lookup: Lookup, known_keys: KnownKeys, tables: LinkTables) -> None:
        self._lookup, self._known_keys, self._tables = lookup, known_keys, tables
        self._found: dict[str, Contact] = {}  # where users were dialled; the last one at the end

    async def find(self, name: str) -> Whereabouts:
        """Return where to dial; without the directory where the user was last, so talk goes on.

        Raises Refused, KeyChanged or Unreachable.
        """
        is_old = False
        try:
            contact = await self.ask(name)
        except DirectoryGone:
            known = self._found.get(fold(name)) or self._lookup.last(name)
            if known is None:
                raise
            contact, is_old = known, True
        if contact.status is Status.OFFLINE or not contact.port:
            raise Unreachable(f"{contact.name} is offline at this moment")
        self._found.pop(fold(name), None)
        self._found[fold(name)] = contact
        if len(self._found) > FOUND_MOST:
            del self._found[next(iter(self._found))]
        return Whereabouts(contact, is_old)

    async def ask(self, name: str) -> Contact:
        """Ask the directory.  Raises DirectoryGone, Refused or KeyChanged."""
        contact = await self._lookup.ask(name)
        self.believe(contact)
        self._known_keys.check(contact.name, contact.key)
        return contact

    def keep_only(self, name: str, key: bytes) -> None:
        """Cut the links under this name that show another key than its own."""
        self._tables.keep_only(name, key)

    def believe(self, contact: Contact) -> None:
        """Cut the links under this name that show another key than the one that is believed."""
        believed = self._known_keys.believed(contact.name) or contact.key
        self._tables.keep_only(contact.name, believed)
