"""Whoever lacks texts that their author has no more in memory asks for them, 256 at a time."""

import msgspec

from peer.core.conversation.actions import Action, Send
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.hello import hello_statement
from peer.core.conversation.incoming.gaps import ASK_AGAIN_SECONDS, DOUBT_SECONDS
from peer.core.conversation.incoming.incoming_texts import WANT_SECONDS
from shared.messages.peers import Acknowledge, Hello, Position, Text, Want
from tests.kit.rolls import CAROL, DAVE, ERIN, FOUNDED, ID, joined, roll

EPOCH = "e" * 16
ALL = Position(CAROL.id, EPOCH, 1_000)


def erin_hears_of_a_thousand_texts() -> Conversation:
    """Carol wrote them, dave has them too, and neither sends them by themselves."""
    members = roll(FOUNDED, joined(DAVE, CAROL), joined(ERIN, CAROL))
    talk = Conversation(ID, ERIN, members, "f" * 16, first_number=1, jitter=lambda: 1.0)
    talk.begin(0.0)
    for name, others in ((CAROL.id, (DAVE.id, ERIN.id)), (DAVE.id, (CAROL.id, ERIN.id))):
        talk.linked(name, 0.0)
        said = Hello(ID, name, 1, members.digest(), others, (ALL,))
        key = {CAROL.id: CAROL, DAVE.id: DAVE}[name].identity
        signature = key.sign(hello_statement(said))
        talk.receive(name, msgspec.structs.replace(said, signature=signature), 0.0)
    return talk


def wants(actions: list[Action]) -> list[tuple[tuple[str, ...], int]]:
    """Who is asked, and for what follows which number."""
    return [
        (action.to, action.message.after.seq)
        for action in actions
        if isinstance(action, Send) and isinstance(action.message, Want)
    ]


def hands(talk: Conversation, name: str, first: int, now: float) -> list[Action]:
    """One hands on what was asked for, and says that there is more."""
    text = Text(ID, CAROL.id, EPOCH, first, first, now, ("hello",) * 64)
    return [
        *talk.receive(name, text, now),
        *talk.receive(name, Acknowledge(ID, (ALL,)), now),
    ]


def test_who_has_handed_something_on_is_asked_for_the_rest_at_once() -> None:
    talk = erin_hears_of_a_thousand_texts()
    assert wants(talk.tick(WANT_SECONDS)) == [((CAROL.id,), 0)]
    assert wants(hands(talk, CAROL.id, 1, WANT_SECONDS)) == [((CAROL.id,), 64)]
    assert wants(hands(talk, CAROL.id, 65, WANT_SECONDS)) == [((CAROL.id,), 128)]


def test_nobody_is_asked_twice_for_what_is_on_its_way() -> None:
    talk = erin_hears_of_a_thousand_texts()
    assert wants(talk.tick(WANT_SECONDS)) == [((CAROL.id,), 0)]
    assert not wants(talk.receive(CAROL.id, Acknowledge(ID, (ALL,)), WANT_SECONDS))


def test_after_one_who_was_asked_in_vain_the_next_is_asked() -> None:
    talk = erin_hears_of_a_thousand_texts()
    talk.tick(WANT_SECONDS)
    later = WANT_SECONDS + ASK_AGAIN_SECONDS
    assert wants(talk.tick(later)) == [((DAVE.id,), 0)]
    talk.link_lost(DAVE.id, later)
    talk.receive(CAROL.id, Acknowledge(ID, (ALL,)), later)
    assert wants(talk.tick(later + DOUBT_SECONDS)) == [((CAROL.id,), 0)]


def test_who_is_gone_after_a_part_of_it_is_not_asked_for_the_rest() -> None:
    talk = erin_hears_of_a_thousand_texts()
    talk.tick(WANT_SECONDS)
    hands(talk, CAROL.id, 1, WANT_SECONDS)
    talk.link_lost(CAROL.id, WANT_SECONDS)
    assert wants(talk.tick(WANT_SECONDS + ASK_AGAIN_SECONDS)) == [((DAVE.id,), 64)]
