"""Decide which texts of others go to the disk now, and hold those that have no room on it."""

from peer.core.allowance import day_of
from peer.core.keys.name_marks import bare, variants
from peer.runtime.conversation.performer import Performer
from peer.runtime.conversation.texts.commit_queue import CommitQueue
from peer.runtime.disk_shares import DiskShares
from peer.storage.journal import Journal
from shared.codec import encode
from shared.messages.peers import Text
from shared.names import fold
from shared.world import Clock


class TextIntake:
    """The way of texts to the disk.  A text that is held is not acknowledged."""

    def __init__(
        self, commits: CommitQueue, disk_shares: DiskShares, journal: Journal, clock: Clock
    ) -> None:
        self._commits, self._disk_shares = commits, disk_shares
        self._journal, self._clock = journal, clock
        self._held: dict[str, list[tuple[Performer, Text]]] = {}  # by author, for my yes
        self._day = 0  # when the last of them began to wait

    def keep(self, conversation: Performer, text: Text) -> None:
        """Put it on disk, unless its author has filled enough of it for today.

        Keep only the place of a text whose author is ignored.
        """
        current = conversation.core
        author = current.called(text.author)  # another key of a name has its own allowance
        if fold(bare(author)) in self._journal.contacts.ignored:
            self._commits.add_text(conversation, text, only_place=True)
        elif text.author == current.me.id or self._may_keep(author, text):
            self._commits.add_text(conversation, text)
        else:
            self._held.setdefault(fold(author), []).append((conversation, text))
            self._day = day_of(self._clock.time())

    def _may_keep(self, author: str, text: Text) -> bool:
        is_held = fold(author) in self._held
        return not is_held and self._disk_shares.may_keep(author, len(encode(text)))

    def release(self, author: str) -> None:
        """Judge anew the texts of this author that are held."""
        for called in variants(bare(author)):
            for conversation, text in self._held.pop(fold(called), ()):
                self.keep(conversation, text)

    def release_at_midnight(self) -> None:
        """Judge all held texts anew on another day."""
        if self._held and day_of(self._clock.time()) != self._day:
            for author in list(self._held):
                self.release(author)

    def drop(self, conversation: Performer) -> None:
        """Drop the held texts of a conversation that is done for good.

        Nobody acknowledged them: their authors leave them in the mailbox, or hand them on later.
        """
        for author, held in list(self._held.items()):
            self._held[author] = [one for one in held if one[0] is not conversation]
            if not self._held[author]:
                del self._held[author]
