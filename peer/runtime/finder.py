"""Find the users whom I want something of, by the directory or, while it is away, without."""

from peer.core.reach.contacts import Callee, callee_of
from peer.runtime.directory.directory_client import DirectoryGone
from peer.runtime.directory.lookup import Lookup
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.linked_names import LinkedNames
from peer.runtime.link.links import Links
from shared.messages.directory import Contact


class Finder:
    def __init__(
        self, lookup: Lookup, links: Links, known_keys: KnownKeys, linked_names: LinkedNames
    ) -> None:
        self._lookup, self._links = lookup, links
        self._known_keys, self._linked_names = known_keys, linked_names

    async def lookup(self, name: str, *, own: bool = False) -> Contact:
        """Return where this user is, whatever key is remembered; cut links with a wrong key.

        `own`: whether my user wants something of them.  Raises Refused or DirectoryGone.
        """
        contact = await self._lookup.ask(name, own=own)
        self._links.believe(contact)
        return contact

    async def contact(self, name: str, *, own: bool = False) -> Contact:
        """Like `lookup`; raises KeyChanged when the key is not the remembered one."""
        contact = await self.lookup(name, own=own)
        self._known_keys.check(contact.name, contact.key)
        return contact

    async def callee(self, name: str) -> Callee:
        """Return the user whom an invitation goes to.

        Without the directory, take one who is linked with us, or is where the directory said a
        while ago; a link compares the key in any case.
        """
        try:
            return callee_of(await self.contact(name, own=True))
        except DirectoryGone:
            key, known = self._links.key(name), self._lookup.last(name)
            if key is not None and self._linked_names.is_sure_of(name):
                return Callee(self._links.spelled(name), key)
            if known is None:
                raise
            self._known_keys.check(known.name, known.key)
            return callee_of(known)
