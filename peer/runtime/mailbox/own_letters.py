"""Leave messages for users, or keep them here until the directory is back."""

from peer.core.backlog import End
from peer.core.myself import Myself
from peer.runtime.directory.directory_client import DirectoryGone
from peer.runtime.mailbox.letter_sender import LetterSender
from peer.runtime.mailbox.unsent import Unsent
from peer.runtime.mailbox.waiting_texts import Ended, WaitingTexts
from peer.storage.lines import Fate
from shared.errors import ParleyError, Refused
from shared.texts import sendable
from shared.world import Clock


class OwnLetters:
    """The messages that my user leaves for others."""

    def __init__(
        self, sender: LetterSender, waiting: WaitingTexts, unsent: Unsent, myself: Myself,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._sender, self._waiting, self._unsent = sender, waiting, unsent
        self._myself, self._clock = myself, clock

    async def leave(self, name: str, text: str) -> str:
        """Leave a message; return the receiver's name when the directory has it on disk.

        Raises Refused (no such user, a full mailbox, a full disk, a text that is too long),
        KeyChanged or Unreachable.
        """
        self.refuse_myself(name)
        text = sendable(text)
        return await self._sender.leave(name, text, self._clock.time())

    async def leave_or_keep(self, name: str, text: str) -> Ended:
        """Leave a message as `leave` does; while the directory is gone, keep it.

        Raises Refused also when too much waits.
        """
        self.refuse_myself(name)
        text = sendable(text)
        self._unsent.take_up_in_passing()
        late = self._waiting.new(name, text, is_letter=True)
        if self._waiting.blocks(name, is_letter=True):
            return await self._waiting.outcome(self._unsent.put(late))
        self._waiting.note(late, Fate.PENDING)
        try:
            return Ended(End.LEFT, await self._sender.leave_late(late))
        except DirectoryGone:
            return await self._waiting.outcome(self._unsent.put(late, is_tried=True))
        except ParleyError:
            self._waiting.note(late, Fate.FAILED)
            raise

    def refuse_myself(self, name: str) -> None:
        """Raise Refused for my own name."""
        if self._myself.is_called(name):
            raise Refused("You can't leave a message for yourself.", "SELF")
