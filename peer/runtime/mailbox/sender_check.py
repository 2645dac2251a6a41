"""Check that a letter is by whom it says, and that a stranger leaves few."""

import trio

from peer.core.letter_check import Refusal, Unjudged, left_there, never_opened
from peer.core.stranger_limits import StrangerLimits
from peer.runtime.finder import Finder
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.mailbox.letter_batch import LetterBatch
from peer.storage.contacts import ContactStore
from peer.storage.letters import CopyKey
from shared import receipt
from shared.errors import KeyChanged, ProtocolError, Refused
from shared.sealing import Letter


class SenderCheck:
    """The senders of letters: their keys."""

    def __init__(self, known_keys: KnownKeys, contacts: ContactStore, finder: Finder) -> None:
        self._known_keys, self._contacts, self._finder = known_keys, contacts, finder

    async def check(self, letter: Letter, batch: LetterBatch) -> Letter | Refusal | Unjudged:
        """Return the letter if its key is the one of the sender's name, else what is wrong.

        A letter makes no key known.  For an unknown name the directory is asked: a
        certificate outlives a name that was given back.
        """
        name = letter.sender
        try:
            self._known_keys.check(name, letter.key)
        except KeyChanged as failure:
            return left_there(str(failure))
        if self._contacts.key_of(name) is not None:
            return letter
        try:
            if name not in batch.keys:
                batch.keys[name] = await self._key_at_directory(name)
        except (Refused, ProtocolError) as no:  # letters of others do not wait for it
            return left_there(f"The directory does not tell the key of {name}: {no}")
        if batch.keys[name] is None:
            batch.unregistered.add(name)
        elif batch.keys[name] != letter.key:
            return never_opened(receipt.NAME, f"it is signed with a key that {name} had before")
        return letter

    async def _key_at_directory(self, name: str) -> bytes | None:
        """Ask the directory for the key of a name; None if the name was given back."""
        try:
            return (await self._finder.lookup(name)).key
        except Refused as no:
            if no.code != "NOBODY":
                raise
            return None


class StrangerLetters:
    """The letters of senders whom I have never answered."""

    def __init__(self, limits: StrangerLimits) -> None:
        self._limits = limits
        self._counted: set[CopyKey] = set()  # on their way to the disk
        self._to_announce: set[str] = set()  # senders whose first letter is one of these

    def check(self, letter: Letter) -> Letter | Refusal:
        """Limit what a sender whom I have never answered may leave, and announce them once."""
        sender, now = letter.sender, trio.current_time()
        if (sender, letter.id) in self._counted:
            return letter  # it came again because the disk did not take it
        try:
            self._limits.take(sender, letter.text, now)
        except Refused:
            return Refusal(
                receipt.FULL,
                f"Messages that {sender} left for you are refused: you have never answered"
                f" {sender}, and have enough of theirs.",
            )
        self._counted.add((sender, letter.id))
        if self._limits.announces(sender, now):
            self._to_announce.add(sender)
        return letter

    def kept(self) -> None:
        """Note that what was counted is on disk."""
        self._counted.clear()

    def announces(self, sender: str) -> bool:
        """Whether this sender writes for the first time ever; True once."""
        is_first = sender in self._to_announce
        self._to_announce.discard(sender)
        return is_first
