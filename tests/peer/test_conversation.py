"""A conversation of two: each rule by itself, then two of them over a link that breaks."""

from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from peer.conversation import (
    BACKLOG_TEXTS,
    LOST_SECONDS,
    REDIAL_SECONDS,
    SETTLE_SECONDS,
    Action,
    Conversation,
    Finished,
    Relink,
    Send,
    Settled,
    Show,
)
from peer.delivery import ACKNOWLEDGE_SECONDS, ACKNOWLEDGE_TEXTS, WINDOW_TEXTS
from peer.events import (
    ConversationLeft,
    ConversationOver,
    Event,
    MemberBack,
    MemberLeft,
    MemberLost,
    Said,
)
from shared.errors import ProtocolError
from shared.messages import Accept, Acknowledge, Hello, Leave, Message, Say

ID, MINE, THEIRS = "c" * 32, "a" * 32, "b" * 32


def carols() -> Conversation:
    """Carol's side of a conversation with dave."""
    return Conversation(ID, "dave", MINE)


def say(seq: int, text: str = "hello") -> Say:
    return Say(ID, THEIRS, seq, 7.0, text)


def sent(actions: list[Action]) -> list[Message]:
    return [action.message for action in actions if isinstance(action, Send)]


def shown(actions: list[Action]) -> list[Event]:
    return [action.event for action in actions if isinstance(action, Show)]


# --- Talking ----------------------------------------------------------------------


def test_both_begin_with_hello() -> None:
    assert carols().opened() == [Send("dave", Hello(ID, MINE, None, 0))]


def test_a_text_goes_out_at_once() -> None:
    assert carols().say("hello", 7.0) == [Send("dave", Say(ID, MINE, 1, 7.0, "hello"))]


def test_a_text_is_shown_and_acknowledged_a_moment_after_it_was_shown() -> None:
    talk = carols()
    assert talk.receive("Dave", say(1), 10.0) == [Show(Said("dave", "hello"), 1)]
    assert talk.next_deadline() is None
    assert talk.shown(1, 11.0) == []
    assert talk.next_deadline() == 11.0 + ACKNOWLEDGE_SECONDS
    assert talk.tick(11.0) == []
    assert talk.tick(12.0) == [Send("dave", Acknowledge(ID, THEIRS, 1))]
    assert talk.next_deadline() is None


def test_many_texts_are_acknowledged_together() -> None:
    talk = carols()
    answers = []
    for seq in range(1, ACKNOWLEDGE_TEXTS + 1):
        talk.receive("dave", say(seq), 10.0)
        answers += talk.shown(seq, 10.0)
    assert answers == [Send("dave", Acknowledge(ID, THEIRS, ACKNOWLEDGE_TEXTS))]
    assert talk.next_deadline() is None


def test_a_duplicate_is_not_shown_but_acknowledged_again() -> None:
    talk = carols()
    talk.receive("dave", say(1), 10.0)
    talk.shown(1, 10.0)
    talk.tick(11.0)
    assert talk.receive("dave", say(1), 20.0) == []
    assert talk.receive("dave", say(1), 20.01) == []
    assert talk.next_deadline() == 20.0 + ACKNOWLEDGE_SECONDS
    assert talk.tick(21.0) == [Send("dave", Acknowledge(ID, THEIRS, 1))]


def test_a_text_that_comes_too_early_waits() -> None:
    talk = carols()
    assert talk.receive("dave", say(2, "two"), 10.0) == []
    assert talk.next_deadline() is None
    assert shown(talk.receive("dave", say(1, "one"), 10.0)) == [
        Said("dave", "one"),
        Said("dave", "two"),
    ]


def test_acknowledgements_let_the_next_texts_go() -> None:
    talk = carols()
    for _ in range(WINDOW_TEXTS):
        assert len(talk.say("x", 7.0)) == 1
    assert talk.say("y", 7.0) == []
    assert not talk.is_delivered
    answer = Acknowledge(ID, MINE, 1)
    assert sent(talk.receive("dave", answer, 10.0)) == [Say(ID, MINE, WINDOW_TEXTS + 1, 7.0, "y")]
    assert talk.receive("dave", Acknowledge(ID, THEIRS, 9_999), 10.0) == []  # another epoch
    talk.receive("dave", Acknowledge(ID, MINE, WINDOW_TEXTS + 1), 10.0)
    assert talk.is_delivered


def test_an_acknowledgement_of_what_was_never_sent_breaks_the_protocol() -> None:
    with pytest.raises(ProtocolError):
        carols().receive("dave", Acknowledge(ID, MINE, 1), 10.0)


def test_the_keyboard_waits_behind_a_long_backlog() -> None:
    talk = carols()
    for _ in range(BACKLOG_TEXTS - 1):
        talk.say("x", 7.0)
    assert talk.has_room
    talk.say("x", 7.0)
    assert not talk.has_room


def test_others_and_other_messages_are_not_heard() -> None:
    talk = carols()
    assert talk.receive("mallory", say(1), 10.0) == []
    assert talk.receive("mallory", Leave(ID), 10.0) == []
    assert talk.receive("dave", Accept("1" * 32), 10.0) == []
    assert talk.linked("mallory") == []
    assert talk.link_lost("mallory", 10.0) == []
    assert talk.unreachable("mallory", 10.0) == []
    assert not talk.is_over
    assert talk.is_linked


# --- Leaving ----------------------------------------------------------------------


def test_leaving_acknowledges_all_and_says_so() -> None:
    talk = carols()
    talk.receive("dave", say(1), 10.0)
    assert talk.leave(10.0) == [
        Send("dave", Acknowledge(ID, THEIRS, 1)),
        Send("dave", Leave(ID)),
        Show(ConversationLeft()),
        Finished(),
        Settled("dave", ()),
    ]
    assert talk.is_over
    assert talk.is_settled
    assert talk.next_deadline() is None


def left_while_texts_are_on_their_way() -> Conversation:
    talk = carols()
    for number in range(WINDOW_TEXTS + 2):
        talk.say(str(number), 7.0)
    assert talk.leave(10.0)[-1] == Finished()
    assert not talk.is_settled
    return talk


def test_after_leaving_the_last_acknowledgement_is_waited_for() -> None:
    talk = left_while_texts_are_on_their_way()
    assert talk.receive("dave", say(1), 10.1) == []
    assert talk.receive("dave", Acknowledge(ID, MINE, 5), 10.1) == []
    (settled,) = talk.receive("dave", Acknowledge(ID, MINE, WINDOW_TEXTS), 10.2)
    assert isinstance(settled, Settled)
    assert [one.seq for one in settled.undelivered] == [WINDOW_TEXTS + 1, WINDOW_TEXTS + 2]
    assert talk.link_lost("dave", 11.0) == []
    assert talk.tick(99.0) == []


@pytest.mark.parametrize("end", ["time", "link", "leave"])
def test_without_it_all_counts_as_undelivered(end: str) -> None:
    talk = left_while_texts_are_on_their_way()
    assert talk.next_deadline() == 10.0 + SETTLE_SECONDS
    assert talk.tick(10.0) == []
    match end:
        case "time":
            (settled,) = talk.tick(10.0 + SETTLE_SECONDS)
        case "link":
            (settled,) = talk.link_lost("dave", 11.0)
        case _:
            (settled,) = talk.receive("dave", Leave(ID), 11.0)
    assert isinstance(settled, Settled)
    assert len(settled.undelivered) == WINDOW_TEXTS + 2


def test_what_a_broken_link_may_have_swallowed_is_undelivered_when_leaving() -> None:
    talk = carols()
    talk.say("one", 7.0)
    talk.link_lost("dave", 10.0)
    talk.say("two", 7.0)
    talk.linked("dave")  # but no HELLO yet
    *_, settled = talk.leave(11.0)
    assert isinstance(settled, Settled)
    assert [one.text for one in settled.undelivered] == ["one", "two"]


def test_the_other_leaves() -> None:
    talk = carols()
    talk.say("one", 7.0)
    assert talk.receive("dave", Leave(ID), 10.0) == [
        Show(MemberLeft("dave")),
        Show(ConversationOver()),
        Finished(),
        Settled("dave", (Say(ID, MINE, 1, 7.0, "one"),)),
    ]
    assert talk.receive("dave", say(1), 10.0) == []
    assert talk.shown(1, 10.0) == []
    assert talk.tick(1e9) == []


def test_who_is_left_acknowledges_what_had_come() -> None:
    talk = carols()
    talk.receive("dave", say(1), 10.0)
    first, *_ = talk.receive("dave", Leave(ID), 10.0)
    assert first == Send("dave", Acknowledge(ID, THEIRS, 1))


# --- Links ------------------------------------------------------------------------


def test_a_lost_link_is_said_once_and_dialled_again_and_again() -> None:
    talk = carols()
    assert talk.link_lost("dave", 10.0) == [Show(MemberLost("dave")), Relink("dave")]
    assert not talk.is_linked
    assert talk.say("x", 7.0) == []
    assert talk.next_deadline() == 10.0 + REDIAL_SECONDS
    assert talk.tick(11.0) == [Relink("dave")]
    assert talk.next_deadline() == 10.0 + LOST_SECONDS
    talk.unreachable("dave", 12.0)
    assert talk.tick(12.5) == []
    assert talk.tick(13.0) == [Relink("dave")]
    talk.linked("dave")
    assert talk.link_lost("dave", 14.0) == [Relink("dave")]


def test_a_new_link_begins_with_hello_and_brings_what_was_missed() -> None:
    talk = carols()
    talk.receive("dave", say(1), 9.0)
    talk.shown(1, 9.0)
    talk.say("one", 7.0)
    talk.say("two", 7.0)
    talk.link_lost("dave", 10.0)
    talk.say("three", 7.0)
    assert talk.linked("dave") == [Send("dave", Hello(ID, MINE, THEIRS, 1))]
    back, *rest = talk.receive("dave", Hello(ID, THEIRS, MINE, 1), 11.0)
    assert back == Show(MemberBack("dave"))
    assert [one.text for one in sent(rest) if isinstance(one, Say)] == ["two", "three"]
    assert talk.next_deadline() is None


def test_a_link_that_replaces_another_is_not_worth_a_word() -> None:
    talk = carols()
    talk.say("one", 7.0)
    talk.linked("dave")
    assert talk.receive("dave", Hello(ID, THEIRS), 11.0) == [
        Send("dave", Say(ID, MINE, 1, 7.0, "one"))
    ]


def test_what_was_received_of_somebody_elses_texts_does_not_count() -> None:
    talk = carols()
    talk.say("one", 7.0)
    again = talk.receive("dave", Hello(ID, THEIRS, THEIRS, 1), 11.0)
    assert sent(again) == [Say(ID, MINE, 1, 7.0, "one")]


def test_a_hello_without_a_link_sends_nothing() -> None:
    talk = carols()
    talk.say("one", 7.0)
    talk.link_lost("dave", 10.0)
    assert talk.receive("dave", Hello(ID, THEIRS), 11.0) == [Show(MemberBack("dave"))]


def test_without_a_link_nothing_is_acknowledged() -> None:
    talk = carols()
    talk.receive("dave", say(1), 9.0)
    talk.link_lost("dave", 10.0)
    talk.shown(1, 10.0)
    assert sent(talk.tick(10.5)) == []
    assert talk.linked("dave") == [Send("dave", Hello(ID, MINE, THEIRS, 1))]


def test_nothing_to_acknowledge() -> None:
    talk = carols()
    assert talk.shown(0, 10.0) == []
    assert talk.tick(11.0) == []


def test_a_minute_without_a_link_is_the_end() -> None:
    talk = carols()
    talk.say("one", 7.0)
    talk.link_lost("dave", 10.0)
    talk.linked("dave")  # somebody is there, but does not say HELLO
    talk.link_lost("dave", 40.0)
    assert talk.tick(10.0 + LOST_SECONDS) == [
        Show(MemberLeft("dave", "connection lost")),
        Show(ConversationOver()),
        Finished(),
        Settled("dave", (Say(ID, MINE, 1, 7.0, "one"),)),
    ]
    assert talk.is_over


# --- Two of them over links that break --------------------------------------------


@dataclass
class Side:
    """One of the two, with a shell that does what a shell must, in the order it must."""

    me: str
    talk: Conversation
    outgoing: deque[Message] = field(default_factory=deque)  # on the link, not yet arrived
    to_show: deque[int] = field(default_factory=deque)  # given to the screen
    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
    wants_link: bool = False
    unlinked_since: float | None = None


class Talk(RuleBasedStateMachine):
    """Carol and dave; the link may break at any moment, and what is on it is lost then."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.link = True
        self.carol = Side("carol", Conversation(ID, "dave", MINE))
        self.dave = Side("dave", Conversation(ID, "carol", THEIRS))

    @initialize()
    def opens(self) -> None:
        for side in (self.carol, self.dave):
            self.perform(side, side.talk.opened())

    def other(self, side: Side) -> Side:
        return self.dave if side is self.carol else self.carol

    def perform(self, side: Side, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(_, message) if self.link:
                    side.outgoing.append(message)
                case Send():
                    pass
                case Show(Said(_, text), seq):
                    side.heard.append(text)
                    side.to_show.append(seq)
                case Show(event):
                    side.told.append(event)
                case Relink():
                    side.wants_link = True
                case Finished():
                    assert side.talk.is_over
                case Settled(_, undelivered):
                    assert not side.undelivered
                    side.undelivered = [one.text for one in undelivered]

    # --- What can happen ---

    sides = st.sampled_from(["carol", "dave"])

    @rule(who=sides, count=st.sampled_from([1, 1, 2, 20, 300]))
    def says(self, who: str, count: int) -> None:
        side: Side = getattr(self, who)
        for _ in range(count):
            if side.talk.is_over or not side.talk.has_room:
                return
            text = f"{who} {len(side.said)}"
            side.said.append(text)
            self.perform(side, side.talk.say(text, self.now))

    @rule(who=sides, count=st.sampled_from([1, 2, 10, 1000]))
    def reads_the_link(self, who: str, count: int) -> None:
        side: Side = getattr(self, who)
        incoming = self.other(side).outgoing
        for _ in range(count):
            if incoming:
                self.hears(side, incoming.popleft())

    def hears(self, side: Side, message: Message) -> None:
        if side.talk.is_over and isinstance(message, Say | Hello) and self.link:
            side.outgoing.append(Leave(ID))  # as `Peer` does
        self.perform(side, side.talk.receive(self.other(side).me, message, self.now))

    @rule(who=sides, count=st.sampled_from([1, 5, 1000]))
    def screen_shows(self, who: str, count: int) -> None:
        side: Side = getattr(self, who)
        for _ in range(min(count, len(side.to_show))):
            self.perform(side, side.talk.shown(side.to_show.popleft(), self.now))

    @precondition(lambda self: self.link)
    @rule(first=sides, arrives=st.integers(0, 5))
    def link_breaks(self, first: str, arrives: int) -> None:
        """Some of what was on it still arrives."""
        self.reads_the_link("carol", arrives)
        self.reads_the_link("dave", arrives)
        self.link = False
        one: Side = getattr(self, first)
        for side in (one, self.other(one)):
            side.outgoing.clear()
            self.perform(side, side.talk.link_lost(self.other(side).me, self.now))
            if side.unlinked_since is None:
                side.unlinked_since = self.now

    @precondition(lambda self: not self.link)
    @rule(first=sides)
    def links_again(self, first: str) -> None:
        self.link = True
        one: Side = getattr(self, first)
        for side in (one, self.other(one)):
            side.wants_link = False
            self.perform(side, side.talk.linked(self.other(side).me))

    @precondition(lambda self: self.link)
    @rule(first=sides)
    def another_link_takes_over(self, first: str) -> None:
        """What is on the old one is still read."""
        one: Side = getattr(self, first)
        for side in (one, self.other(one)):
            self.perform(side, side.talk.linked(self.other(side).me))

    @precondition(lambda self: not self.link)
    @rule(who=sides)
    def dial_fails(self, who: str) -> None:
        side: Side = getattr(self, who)
        self.perform(side, side.talk.unreachable(self.other(side).me, self.now))

    @rule(seconds=st.sampled_from([0.01, 0.05, 1.0, 7.0, 25.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            for side in (self.carol, self.dave):
                self.perform(side, side.talk.tick(self.now))
        self.now = until

    def next_deadline(self) -> float | None:
        deadlines = (self.carol.talk.next_deadline(), self.dave.talk.next_deadline())
        return min((one for one in deadlines if one is not None), default=None)

    @rule(who=sides)
    @precondition(lambda self: len(self.carol.said) + len(self.dave.said) > 30)
    def leaves(self, who: str) -> None:
        side: Side = getattr(self, who)
        if not side.talk.is_over:
            self.perform(side, side.talk.leave(self.now))

    # --- What must hold ---

    @invariant()
    def each_text_is_shown_at_most_once_and_in_order(self) -> None:
        """D2, D4."""
        for side in (self.carol, self.dave):
            assert side.heard == self.other(side).said[: len(side.heard)]

    @invariant()
    def memory_is_bounded(self) -> None:
        """D5."""
        for side in (self.carol, self.dave):
            assert len(side.talk._outbox) <= BACKLOG_TEXTS
            assert len(side.talk._outbox._sent) <= WINDOW_TEXTS
            inbox = side.talk._inbox
            assert all(
                inbox.received < seq <= inbox.received + 2 * WINDOW_TEXTS for seq in inbox._early
            )
            assert len(side.to_show) <= 2 * WINDOW_TEXTS

    @invariant()
    def who_is_not_linked_tries_to_be(self) -> None:
        for side in (self.carol, self.dave):
            if not self.link and not side.talk.is_over:
                assert side.wants_link or side.talk.next_deadline() is not None

    def teardown(self) -> None:
        """At quiet both agree, and whatever was said was heard, or is left at the directory."""
        if not self.link:
            self.links_again("carol")
        for _ in range(60):
            for who in ("carol", "dave"):
                self.reads_the_link(who, 1000)
                self.screen_shows(who, 1000)
            self.time_passes(SETTLE_SECONDS / 50)
        assert self.carol.talk.is_over == self.dave.talk.is_over
        for side in (self.carol, self.dave):
            missed = side.said[len(self.other(side).heard) :]
            if side.talk.is_over:
                assert side.talk.is_settled
                assert set(missed) <= set(side.undelivered)
            else:
                assert not missed
                assert side.talk.is_delivered
                assert [type(one) for one in side.told] == [MemberLost, MemberBack] * (
                    len(side.told) // 2
                )


Talk.TestCase.settings = settings(
    derandomize=True, deadline=None, max_examples=120, stateful_step_count=40
)
TestTwoOverLinksThatBreak = Talk.TestCase
