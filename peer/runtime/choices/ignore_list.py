"""Ignore users: what they write is not shown, and they do not learn of it."""

from peer.core.myself import Myself
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.directory.roster import Roster
from peer.storage.contacts import ContactStore
from shared.errors import Refused
from shared.names import fold


class IgnoreList:
    def __init__(
        self, contacts: ContactStore, conversations: Conversations, roster: Roster, myself: Myself
    ) -> None:
        self._myself = myself
        self._contacts, self._conversations, self._roster = contacts, conversations, roster

    async def add(self, name: str) -> None:
        """Ignore a user.  Raises Refused for myself: my own texts would be hidden."""
        if self._myself.is_called(name):
            raise Refused("You can't ignore yourself.", "SELF")
        await self._contacts.ignore(name)
        self._roster.reconsider()
        self._conversations.release(name)

    async def remove(self, name: str) -> None:
        """Hear a user again.  Raises Refused when I do not ignore them."""
        if fold(name) not in self._contacts.ignored:
            raise Refused(f"You do not ignore {name}.")
        await self._contacts.unignore(name)
        self._roster.reconsider()

    @property
    def names(self) -> tuple[str, ...]:
        """The users whom I ignore, in alphabetical order, in their own spelling if it is known."""
        spelled = {fold(user.name): user.name for user in self._roster.known}
        return tuple(spelled.get(name, name) for name in sorted(self._contacts.ignored))
