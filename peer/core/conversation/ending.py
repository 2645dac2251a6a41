"""The end of a conversation: for the user at once, and for good once nothing is on its way.

It is over when I leave it or, unless it is a room, when nobody else is left.  Then the last
texts and acknowledgements may arrive for a while; what does not is left in mailboxes.
"""

from peer import events
from peer.core.conversation.acknowledgements import Acknowledgements
from peer.core.conversation.actions import Action, Finished, KeepMembers, Send, Settled, Show
from peer.core.conversation.incoming.screen_queue import ScreenQueue
from peer.core.conversation.mailbox_fallback import MailboxFallback
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.members.reach import Reach
from peer.core.conversation.members.roll_exchange import RollExchange
from peer.core.conversation.outgoing_texts import OutgoingTexts
from peer.core.conversation.own_stay import OwnStay
from shared.messages.peers import Members

SETTLE_SECONDS = 5.0  # after leaving: for the last acknowledgements to arrive

_NEVER = float("inf")


class Ending:
    def __init__(
        self, stay: OwnStay, mesh: Mesh, reach: Reach, rolls: RollExchange, outgoing: OutgoingTexts,
        queue: ScreenQueue, acknowledgements: Acknowledgements, mailbox: MailboxFallback,
    ) -> None:  # fmt: skip
        self._stay, self._mesh, self._reach, self._rolls = stay, mesh, reach, rolls
        self._outgoing, self._queue = outgoing, queue
        self._acknowledgements, self._mailbox = acknowledgements, mailbox
        self.due = _NEVER  #: when to settle, whatever is on its way

    @property
    def has_kept_shown(self) -> bool:
        """Whether all that was given to the screen is on disk: then leaving says so first."""
        return self._queue.is_empty

    def leave(self, now: float) -> list[Action]:
        """End the conversation for the user; texts on their way are still acknowledged."""
        gone = self._rolls.sign_out()
        assert gone is not None
        told = Send(self._mesh.linked, Members(self._stay.id, (gone,)))
        kept = KeepMembers((self._stay.me.id,))
        actions = [*self._acknowledgements.send(now), told, kept]
        if not self._stay.is_asleep and not self._stay.is_over:
            actions += [Show(events.ConversationLeft()), Finished()]
        return [*actions, *self._begin(now)]

    def _begin(self, now: float) -> list[Action]:
        self._stay.end()
        self.due = now + SETTLE_SECONDS
        return self.settle_if_quiet()

    def finish_if_alone(self, now: float) -> list[Action]:
        """Finish when nobody else is there any more: for good, unless several may come back."""
        is_asleep = self._stay.is_asleep
        if self._stay.is_over or self._stay.lasts or self._reach.others:
            return []
        over = [] if is_asleep else [Show(events.ConversationOver())]
        if not self._mesh:
            return [*over, *self.finish(now)]
        if is_asleep:
            return []
        if len(self._mesh) == 1:
            return [*over, *self.finish(now)]
        self._stay.fall_asleep()
        return [*over, Finished()]

    def finish(self, now: float) -> list[Action]:
        """End the conversation, because nobody else is left."""
        actions = self._acknowledgements.send(now)
        gone = self._rolls.sign_out()
        if gone is not None:
            actions.append(KeepMembers((self._stay.me.id,)))
            if to := self._mesh.linked:
                actions.append(Send(to, Members(self._stay.id, (gone,))))
        finished: list[Action] = [] if self._stay.is_asleep else [Finished()]
        return [*actions, *finished, *self._begin(now)]

    def settle_if_quiet(self) -> list[Action]:
        """Settle when nothing is on its way any more."""
        if not self._stay.is_over or self._stay.is_settled:
            return []
        is_quiet = self._outgoing.is_on_disk and self._queue.is_empty
        return self.settle() if is_quiet and not self._outgoing.can_deliver else []

    def settle(self) -> list[Action]:
        """Settle, whatever is on its way."""
        self._stay.settle()
        self.due = _NEVER
        left = self._mailbox.leave_all()
        if not self._outgoing.is_on_disk:  # so it cannot be left in a mailbox
            left += self._mailbox.tell_lost()
        return [*left, Settled()]
