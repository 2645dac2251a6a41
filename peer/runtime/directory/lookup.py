"""Ask the directory where a user is, and remember what it said."""

from peer.core.reach.contacts import Contacts
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.keys.known_keys import KnownKeys
from shared.errors import Refused
from shared.identity import check_key
from shared.messages import directory as wire
from shared.messages.directory import Contact
from shared.names import fold, is_name


class Lookup:
    def __init__(
        self, directory: DirectoryClient, known_keys: KnownKeys, contacts: Contacts
    ) -> None:
        self._directory, self._known_keys, self._contacts = directory, known_keys, contacts

    async def ask(self, name: str, *, own: bool = False) -> Contact:
        """Return where this user is, whatever key is remembered for the name.

        `own`: whether my user wants something of them.  Raises Refused or DirectoryGone.
        """
        if not is_name(name):  # a directory may cut the link for it
            raise Refused(f"User {name} does not exist!", "NOBODY")
        try:
            contact = await self._directory.ask(lambda id: wire.Lookup(id, name, own), Contact)
        except Refused as no:
            if no.code == "NOBODY":
                self._known_keys.note(name, None)
            raise
        if fold(contact.name) != fold(name):
            raise Refused("the directory gave an answer that does not fit")
        check_key(contact.key)
        self._known_keys.note(contact.name, contact.key)
        contact = self._directory.believed(contact)
        self._contacts.note(contact)
        return contact

    def last(self, name: str) -> Contact | None:
        """Return where the user was when the directory said so last; asks nobody."""
        return self._contacts.of(name)
