"""Checks who has signed the texts of others, and rejects what its author has not."""

from peer.core.conversation.actions import Action, Discard, Refuse
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.incoming.screen_queue import ScreenQueue
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.proof.contradictions import Contradictions
from peer.core.conversation.proof.unchecked_texts import UncheckedTexts, is_genuine
from peer.core.membership import Roll
from shared.messages.peers import Origin, Text

UNSIGNED = "a text is not signed by its author"


class Signatures:
    """The checks of signatures: some at once, most after the text was shown."""

    def __init__(
        self, roll: Roll, mesh: Mesh, inbox: Inbox, queue: ScreenQueue,
        contradictions: Contradictions,
    ) -> None:  # fmt: skip
        self._roll, self._mesh = roll, mesh
        self._inbox, self._queue, self._contradictions = inbox, queue, contradictions
        self._unchecked = UncheckedTexts(roll.key, contradictions.note)
        self._forgers: set[str] = set()  # sent what they had not signed: now checked at once

    @property
    def due(self) -> float:
        """The time when the next ones should be checked."""
        return self._unchecked.due

    def is_trusted(self, sender: str, author: str) -> bool:
        """Whether a text may wait for its check: its author sends it, and never forged one."""
        return sender == author and sender not in self._forgers

    def is_genuine(self, text: Text) -> bool:
        """Whether its author has signed it."""
        return is_genuine(text, self._roll.key(text.author))

    def add(self, text: Text, now: float, *, is_checked: bool) -> None:
        """Add a text that came; unless it is checked, that is to be done."""
        self._unchecked.add(text, now, is_checked=is_checked)

    def check_all(self) -> list[Action]:
        """Check now all that waits to be checked."""
        return [action for of in self._unchecked.origins() for action in self.check(of)]

    def check_for_others(self) -> list[Action]:
        """Check the texts that my next text names to members other than their authors.

        In a conversation of two my text is sent first: it names nothing to others.
        """
        named = [of for of in self._unchecked.origins() if set(self._mesh) - {of[0]}]
        return [action for of in named for action in self.check(of)]

    def check(self, of: Origin) -> list[Action]:
        """Check all that waits of one author and epoch."""
        return self._judge(self._unchecked.check(of))

    def check_some(self, now: float) -> list[Action]:
        """Check a few that are due."""
        return self._judge(self._unchecked.check_some(now))

    def _judge(self, forged: list[Text]) -> list[Action]:
        """Act on a check: reject `forged`, an unsigned text and those that came after it."""
        rejected = self._reject(forged) if forged else []
        return [*rejected, *self._contradictions.tell()]

    def _reject(self, forged: list[Text]) -> list[Action]:
        """Discard forged texts and end the author's link, over which they came."""
        author = forged[0].author
        self._inbox.reject(forged)
        self._forgers.add(author)
        discarded = self._queue.discard(forged)
        return [*map(Discard, discarded), Refuse(author, UNSIGNED), *self._queue.keep_shown()]
