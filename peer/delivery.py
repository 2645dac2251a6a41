"""What was sent, what is acknowledged, what was seen already.

One `Outbox` and one `Inbox` for each member and conversation.  A text is known
by (sender, epoch, seq).  After a broken link both sides say what they have, and
the rest is sent again: nothing is lost, and nothing is shown twice.
"""

from collections import deque

from shared.errors import ProtocolError
from shared.messages import Say

WINDOW_TEXTS = 256  # unacknowledged at once: bounds what a slow reader must keep
WINDOW_BYTES = 256 * 1024
ACKNOWLEDGE_TEXTS = 16  # one ACK for as many texts,
ACKNOWLEDGE_SECONDS = 0.05  # or for all that came within this time


class Outbox:
    """My texts for one member, from being written until they are acknowledged."""

    def __init__(self, conversation: str, epoch: str) -> None:
        self.conversation, self.epoch = conversation, epoch
        self._last = 0
        self._waiting: deque[Say] = deque()  # not yet sent on this link
        self._sent: deque[Say] = deque()  # sent, not yet acknowledged
        self._sent_bytes = 0

    def add(self, text: str, time: float) -> None:
        self._last += 1
        self._waiting.append(Say(self.conversation, self.epoch, self._last, time, text))

    def take(self) -> list[Say]:
        """What may be sent now; the rest waits for acknowledgements."""
        taken = []
        while self._waiting and self._has_room():
            say = self._waiting.popleft()
            self._sent.append(say)
            self._sent_bytes += _size(say)
            taken.append(say)
        return taken

    def _has_room(self) -> bool:
        return len(self._sent) < WINDOW_TEXTS and self._sent_bytes < WINDOW_BYTES

    def acknowledged(self, upto: int) -> None:
        """The other side has everything up to here.

        Raises ProtocolError when that is more than was ever sent.
        """
        if upto > self._last - len(self._waiting):
            raise ProtocolError("a text was acknowledged that was never sent")
        while self._sent and self._sent[0].seq <= upto:
            self._sent_bytes -= _size(self._sent.popleft())

    def resume(self, received: int) -> None:
        """On a new link: the other side has everything up to here, send the rest again."""
        self._waiting.extendleft(reversed(self._sent))
        self._sent.clear()
        self._sent_bytes = 0
        if received > self._last:
            raise ProtocolError("a text was acknowledged that was never sent")
        while self._waiting and self._waiting[0].seq <= received:
            self._waiting.popleft()

    @property
    def is_awaiting(self) -> bool:
        """Whether something was sent on this link and is not acknowledged."""
        return bool(self._sent)

    def undelivered(self) -> tuple[Say, ...]:
        """Sent or not, but not acknowledged; in the order in which they were written."""
        return (*self._sent, *self._waiting)

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting)


class Inbox:
    """A member's texts for me."""

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.received = 0  #: everything up to this seq has come
        self._early: dict[int, Say] = {}  # they overtook an older one, on a newer link
        self._shown = 0
        self._acknowledged = 0

    def take(self, say: Say) -> list[Say]:
        """The texts that are to be shown now, in order; none for a duplicate.

        Raises ProtocolError when the sender ignores the window, which is all that
        keeps a reader's memory bounded.
        """
        if say.epoch != self.epoch:
            if self.epoch is not None:
                raise ProtocolError("a text is of another epoch")
            self.epoch = say.epoch
        # Twice: ACKs on their way may let the sender be a window ahead of what we know.
        if say.seq > self._acknowledged + 2 * WINDOW_TEXTS:
            raise ProtocolError("more texts came than the window allows")
        if say.seq <= self.received:
            return []
        self._early[say.seq] = say
        ready = []
        while (following := self._early.pop(self.received + 1, None)) is not None:
            self.received += 1
            ready.append(following)
        return ready

    def shown(self, seq: int) -> None:
        """This text, and so all before it, stood on the screen."""
        self._shown = max(self._shown, seq)

    def owes(self) -> int:
        """How many texts were shown that are not acknowledged."""
        return self._shown - self._acknowledged

    def all_shown(self) -> None:
        """What was given to the screen will stand there: the last ACK counts it already."""
        self._shown = self.received

    def acknowledge(self) -> int:
        """The seq for an ACK that is sent now."""
        self._acknowledged = self._shown
        return self._shown


def _size(say: Say) -> int:
    return len(say.text) + 100  # with what stands around it
