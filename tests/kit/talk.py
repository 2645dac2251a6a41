"""One conversation seen by carol; a test sends what the others send."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from peer import events
from peer.core import membership
from peer.core.conversation import actions as talk
from peer.core.conversation.actions import Action
from peer.core.conversation.conversation import Conversation, Kept
from peer.core.conversation.hello import hello_statement
from peer.core.conversation.proof.digests import digest
from peer.core.conversation.texts import sign
from peer.core.membership import Roll
from shared.messages.common import Message
from shared.messages.peers import Hello, Membership, Position, Text
from tests.kit.cores import (
    AUTHORITY,
    CAROL,
    DAVE,
    ERIN,
    FRANK,
    conversation_of,
    me,
    together,
)

ID = conversation_of(CAROL)


MINE = "c" * 16  # carol's epoch


EPOCHS = {DAVE: "d" * 16, ERIN: "e" * 16, FRANK: "f" * 16}


A = TypeVar("A")


class Talk:
    """Carol's core, with the time in the test's hands."""

    def __init__(
        self, *others: str, kept: Kept | None = None, have: tuple[Position, ...] = ()
    ) -> None:
        self.now = 100.0
        self.memberships = kept.members if kept else together(CAROL, *others)
        self.roll = Roll(ID, AUTHORITY.certificate)
        self.roll.merge(self.memberships)
        self.core = Conversation(
            ID, me(CAROL), self.roll, MINE, first_number=1000, jitter=lambda: 1.0,
            have=have, kept=kept,
        )  # fmt: skip
        self.numbers = 0
        self.begun = self.core.begin(self.now)

    def hears(self, sender: str, message: Message) -> list[Action]:
        return self.core.receive(sender, message, self.now)

    def greets(self, name: str, *have: Position, linked: tuple[str, ...] = (CAROL,)) -> None:
        """Link carol with them, and exchange HELLO."""
        self.core.linked(name, self.now)
        self.hears(name, self.hello(name, *have, linked=linked))

    def hello(
        self, by: str, *have: Position, linked: tuple[str, ...] = (CAROL,), digest: str = ""
    ) -> Hello:
        """Return a signed HELLO with a higher number than the last."""
        self.numbers += 1
        digest = digest or self.roll.digest()
        hello = Hello(ID, by, self.numbers, digest, linked, have)
        signature = me(by).identity.sign(hello_statement(hello))
        return msgspec.structs.replace(hello, signature=signature)

    def passes(self, seconds: float) -> list[Action]:
        """Let time pass; tick at each deadline, as the timer does."""
        done: list[Action] = []
        until = self.now + seconds
        while (due := self.core.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            done += self.core.tick(self.now)
        self.now = until
        return done

    def says(self, *texts: str) -> list[Action]:
        for text in texts:
            self.core.say(text)
        return self.core.flush(7.0, self.now)

    def keeps(self, actions: list[Action]) -> list[Action]:
        """Show all texts, and let the disk take them."""
        done: list[Action] = []
        for action in actions:
            match action:
                case talk.Read(text):
                    done += self.keeps(self.core.shown(text))
                case talk.Keep(text):
                    done += self.core.kept(text, self.now)
        return done

    def keeps_and_returns(self, actions: list[Action]) -> list[Action]:
        self.keeps(actions)
        return actions

    def hears_text(self, text: Text) -> list[Action]:
        """Receive a text from its author; it is shown and kept at once."""
        heard = self.hears(text.author, text)
        return [*heard, *self.keeps(heard)]


def talking(*others: str) -> Talk:
    """Return a talk in which carol and all of these are linked with each other."""
    made = Talk(*others)
    for name in others:
        made.greets(name, linked=tuple({CAROL, *others} - {name}))
    return made


def text(author: str, seq: int, *texts: str, after: tuple[Position, ...] = ()) -> Text:
    """Return a text that follows the one made before it."""
    epoch = EPOCHS.get(author, MINE)
    chain = _said.get((author, seq - 1), b"")
    said = texts or (f"{me(author).name} {seq}",)
    made = Text(ID, author, epoch, seq, seq, 7.0, said, after, chain=chain)
    signed = sign(me(author), made)
    _said[author, signed.last_seq] = digest(signed)
    return signed


_said: dict[tuple[str, int], bytes] = {}  # digests, by author and seq


def upto(author: str, seq: int) -> Position:
    return Position(author, EPOCHS.get(author, MINE), seq)


def gone(name: str, *others: str) -> Membership:
    """Return the membership with which they leave the conversation of carol and these."""
    for one in together(CAROL, *others):
        if one.certificate == me(name).certificate:
            return membership.leave(me(name), ID, one)
    raise AssertionError(name)


def sent(actions: list[Action], to: str | None = None) -> list[Message]:
    return [
        action.message
        for action in actions
        if isinstance(action, talk.Send) and (to is None or to in action.to)
    ]


def shown(actions: list[Action]) -> list[events.Event]:
    return [action.event for action in actions if isinstance(action, talk.Show)]


def read(actions: list[Action]) -> list[str]:
    return [said for action in only(talk.Read, actions) for said in action.text.texts]


def only(kind: type[A], these: Iterable[object]) -> list[A]:
    return [one for one in these if isinstance(one, kind)]
