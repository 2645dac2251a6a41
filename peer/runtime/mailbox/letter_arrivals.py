"""Know which letters have come already, whichever way: a text comes once."""

from peer.core.membership import member_id
from peer.runtime.lines.private_lines import Came
from peer.runtime.mailbox.letter_batch import LetterBatch
from peer.runtime.mailbox.receipts import TextsInConversations
from peer.storage.texts import TextStore
from shared.sealing import About, Letter


class LetterArrivals:
    """A letter may be a private line, or a copy of a text, that comes directly as well."""

    def __init__(self, came: Came, texts: TextsInConversations, kept: TextStore) -> None:
        self._came, self._texts, self._kept = came, texts, kept

    def is_here(self, letter: Letter) -> bool:
        """Whether it came already, or is a copy of a text that came directly."""
        about = letter.about
        if self._came.is_here(letter.sender, letter.id):
            return True
        return about is not None and self._kept.has(
            about.conversation, author_of(letter), about.epoch, about.seq
        )

    def is_coming(self, letter: Letter) -> bool:
        """Whether it came directly, and is not on disk yet."""
        if letter.about is None:
            return self._came.is_coming(letter.sender, letter.id)
        return self._texts.has_come(author_of(letter), letter.about) and not self.is_here(letter)

    async def wait(self, letter: Letter) -> None:
        """Return when it is no longer coming directly."""
        if letter.about is None:
            await self._came.wait(letter.sender, letter.id)
        elif self.is_coming(letter):
            await self._texts.wait_on_disk(author_of(letter), letter.about)

    def begin(self, letter: Letter) -> None:
        """Note that it is on its way to the disk; call `end` when it is there, or given up."""
        self._came.begin(letter.sender, letter.id)

    def end(self, letter: Letter) -> None:
        self._came.end(letter.sender, letter.id)

    def follows_gap(self, letter: Letter, batch: LetterBatch) -> bool:
        """Whether the letter that its sender left before it has not come."""
        sender, before = letter.sender, letter.after
        return not (
            not before
            or (sender, before) in batch.opened
            or self._came.is_here(sender, before)
            or self._came.is_coming(sender, before)
        )

    # --- Copies, by the author and the place of their texts ---

    def has_come(self, author: str, about: About) -> bool:
        """Whether this text came directly, and is on its way to the screen and the disk."""
        return self._texts.has_come(author, about)

    async def wait_on_disk(self, author: str, about: About) -> None:
        await self._texts.wait_on_disk(author, about)


def author_of(letter: Letter) -> str:
    """Return the sender's id as a member of the conversation."""
    return member_id(letter.sender, letter.key)
