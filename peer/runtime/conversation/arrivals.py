"""Tell what comes through the mailbox and what came directly: a text is shown once."""

from peer.core.conversation.texts import last, stream
from peer.runtime.conversation.progress import Progress
from peer.runtime.conversation.stays import Stays
from peer.runtime.conversation.text_display import TextDisplay
from peer.storage.journal import Journal
from shared.sealing import About


class Arrivals:
    """The texts of my conversations, for the letters that bring copies and receipts of them."""

    def __init__(
        self, stays: Stays, display: TextDisplay, journal: Journal, progress: Progress
    ) -> None:
        self._stays, self._display = stays, display
        self._journal, self._progress = journal, progress

    def has_come(self, author: str, about: About) -> bool:
        """Whether this text came directly, not as a letter, and was shown or is about to be.

        `author` is a member id.
        """
        place = (about.conversation, author, about.epoch)
        return any(
            one.core.incoming.has_come(author, about.epoch, about.seq)
            for one in self._stays.of(about.conversation)
        ) or any(
            place == (text.conversation, *stream(text)) and text.seq <= about.seq <= last(text)
            for text in self._display.unkept
        )

    async def wait_on_disk(self, author: str, about: About) -> None:
        """Return when such a text is on disk, or is no longer coming."""
        place = (about.conversation, author, about.epoch, about.seq)
        await self._progress.until(
            lambda: self._journal.texts.has(*place) or not self.has_come(author, about)
        )

    def received_from_mailbox(self, by: str, about: About) -> bool:
        """Note a receipt for the copy of a text; return False when nobody here waits for it."""
        for one in self._stays.of(about.conversation):
            was_there = one.core.outgoing.has(by, about.epoch, about.seq)
            one.perform(one.core.outgoing.taken_from_mailbox(by, about.epoch, about.seq))
            return not was_there
        return False
