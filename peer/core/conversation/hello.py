"""HELLO: what each member has and whom they reach, said on each link and now and then.

Those who have no link to its author get it from a member who has; it is signed.  In a room
that stands for long, more was said than one HELLO can tell of: on a new link ACKs follow it,
for a member who was away for weeks.
"""

from collections.abc import Callable

import msgspec

from peer.core.conversation.actions import Action, Send
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.members.reach import Reach
from peer.core.conversation.members.roll_exchange import RollExchange
from peer.core.conversation.outgoing_texts import OutgoingTexts
from peer.core.conversation.own_stay import OwnStay
from peer.core.conversation.proof.blame import Blame
from peer.core.conversation.proof.digests import Digests
from shared.errors import ProtocolError
from shared.identity import check_signature
from shared.messages.peers import MEMBERS, POSITIONS, Acknowledge, Hello

HELLO_SECONDS = 30.0  # between two HELLOs when nothing happens
HELLO_SOON_SECONDS = 0.5  # for members who hear of us only through others

_NEVER = float("inf")


class Hellos:
    """My HELLOs, and those of the others."""

    def __init__(
        self, stay: OwnStay, mesh: Mesh, reach: Reach, rolls: RollExchange,
        outgoing: OutgoingTexts, inbox: Inbox, digests: Digests, blame: Blame, *, first_number: int,
        jitter: Callable[[], float],
    ) -> None:  # fmt: skip
        self._stay, self._mesh, self._reach, self._rolls = stay, mesh, reach, rolls
        self._outgoing = outgoing
        self._inbox, self._digests, self._blame = inbox, digests, blame
        self._number, self._jitter = first_number, jitter
        self._numbers: dict[str, int] = {}  # of the last HELLO of each member
        self.due = _NEVER  #: when to say the next one

    # --- Mine ---

    def begin(self, now: float) -> None:
        """Set the time of the first HELLO that no new link asks for."""
        self.due = now + HELLO_SECONDS * self._jitter()

    def soon(self, now: float) -> None:
        """Send a HELLO soon, for others cannot see my links."""
        if len(self._mesh) > 1:
            self.due = min(self.due, now + HELLO_SOON_SECONDS)

    def tick(self, now: float) -> list[Action]:
        """Say HELLO if it is time."""
        if now < self.due:
            return []
        self.due = now + HELLO_SECONDS * self._jitter()
        to = self._mesh.linked
        return [Send(to, self._make())] if to and not self._stay.is_over else []

    def linked(self, member: str, now: float) -> list[Action]:
        """Begin a link to a member, the first one or another."""
        if member not in self._mesh or not self._stay.roll.is_in(member):
            return []  # a member who left after us is not told
        actions = self._rolls.introduce(member) if self._mesh.link(member) else []
        self._reach.linked(member)
        self._outgoing.unlink(member)
        self.soon(now)
        hello = self._make()
        more = self._inbox.have(beyond=hello.have)
        pages = [more[start : start + POSITIONS] for start in range(0, len(more), POSITIONS)]
        told = [Send((member,), Acknowledge(self._stay.id, page)) for page in pages]
        return [*actions, Send((member,), hello), *told]

    def _make(self) -> Hello:
        self._number += 1
        stay, have = self._stay, self._inbox.have()
        said = tuple(self._digests.at(one.origin, one.seq) for one in have)
        hello = Hello(
            stay.id, stay.me.id, self._number, stay.roll.digest(),
            self._mesh.greeted[:MEMBERS], have, said=said,
        )  # fmt: skip
        signature = stay.me.identity.sign(hello_statement(hello))
        return msgspec.structs.replace(hello, signature=signature)

    # --- Those of others ---

    def hear(self, sender: str, hello: Hello, now: float) -> tuple[list[Action], bool]:
        """Take a HELLO; return what to do at once, and whether what it says counts."""
        if hello.by not in self._mesh or not self._stay.roll.is_in(hello.by):
            return self._hear_from_outside(sender, hello), False
        if hello.by == sender:
            actions = self._hear_own(hello, now)
        elif self._is_news(sender, hello):
            actions = self._pass_on(hello, sender)
        else:
            return [], False
        self._numbers[hello.by] = max(self._numbers.get(hello.by, 0), hello.number)
        self._mesh.note_links(hello.by, hello.linked)
        return actions, True

    def _hear_from_outside(self, sender: str, hello: Hello) -> list[Action]:
        """Show the roll to who was in once and believes to be in still."""
        is_lost = hello.by == sender and self._stay.roll.counter(sender) and not self._stay.is_over
        return self._rolls.tell_all(sender) if is_lost else []

    def _hear_own(self, hello: Hello, now: float) -> list[Action]:
        """Take a HELLO from its author, over our link."""
        by, roll = hello.by, self._stay.roll
        if not self._is_genuine(hello, roll.key(by) or b""):
            raise ProtocolError("a HELLO is not signed by its author")
        actions: list[Action] = [] if self._mesh.is_linked(by) else self.linked(by, now)
        if hello.members != roll.digest():
            actions += self._rolls.introduce(by)
        actions += self._pass_on(hello, by)
        if self._mesh.greet(by):
            self._outgoing.greeted(by, hello.have)
            actions += self._rolls.remind(by, hello.have)
        elif self._stay.me.id not in hello.linked:
            # They took another link for ours, and wait there for our HELLO.
            actions.append(Send((by,), self._make()))
        return actions

    def _is_news(self, sender: str, hello: Hello) -> bool:
        """Whether a HELLO that a member hands on is genuine and new."""
        key = self._stay.roll.key(hello.by)
        is_old = hello.number <= self._numbers.get(hello.by, 0)
        if is_old or key is None or sender not in self._mesh:
            return False
        if not self._is_genuine(hello, key):
            self._blame.count(sender)
            return False
        # If it names a text that I never wrote, the member who hands it on is not to blame.
        return not self._outgoing.misled.is_of_the_future(hello.by, hello.have)

    def _is_genuine(self, hello: Hello, key: bytes) -> bool:
        self._stay.roll.checks += 1
        try:
            check_signature(key, hello.signature, hello_statement(hello))
        except ProtocolError:
            return False
        return True

    def _pass_on(self, hello: Hello, sender: str) -> list[Action]:
        """Relay it to members who have no link to its author."""
        to = [
            one
            for one in self._mesh.not_linked_with(hello.by)
            if one != sender and self._stay.roll.is_in(one)  # once I have left, they may leave too
        ]
        return [Send(tuple(to), hello)] if to else []

    def part(self, member: str) -> None:
        """Forget a member who has left."""
        self._numbers.pop(member, None)


def hello_statement(hello: Hello) -> bytes:
    """Return what the author of a HELLO signs."""
    said = (
        hello.conversation, hello.by, hello.number, hello.members, hello.linked,
        [(one.author, one.epoch, one.seq) for one in hello.have], hello.said,
    )  # fmt: skip
    return b"parley hello 2\0" + msgspec.msgpack.encode(said)
