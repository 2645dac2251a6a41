"""Find the receiver of a letter, and leave it there in its turn."""

from peer.core.backlog import Late
from peer.runtime.finder import Finder
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.mailbox.letter_drop import LetterDrop


class LetterSender:
    def __init__(
        self, drop: LetterDrop, finder: Finder, known_keys: KnownKeys, known_users: KnownUsers
    ) -> None:
        self._drop, self._finder = drop, finder
        self._known_keys, self._known_users = known_keys, known_users

    async def leave(
        self, name: str, text: str, time: float, id: str = "", *, waits: bool = True
    ) -> str:
        """Leave a letter; return the receiver's name when the directory has it on disk.

        `waits`: whether to wait for a directory that is lost meanwhile.  Raises Refused,
        KeyChanged or Unreachable.
        """
        async with self._drop.turn(name):
            contact = await self._finder.contact(name)
            await self._known_keys.remember(contact)
            self._known_users.answer(contact.name)
            await self._drop.leave(contact, text, time, id=id, waits=waits)
        return contact.name

    async def leave_late(self, late: Late) -> str:
        """Leave a late letter; do not wait for a directory lost meanwhile: it is tried again."""
        return await self.leave(late.to, late.text, late.time, late.id, waits=False)
