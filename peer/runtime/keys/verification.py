"""Compare keys by words, and accept those that the user has compared."""

from peer.core.keys.key_comparison import Comparison
from peer.core.myself import Myself
from peer.runtime.finder import Finder
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.link.links import Links
from peer.runtime.mailbox.letters import Letters
from peer.storage.contacts import ContactStore
from shared.errors import Refused
from shared.identity import verify_words


class Verification:
    def __init__(
        self, myself: Myself, contacts: ContactStore, known_keys: KnownKeys,
        known_users: KnownUsers, finder: Finder, links: Links, letters: Letters,
    ) -> None:  # fmt: skip
        self._myself, self._contacts, self._finder = myself, contacts, finder
        self._known_keys, self._known_users = known_keys, known_users
        self._links, self._letters = links, letters

    async def words(self, name: str) -> Comparison:
        """Return the words that both must see, for the key that the directory has of this user.

        This accepts nothing.  Raises Refused or Unreachable.
        """
        if self._myself.is_called(name):
            raise Refused("That is you.", "SELF")
        contact = await self._finder.lookup(name)
        known = self._contacts.key_of(contact.name)
        words = verify_words(self._myself.key, contact.key)
        return Comparison(contact.name, contact.key, tuple(words), known)

    async def accept(self, compared: Comparison) -> None:
        """Accept a key whose words the user has compared, and found the same at the other's.

        It is the key of that name from now on, whatever it was before, and verified.
        """
        await self._known_keys.accept(compared.name, compared.key)
        self._links.keep_only(compared.name, compared.key)
        self._known_users.answer(compared.name)
        self._letters.fetch()

    def is_verified(self, name: str) -> bool:
        """Whether the words of the remembered key were compared."""
        return self._known_keys.is_verified(name)

    def is_contradicted(self, name: str) -> bool:
        """Whether the directory gives another key for this name than the remembered one."""
        return self._known_keys.is_contradicted(name)
