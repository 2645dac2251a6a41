"""A town in which one member may send anything to anybody, under any name of hers."""

import random
from collections.abc import Iterable
from typing import Any

import msgspec

from peer import events
from peer.core import membership
from peer.core.conversation import actions as talk
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.hello import hello_statement
from peer.core.conversation.texts import sign
from peer.core.membership import Me
from shared.errors import ProtocolError
from shared.messages.common import Message
from shared.messages.peers import Acknowledge, Hello, Members, Membership, Position, Text, Want
from tests.kit.cores import AUTHORITY, DAVE, MALLORY, Ids, Person, Program, Town, me, together

HER_NAMES = 12


def others_of(name: str, count: int) -> list[Me]:
    """Return more users of hers, and one with a name that an honest user has too."""
    made = [me(f"{name}{number}") for number in range(count)]
    identity, credentials = AUTHORITY.user(me(DAVE).name)
    return [*made, Me(me(DAVE).name, identity, credentials.certificate)]


class HostileTown(Town):
    """A town where the honest talk as ever, and mallory sends what `says_anything` chooses."""

    def __init__(self, honest: Iterable[str], chance: random.Random) -> None:
        self.honest = tuple(honest)
        super().__init__(*self.honest, MALLORY)
        self.chance = chance
        self.muted.add(MALLORY)
        self.hers = {one.id: one for one in [me(MALLORY), *others_of("mallory", HER_NAMES)]}
        #: all that she can prove: her own memberships, and those she was told
        self.signed: list[Membership] = list(together(*self.honest, MALLORY))
        self.mine = [(me(MALLORY), self.signed[-1])]
        self.cuts = 0  # of her links
        self.begins(*self.honest, MALLORY)

    # --- She is heard, and hears nothing ---

    def _hears(self, person: Person, sender: str, message: Message) -> None:
        if person.name == MALLORY:
            return
        if sender != MALLORY:
            super()._hears(person, sender, message)  # no message between honest members cuts a link
            return
        try:
            if isinstance(message, Members):
                membership.check_size(message.members)
            super()._hears(person, sender, message)
        except ProtocolError:
            self.cuts += 1
            self.breaks(MALLORY, person.name)

    def _core(self, *arguments: Any) -> Conversation:
        core = super()._core(*arguments)
        core._stay.names = Ids()
        return core

    def perform(self, person: Person, actions: list[talk.Action]) -> None:
        if person.name != MALLORY:
            super().perform(person, actions)

    def _watch_content(self, text: Text) -> None:
        if text.author not in self.hers:
            super()._watch_content(text)

    def _watch_order(self, person: Person, program: Program, text: Text, gap: bool) -> None:
        if text.author in self.hers:
            program.shown[text.origin] = text.last_seq
        else:
            super()._watch_order(person, program, text, gap)

    def _watch_late(self, program: Program, event: events.Event) -> None:
        """Skip the check for her names, which come and go, and may be late each time."""
        if getattr(event, "to", "") not in self.hers:
            super()._watch_late(program, event)

    def _watch(self, person: Person, program: Program) -> None:
        """Drop her counters: an old stay of hers is forgotten when there is no room for it."""
        known = person.counters.items()
        person.counters = {one: counter for one, counter in known if one not in self.hers}
        super()._watch(person, program)

    def _leaves_for(self, person: Person, to: str, after: Position, upto: int) -> None:
        if to in self.people:
            super()._leaves_for(person, to, after, upto)

    def fetches_mail(self, name: str) -> bool:
        return name != MALLORY and super().fetches_mail(name)

    # --- What she sends ---

    def says_anything(self, to: str) -> None:
        self.link(MALLORY, to)
        if not self.is_linked(MALLORY, to):
            return
        make = self.chance.choice(
            [self.a_roll, self.a_roll, self.a_broken_roll, self.a_text, self.a_text,
             self.an_unsigned_text, self.a_hello, self.a_forged_hello, self.a_wish, self.an_ack,
             self.what_others_said]
        )  # fmt: skip
        for message in make(to):
            if self.is_linked(MALLORY, to):
                self.links[MALLORY, to].append(message)
                self.arrives(MALLORY, to)

    def signs_something(self) -> None:
        """Let one of her names add another one, again or anew, or leave."""
        by, mine = self.chance.choice(self.mine)
        if self.chance.random() < 0.2:
            self.signed.append(membership.leave(by, self.id, mine))
            return
        whom = self.chance.choice(list(self.hers.values()))
        counter = self.chance.choice([1, 1, 3, 5, 33, 35])
        adding = membership.add(by, self.id, mine, whom.id, counter)
        joined = membership.join(whom, self.id, counter, adding)
        self.signed.append(joined)
        self.mine.append((whom, joined))

    def a_roll(self, to: str) -> list[Message]:
        count = self.chance.randint(0, min(len(self.signed), membership.STATEMENTS))
        return [Members(self.id, tuple(self.chance.sample(self.signed, count)))]

    def a_broken_roll(self, to: str) -> list[Message]:
        one = self.chance.choice(self.signed)
        broken = self.chance.choice(
            [{"signature": bytes(64)}, {"counter": one.counter + 2}, {"salt": b"x"},
             {"certificate": me(DAVE).certificate}]
        )  # fmt: skip
        forged = msgspec.structs.replace(one, **broken)  # type: ignore[arg-type]
        return [Members(self.id, (*self.signed[:3], forged))]

    def a_text(self, to: str) -> list[Message]:
        """Return texts; each receiver may get another one under the same number."""
        epoch = self.chance.choice("ab") * 16
        first = self.chance.choice([1, 1, 2, 3])
        after = tuple(self.a_position() for _ in range(self.chance.randint(0, 3)))
        return [
            self.signed_text(Text(self.id, MALLORY, epoch, seq, seq, 7.0, (f"to {to}",), after))
            for seq in range(first, first + self.chance.randint(1, 3))
        ]

    def signed_text(self, text: Text) -> Text:
        return sign(me(MALLORY), text)

    def an_unsigned_text(self, to: str) -> list[Message]:
        (text, *_) = self.a_text(to)
        assert isinstance(text, Text)
        author = self.chance.choice([MALLORY, *self.honest])
        return [msgspec.structs.replace(text, author=author, signature=bytes(64))]

    def a_hello(self, to: str) -> list[Message]:
        have = tuple(self.a_position() for _ in range(self.chance.randint(0, 3)))
        linked = tuple(self.chance.sample(self.honest, self.chance.randint(0, 2)))
        number = self.chance.randint(1, 100)
        said = Hello(self.id, MALLORY, number, self.chance.choice("0a") * 32, linked, have)
        signature = me(MALLORY).identity.sign(hello_statement(said))
        return [msgspec.structs.replace(said, signature=signature)]

    def a_forged_hello(self, to: str) -> list[Message]:
        (said,) = self.a_hello(to)
        assert isinstance(said, Hello)
        return [msgspec.structs.replace(said, by=self.chance.choice(self.honest), number=2**40)]

    def a_wish(self, to: str) -> list[Message]:
        return [Want(self.id, self.a_position())]

    def an_ack(self, to: str) -> list[Message]:
        return [Acknowledge(self.id, (self.a_position(),))]

    def what_others_said(self, to: str) -> list[Message]:
        known = [text for one in self.honest for text in self.people[one].disk.texts.values()]
        return self.chance.sample(known, min(len(known), 3))

    def a_position(self) -> Position:
        known = [text for one in self.honest for text in self.people[one].disk.texts.values()]
        if known and self.chance.random() < 0.5:
            text = self.chance.choice(known)
            return Position(text.author, text.epoch, text.seq + self.chance.choice([-1, 0, 1]))
        author = self.chance.choice([*self.honest, *self.hers])
        return Position(author, self.chance.choice("abc") * 16, self.chance.choice([1, 2, 5]))
