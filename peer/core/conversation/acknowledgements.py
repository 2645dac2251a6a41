"""My acknowledgements: which texts of others are on my disk, told to who waits for that."""

from collections import defaultdict

from peer.core.conversation.actions import Action, Send
from peer.core.conversation.hello import Hellos
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.own_stay import OwnStay
from shared.messages.peers import POSITIONS, Acknowledge, Origin, Position, Text

ACKNOWLEDGE_TEXTS = 16  # one ACK for this many texts,
ACKNOWLEDGE_SECONDS = 0.05  # or for all texts kept within this time

_NEVER = float("inf")


class Acknowledgements:
    def __init__(self, stay: OwnStay, mesh: Mesh, inbox: Inbox, hellos: Hellos) -> None:
        self._stay, self._mesh, self._inbox, self._hellos = stay, mesh, inbox, hellos
        self._owed: dict[Origin, None] = {}  # origins that have grown on disk since the last ACK
        self._texts = 0  # of these
        self.due = _NEVER  #: when to send them at the latest

    def owe(self, text: Text, now: float) -> None:
        """Note that a text is on disk, or came again."""
        self._owed[text.origin] = None
        self._texts += len(text.texts)
        self.due = min(self.due, now + ACKNOWLEDGE_SECONDS)

    @property
    def are_many(self) -> bool:
        """Whether they are worth a message now."""
        return self._texts >= ACKNOWLEDGE_TEXTS

    def send(self, now: float) -> list[Action]:
        """Acknowledge to the author, and to members whom the author does not reach."""
        owed, self._owed = self._owed, {}
        self._texts, self.due = 0, _NEVER
        wanted: dict[str, list[Position]] = defaultdict(list)
        for of in owed:
            there, author = self._inbox.position(of), of[0]
            wanted[author].append(there)  # also when they have left: it lets them settle
            for member in self._mesh.not_linked_with(author):
                wanted[member].append(there)
            if not self._mesh.is_linked(author):
                self._hellos.soon(now)
        wanted.pop(self._stay.me.id, None)
        return [
            Send((to,), Acknowledge(self._stay.id, tuple(have[start : start + POSITIONS])))
            for to, have in wanted.items()
            for start in range(0, len(have), POSITIONS)
        ]
