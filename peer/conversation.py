"""A conversation of two, from being connected to its end.

A core: it decides what is shown and sent, and its shell does it.  A broken link
does not end a conversation: for a minute both sides try to link again, and what
was written meanwhile waits.

For its user a conversation is over at once.  It is settled a little later: when
what was on its way was acknowledged, or must be taken for undelivered.
"""

from dataclasses import dataclass

from peer.delivery import ACKNOWLEDGE_SECONDS, ACKNOWLEDGE_TEXTS, Inbox, Outbox
from peer.events import (
    ConversationLeft,
    ConversationOver,
    Event,
    MemberBack,
    MemberLeft,
    MemberLost,
    Said,
)
from shared.messages import Acknowledge, Hello, Leave, Message, Say
from shared.names import fold

LOST_SECONDS = 60.0  # without a link, until a member counts as gone
REDIAL_SECONDS = 1.0  # between two tries to link again
SETTLE_SECONDS = 5.0  # after leaving: for the other's last acknowledgement to come
BACKLOG_TEXTS = 2_000  # written, not acknowledged: the keyboard waits then


@dataclass(frozen=True)
class Send:
    to: str
    message: Message


@dataclass(frozen=True)
class Show:
    """Tell the user; call `shown(sender, seq)` when it stood there, if `seq` is given."""

    event: Event
    seq: int = 0


@dataclass(frozen=True)
class Relink:
    """Try to link with this member again."""

    to: str


@dataclass(frozen=True)
class Finished:
    """The conversation is over for the user."""


@dataclass(frozen=True)
class Settled:
    """Nothing more will come of it.  `undelivered` never reached `to`, as far as we know."""

    to: str
    undelivered: tuple[Say, ...]


Action = Send | Show | Relink | Finished | Settled


class Conversation:
    """One conversation, seen from one of the two."""

    def __init__(self, id: str, other: str, epoch: str) -> None:
        self.id, self.other = id, other
        self.is_over = False
        self.is_settled = False
        self._settle_at: float | None = None
        self._outbox = Outbox(id, epoch)
        self._inbox = Inbox()
        self._linked = True
        self._told_lost = False
        self._lost_at: float | None = None
        self._redial_at: float | None = None
        self._acknowledge_at: float | None = None

    # --- What the user does ---

    def say(self, text: str, time: float) -> list[Action]:
        self._outbox.add(text, time)
        return self._send_what_may_go()

    @property
    def has_room(self) -> bool:
        """Whether the keyboard may go on."""
        return len(self._outbox) < BACKLOG_TEXTS

    @property
    def is_delivered(self) -> bool:
        """Whether all that I wrote is acknowledged."""
        return not len(self._outbox)

    def leave(self, now: float) -> list[Action]:
        """What was sent over a good link may still be acknowledged; the rest is undelivered."""
        last_words = [*self._acknowledge_all(), Send(self.other, Leave(self.id))]
        return [*last_words, Show(ConversationLeft()), *self._finish(now)]

    @property
    def is_linked(self) -> bool:
        return self._linked

    # --- What the network does ---

    def opened(self) -> list[Action]:
        """Both have agreed: say which of the other's texts we have, namely none."""
        return [Send(self.other, self._hello())]

    def linked(self, name: str) -> list[Action]:
        """A link to this user is up, for the first time or again."""
        if not self._concerns(name):
            return []
        self._linked = True
        self._redial_at = self._acknowledge_at = None  # HELLO acknowledges too
        return [Send(self.other, self._hello())]

    def link_lost(self, name: str, now: float) -> list[Action]:
        if fold(name) != fold(self.other):
            return []
        self._linked = False
        if self.is_over:
            return self._settle()
        self._lost_at = now if self._lost_at is None else self._lost_at
        # At once, for a link may break for no reason; but not in a hot circle.
        self._redial_at = now + REDIAL_SECONDS
        told, self._told_lost = self._told_lost, True
        return [Relink(self.other)] if told else [Show(MemberLost(self.other)), Relink(self.other)]

    def unreachable(self, name: str, now: float) -> list[Action]:
        if self._concerns(name) and not self._linked:
            self._redial_at = now + REDIAL_SECONDS
        return []

    def receive(self, sender: str, message: Message, now: float) -> list[Action]:
        """A message for this conversation.  Raises ProtocolError."""
        if fold(sender) != fold(self.other):
            return []
        match message:
            case Acknowledge(epoch=epoch, upto=upto) if epoch == self._outbox.epoch:
                self._outbox.acknowledged(upto)
                return self._settle_if_quiet() if self.is_over else self._send_what_may_go()
            case Leave() if self.is_over:
                return self._settle()
            case Say() if not self.is_over:
                return self._hear(message, now)
            case Hello() if not self.is_over:
                return self._resume(message)
            case Leave():
                return [*self._acknowledge_all(), *self._left("", now)]
        return []

    def shown(self, seq: int, now: float) -> list[Action]:
        """The text with this seq stood on the screen: it will be acknowledged."""
        if self.is_over:
            return []  # the last ACK counted it already
        self._inbox.shown(seq)
        if self._inbox.owes() >= ACKNOWLEDGE_TEXTS:
            return self._acknowledge()
        if self._acknowledge_at is None:
            self._acknowledge_at = now + ACKNOWLEDGE_SECONDS
        return []

    # --- What the clock does ---

    def next_deadline(self) -> float | None:
        if self.is_over:
            return self._settle_at
        if self._lost_at is None and self._redial_at is None:
            return self._acknowledge_at  # all is well: this is asked for at each text
        lost = None if self._lost_at is None else self._lost_at + LOST_SECONDS
        times = (lost, self._redial_at, self._acknowledge_at)
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> list[Action]:
        if self.is_over:
            is_due = self._settle_at is not None and now >= self._settle_at
            return self._settle() if is_due else []
        if self._lost_at is not None and now >= self._lost_at + LOST_SECONDS:
            return self._left("connection lost", now)
        actions: list[Action] = []
        if self._redial_at is not None and now >= self._redial_at:
            self._redial_at = None
            actions.append(Relink(self.other))
        if self._acknowledge_at is not None and now >= self._acknowledge_at:
            actions += self._acknowledge()
        return actions

    # --- Inside ---

    def _concerns(self, name: str) -> bool:
        return not self.is_over and fold(name) == fold(self.other)

    def _hello(self) -> Hello:
        epoch, upto = self._inbox.epoch, self._inbox.acknowledge()
        return Hello(self.id, self._outbox.epoch, epoch, upto)

    def _resume(self, hello: Hello) -> list[Action]:
        known = hello.received if hello.received_epoch == self._outbox.epoch else 0
        self._outbox.resume(known)
        was_lost, self._lost_at, self._told_lost = self._told_lost, None, False
        back: list[Action] = [Show(MemberBack(self.other))] if was_lost else []
        return back + self._send_what_may_go()

    def _hear(self, say: Say, now: float) -> list[Action]:
        ready = self._inbox.take(say)
        if not ready and say.seq <= self._inbox.received:
            # A duplicate: our acknowledgement may have been lost.
            self._acknowledge_at = self._acknowledge_at or now + ACKNOWLEDGE_SECONDS
        return [Show(Said(self.other, text.text), text.seq) for text in ready]

    def _send_what_may_go(self) -> list[Action]:
        if not self._linked:
            return []
        return [Send(self.other, say) for say in self._outbox.take()]

    def _acknowledge(self) -> list[Action]:
        self._acknowledge_at = None
        if self._inbox.epoch is None or not self._linked:
            return []
        return [
            Send(self.other, Acknowledge(self.id, self._inbox.epoch, self._inbox.acknowledge()))
        ]

    def _acknowledge_all(self) -> list[Action]:
        """What was given to the screen will stand there: the last ACK counts it already."""
        self._inbox.all_shown()
        return self._acknowledge()

    def _left(self, because: str, now: float) -> list[Action]:
        """The other is gone, and has acknowledged what there was to acknowledge."""
        self._linked = False
        gone = [Show(MemberLeft(self.other, because)), Show(ConversationOver())]
        return [*gone, *self._finish(now)]

    def _finish(self, now: float) -> list[Action]:
        self.is_over = True
        # Only if nothing was lost that HELLO has not yet brought back.
        self._linked = self._linked and self._lost_at is None
        self._settle_at = now + SETTLE_SECONDS
        return [Finished(), *self._settle_if_quiet()]

    def _settle_if_quiet(self) -> list[Action]:
        return [] if self._linked and self._outbox.is_awaiting else self._settle()

    def _settle(self) -> list[Action]:
        if self.is_settled:
            return []
        self.is_settled, self._settle_at = True, None
        return [Settled(self.other, self._outbox.undelivered())]
