"""Each rule of a conversation by itself, seen by carol; the others say what a test wants."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec
import pytest

from peer import conversation as talk
from peer import delivery, events, membership
from peer.conversation import (
    ACKNOWLEDGE_SECONDS,
    ACKNOWLEDGE_TEXTS,
    BACKLOG_TEXTS,
    FIRST_DIAL_SECONDS,
    HELLO_SECONDS,
    HELLO_SOON_SECONDS,
    LATE_SECONDS,
    LOST_SECONDS,
    PATHLESS_SECONDS,
    REDIAL_FAR_SECONDS,
    REDIAL_SECONDS,
    SETTLE_SECONDS,
    WANT_SECONDS,
    Action,
    Conversation,
    Kept,
    _hello_statement,
)
from peer.delivery import HOLD_SECONDS, WINDOW_TEXTS, sign
from peer.lacks import ASK_AGAIN_SECONDS, CLAIMS, DOUBT_SECONDS
from peer.membership import Roll
from peer.ways import DIRECT
from shared.errors import ProtocolError
from shared.messages import (
    POSITIONS,
    TEXTS,
    Acknowledge,
    Decline,
    Hello,
    Leave,
    Members,
    Membership,
    Message,
    Position,
    Text,
    Want,
)
from tests.peer.talkers import AUTHORITY, conversation_of, me, together

ID = conversation_of("carol")
MINE = "c" * 16  # carol's epoch
EPOCHS = {"dave": "d" * 16, "erin": "e" * 16, "frank": "f" * 16}
A = TypeVar("A")


class Talk:
    """Carol's core, at a time that a test sets."""

    def __init__(
        self, *others: str, kept: Kept | None = None, have: tuple[Position, ...] = ()
    ) -> None:
        self.now = 100.0
        self.memberships = kept.members if kept else together("carol", *others)
        self.roll = Roll(ID, AUTHORITY.certificate)
        self.roll.merge(self.memberships)
        self.core = Conversation(
            ID, me("carol"), self.roll, MINE, first_number=1000, jitter=lambda: 1.0,
            have=have, kept=kept,
        )  # fmt: skip
        self.numbers = 0
        self.begun = self.core.begin(self.now)

    def hears(self, sender: str, message: Message) -> list[Action]:
        return self.core.receive(sender, message, self.now)

    def greets(self, name: str, *have: Position, linked: tuple[str, ...] = ("carol",)) -> None:
        """There is a link to them, and both have said HELLO."""
        self.core.linked(name, self.now)
        self.hears(name, self.hello(name, *have, linked=linked))

    def hello(
        self, by: str, *have: Position, linked: tuple[str, ...] = ("carol",), digest: str = ""
    ) -> Hello:
        """Signed, with a higher number than the last."""
        self.numbers += 1
        digest = digest or self.roll.digest()
        hello = Hello(ID, by, self.numbers, digest, linked, have)
        signature = me(by).identity.sign(_hello_statement(hello))
        return msgspec.structs.replace(hello, signature=signature)

    def passes(self, seconds: float) -> list[Action]:
        """As the timer does: a tick at each deadline."""
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
        """All is shown, and the disk takes it."""
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
        """From its author; shown and kept at once."""
        heard = self.hears(text.author, text)
        return [*heard, *self.keeps(heard)]


def talking(*others: str) -> Talk:
    """All of them are linked with carol, and with each other."""
    made = Talk(*others)
    for name in others:
        made.greets(name, linked=tuple({"carol", *others} - {name}))
    return made


def text(author: str, seq: int, *texts: str, after: tuple[Position, ...] = ()) -> Text:
    epoch = EPOCHS.get(author, MINE)
    made = Text(ID, author, epoch, seq, seq, 7.0, texts or (f"{author} {seq}",), after)
    return sign(me(author), made)


def upto(author: str, seq: int) -> Position:
    return Position(author, EPOCHS.get(author, MINE), seq)


def gone(name: str, *others: str) -> Membership:
    """They leave the conversation that carol has with these."""
    for one in together("carol", *others):
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


# --- Beginning, and links ---------------------------------------------------------


def test_everybody_is_dialled_and_greeted_with_the_roll() -> None:
    carol = Talk("dave", "erin")
    assert only(talk.Dial, carol.begun) == [talk.Dial("dave"), talk.Dial("erin")]
    members, hello = sent(carol.core.linked("dave", carol.now), "dave")
    assert members == Members(ID, carol.roll.all())
    assert isinstance(hello, Hello)
    assert (hello.by, hello.number, hello.have) == ("carol", 1001, ())
    assert hello.members == carol.roll.digest()


def test_on_a_link_that_takes_over_the_roll_is_not_said_again() -> None:
    carol = talking("dave")
    (hello,) = sent(carol.core.linked("dave", carol.now))
    assert isinstance(hello, Hello)


def test_when_the_roll_of_the_other_is_another_they_are_told_ours() -> None:
    carol = talking("dave")
    heard = carol.hears("dave", carol.hello("dave", digest="0" * 32))
    assert Members(ID, carol.roll.all()) in sent(heard, "dave")


def test_who_took_another_link_for_ours_is_greeted_again() -> None:
    """Else they would not know where to go on, and send nothing until our next HELLO."""
    carol = talking("dave")
    assert sent(carol.hears("dave", carol.hello("dave"))) == []
    (hello,) = sent(carol.hears("dave", carol.hello("dave", linked=())), "dave")
    assert isinstance(hello, Hello)
    assert hello.linked == ("dave",)


def test_of_strangers_nothing_is_heard() -> None:
    carol = talking("dave")
    stranger = Text(ID, "mallory", "9" * 16, 1, 1, 7.0, ("let me in",))
    hello = Hello(ID, "mallory", 1, "0" * 32, ("carol",), ())
    for message in (stranger, hello, Acknowledge(ID, (upto("carol", 9),)), Leave(ID),
                    Want(ID, upto("carol", 0)), Decline("1" * 32)):  # fmt: skip
        assert carol.hears("mallory", message) == []
    assert carol.core.linked("mallory", carol.now) == []
    assert carol.core.link_lost("mallory", carol.now) == []
    assert carol.core.unreachable("mallory", carol.now) == []
    assert carol.core.may_be_back("mallory", carol.now) == []
    carol.core.not_left("mallory", upto("carol", 0))
    assert not carol.core.concerns("mallory")
    assert carol.core.concerns("dave")


# --- Handing on -------------------------------------------------------------------


def test_a_text_that_somebody_hands_on_is_shown_when_its_author_has_signed_it() -> None:
    carol = talking("dave", "erin")
    assert read(carol.hears("dave", text("erin", 1, "hello"))) == ["hello"]


@pytest.mark.parametrize("author", ["erin", "mallory"])
def test_a_forged_text_is_not_shown_and_not_the_fault_of_who_hands_it_on(author: str) -> None:
    carol = talking("dave", "erin")
    forged = msgspec.structs.replace(text("dave", 1), author=author)
    assert carol.hears("dave", forged) == []
    assert read(carol.hears("dave", text("erin", 1))) == ["erin 1"]


def test_an_author_who_was_started_too_often_is_not_the_fault_of_who_hands_it_on() -> None:
    carol, limit = talking("dave", "erin"), delivery.EPOCHS
    texts = [
        sign(me("erin"), msgspec.structs.replace(text("erin", 1), epoch=f"{start:016x}"))
        for start in range(limit + 1)
    ]
    for one in texts[:limit]:
        heard = carol.hears("dave", one)
        assert len(heard) == 1
        carol.keeps(heard)
    assert carol.hears("dave", texts[limit]) == []
    with pytest.raises(ProtocolError, match="started too often"):
        carol.hears("erin", texts[limit])


def test_a_hello_is_passed_on_to_those_who_cannot_hear_it() -> None:
    carol = Talk("dave", "erin", "frank")
    carol.greets("dave", linked=("carol", "erin"))
    carol.greets("frank", linked=("carol",))
    hello = carol.hello("erin")
    carol.core.linked("erin", carol.now)
    assert talk.Send(("frank",), hello) in carol.hears("erin", hello)


def test_a_forged_hello_is_not_heard_and_not_the_fault_of_who_passes_it_on() -> None:
    carol = Talk("dave", "erin")
    carol.greets("dave")
    forged = msgspec.structs.replace(carol.hello("erin"), linked=("dave", "carol"))
    assert carol.hears("dave", forged) == []
    assert carol.core.who()[1][1] == ""


# --- Bounds -----------------------------------------------------------------------


def test_what_nobody_here_can_have_written_is_not_asked_for() -> None:
    carol = talking("dave", "erin")
    nobody = Position("mallory", "9" * 16, 7)
    assert sent(carol.hears("dave", Acknowledge(ID, (nobody,)))) == []
    assert not only(Want, sent(carol.passes(10)))


def test_what_is_asked_for_is_bounded() -> None:
    carol = talking("dave", "erin")
    for start in range(3):
        claims = [Position("erin", f"{start}{n:015x}", 7) for n in range(POSITIONS)]
        carol.hears("dave", Acknowledge(ID, tuple(claims)))
    assert len(carol.core._lacks) == CLAIMS


def test_an_acknowledgement_of_what_i_never_wrote_is_not_kept() -> None:
    carol = talking("dave")
    heard = carol.hears("dave", Acknowledge(ID, (Position("carol", "9" * 16, 7),)))
    assert only(talk.KeepAcknowledged, heard) == []
    assert not carol.core.has("dave", "9" * 16, 1)


# --- Leaving ----------------------------------------------------------------------


def test_a_text_that_crosses_the_leaving_of_its_reader_goes_to_the_mailbox() -> None:
    carol = talking("dave", "erin")
    carol.keeps(carol.says("one"))
    carol.hears("dave", Acknowledge(ID, (upto("carol", 1),)))
    carol.keeps(carol.says("wait", "for me"))
    heard = carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    assert only(talk.LeaveFor, heard) == [talk.LeaveFor("dave", upto("carol", 1), 3)]
    assert shown(heard) == [events.MemberLeft("dave")]


def test_also_when_the_disk_has_it_only_later() -> None:
    carol = talking("dave", "erin")
    said = carol.says("wait")
    heard = carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    assert only(talk.LeaveFor, heard) == []
    assert only(talk.LeaveFor, carol.keeps(said)) == [talk.LeaveFor("dave", upto("carol", 0), 1)]
    assert only(talk.LeaveFor, carol.keeps(carol.says("he is gone"))) == []


def test_what_is_said_after_their_leaving_is_not_for_them() -> None:
    carol = talking("dave", "erin")
    said = carol.says("wait")
    carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    later = carol.says("he is gone")  # while the disk is at work on the first one
    assert only(talk.LeaveFor, carol.keeps(said)) == [talk.LeaveFor("dave", upto("carol", 0), 1)]
    assert only(talk.LeaveFor, carol.keeps(later)) == []


def test_what_the_own_disk_takes_late_is_left_also_for_who_has_left() -> None:
    carol = talking("dave")
    said = carol.says("wait")
    carol.hears("dave", Members(ID, (gone("dave", "dave"),)))
    done = carol.passes(SETTLE_SECONDS + 1)
    reason = "your disk did not take what you wrote last"
    assert talk.Show(events.NotDelivered("dave", reason)) in done
    assert carol.keeps(said) == [talk.LeaveFor("dave", upto("carol", 0), 1)]


def test_leaving_acknowledges_all_and_says_so() -> None:
    carol = talking("dave")
    carol.hears_text(text("dave", 1))
    done = carol.core.leave(carol.now)
    mine = carol.roll.of("carol")
    assert mine is not None
    assert sent(done) == [Acknowledge(ID, (upto("dave", 1),)), Members(ID, (mine,))]
    assert done[2:] == [
        talk.KeepMembers(("carol",)),
        talk.Show(events.ConversationLeft()),
        talk.Finished(),
        talk.Settled(),
    ]
    assert not carol.roll.is_in("carol")
    assert carol.core.is_over
    assert carol.core.is_settled
    assert carol.core.next_deadline() is None
    assert carol.core.tick(1e9) == []
    assert carol.core.link_lost("dave", 1e9) == []


def test_after_leaving_the_last_acknowledgement_is_waited_for() -> None:
    carol = talking("dave")
    carol.keeps(carol.says("one"))
    carol.keeps(carol.says("two"))
    assert not only(talk.Settled, carol.core.leave(carol.now))
    assert carol.hears("dave", text("dave", 1)) == []
    assert carol.hears("dave", Leave(ID)) == []
    assert not only(talk.Settled, carol.hears("dave", Acknowledge(ID, (upto("carol", 1),))))
    heard = carol.hears("dave", Acknowledge(ID, (upto("carol", 2),)))
    assert heard[-1] == talk.Settled()
    assert not only(talk.LeaveFor, heard)


@pytest.mark.parametrize("end", ["time", "link"])
def test_without_it_all_that_is_lacking_is_left_at_the_directory(end: str) -> None:
    carol = talking("dave")
    carol.keeps(carol.says("one"))
    carol.core.leave(carol.now)
    done = carol.passes(SETTLE_SECONDS) if end == "time" else carol.core.link_lost("dave", 1.0)
    assert done == [talk.LeaveFor("dave", upto("carol", 0), 1), talk.Settled()]


def test_what_is_on_its_way_to_screen_and_disk_is_acknowledged_after_leaving() -> None:
    carol = talking("dave")
    heard = carol.hears("dave", text("dave", 1))
    assert not only(talk.Settled, carol.core.leave(carol.now))
    done = carol.keeps(heard)
    assert done == [
        talk.Send(("dave",), Acknowledge(ID, (upto("dave", 1),))),
        talk.Settled(),
    ]


def test_who_left_goes_on_with_no_timer_but_the_last() -> None:
    carol = talking("dave")
    carol.keeps(carol.says("one"))
    carol.now += HELLO_SECONDS - 1
    carol.core.leave(carol.now)
    assert carol.core.tick(carol.now + 2) == []  # the time of a HELLO, which nobody needs
    assert carol.core.may_be_back("dave", carol.now) == []
    carol.core.link_lost("dave", carol.now)


def test_the_other_leaves() -> None:
    carol = talking("dave")
    heard = carol.hears("dave", Members(ID, (gone("dave", "dave"),)))
    assert shown(heard) == [events.MemberLeft("dave"), events.ConversationOver()]
    assert heard[-2:] == [talk.Finished(), talk.Settled()]
    assert not carol.roll.is_in("carol")
    assert carol.core.others == ()


def test_somebody_leaves_and_two_go_on() -> None:
    carol = talking("dave", "erin")
    gone_now = gone("dave", "dave", "erin")
    heard = carol.hears("dave", Members(ID, (gone_now,)))
    assert shown(heard) == [events.MemberLeft("dave")]
    assert talk.KeepMembers(("dave",)) in heard
    assert talk.Send(("erin",), Members(ID, (gone_now,))) in heard
    assert carol.core.others == ("erin",)
    assert carol.hears("dave", Members(ID, (gone_now,))) == []


def test_who_has_left_is_told_so_when_they_ask() -> None:
    carol = talking("dave", "erin")
    carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    everything = [talk.Send(("dave",), Members(ID, carol.roll.all()))]
    assert carol.hears("dave", carol.hello("dave")) == everything
    assert carol.hears("erin", carol.hello("dave")) == []


def test_who_knows_nothing_of_the_conversation_sees_what_they_have_signed() -> None:
    carol = talking("dave")
    assert carol.hears("dave", Leave(ID)) == [
        talk.Send(("dave",), Members(ID, carol.roll.all())),
    ]


def test_another_program_of_mine_has_left() -> None:
    carol = talking("dave")
    heard = carol.hears("dave", Members(ID, (gone("carol", "dave"),)))
    assert talk.Finished() in heard
    assert carol.core.is_over


def test_of_who_came_and_went_unheard_nothing_is_said() -> None:
    carol = talking("dave")
    gone_now = gone("erin", "dave", "erin")
    assert shown(carol.hears("dave", Members(ID, (gone_now,)))) == []
    assert carol.core.others == ("dave",)


def test_a_hello_after_the_end_lets_the_last_texts_be_acknowledged() -> None:
    carol = talking("dave")
    carol.keeps(carol.says("one"))
    carol.core.leave(carol.now)
    heard = carol.hears("dave", carol.hello("dave", upto("carol", 1)))
    assert heard[-1] == talk.Settled()


def test_memberships_that_come_after_the_end_are_handed_on_and_no_more() -> None:
    carol = talking("dave", "erin")
    carol.keeps(carol.says("one"))
    carol.core.leave(carol.now)
    heard = carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    assert [type(one) for one in heard] == [talk.Send, talk.KeepMembers]


def test_who_has_left_as_well_is_told_of_nobody_any_more() -> None:
    carol = talking("dave", "erin")
    carol.says("one")  # which the disk does not take, so that it is not settled
    carol.core.leave(carol.now)
    carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    heard = carol.hears("erin", carol.hello("erin"))
    assert not any("dave" in one.to for one in heard if isinstance(one, talk.Send))


def test_two_have_left_and_a_new_link_between_them_is_not_for_this() -> None:
    carol = talking("dave", "erin")
    carol.says("one")  # which the disk does not take, so that it is not settled
    carol.core.leave(carol.now)
    hello = carol.hello("dave")
    carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    carol.core.link_lost("dave", carol.now)
    assert carol.core.linked("dave", carol.now) == []
    assert carol.hears("dave", hello) == []


def test_two_have_left_and_what_one_still_had_to_send_goes_nowhere() -> None:
    carol = talking("dave", "erin")
    said = carol.says(*(f"line {n}" for n in range(WINDOW_TEXTS + TEXTS)))
    carol.core.leave(carol.now)
    carol.hears("dave", Members(ID, (gone("dave", "dave", "erin"),)))
    carol.keeps(said)
    heard = carol.hears("dave", Acknowledge(ID, (upto("carol", TEXTS),)))
    assert sent(heard) == []


# --- Coming in --------------------------------------------------------------------


def test_somebody_joins() -> None:
    carol = talking("dave")
    *_, erins = together("carol", "dave", "erin")
    heard = carol.hears("erin", Members(ID, (erins,)))
    assert shown(heard) == [events.MemberJoined("erin")]
    assert talk.Send(("dave",), Members(ID, (erins,))) in heard
    assert carol.core.memberships() == together("carol", "dave", "erin")
    assert carol.core.others == ("dave", "erin")
    assert only(talk.Dial, carol.passes(FIRST_DIAL_SECONDS - 0.1)) == []
    assert only(talk.Dial, carol.passes(0.2)) == [talk.Dial("erin")]


def test_what_was_said_before_is_not_for_a_newcomer() -> None:
    carol = talking("dave")
    carol.keeps(carol.says("one"))
    heard = carol.hears("dave", text("dave", 1))
    assert carol.core.have() == (upto("carol", 1),)
    assert set(carol.core.before()) == {upto("carol", 1), upto("dave", 1)}
    assert carol.core.lamport == 1
    carol.keeps(heard)
    *_, erins = together("carol", "dave", "erin")
    carol.hears("erin", Members(ID, (erins,)))
    carol.greets("erin", upto("carol", 1))
    assert not carol.core.is_for("erin", MINE, 1)
    assert not carol.core.has("erin", MINE, 1)
    assert carol.core.lacks("erin") == 0
    carol.keeps(carol.says("two"))
    assert carol.core.is_for("erin", MINE, 2)
    assert not carol.core.has("erin", MINE, 2)


def test_a_newcomer_begins_where_the_one_who_added_them_stands() -> None:
    carol = Talk("dave", "erin", have=(upto("dave", 5),))
    carol.greets("dave")
    assert carol.hears("dave", text("dave", 5)) == []
    assert read(carol.hears("dave", text("dave", 6))) == ["dave 6"]
    said = carol.says("hello")
    (mine,) = only(Text, sent(said))
    assert mine.after == (upto("dave", 6),)
    assert mine.lamport == 7


# --- Talking ----------------------------------------------------------------------


def test_a_text_goes_to_all_at_once_and_to_the_disk_beside_it() -> None:
    carol = talking("dave", "erin")
    assert [carol.core.say("one"), carol.core.say("two")] == [1, 2]
    assert not carol.core.must_flush
    send, keep = carol.core.flush(7.0, carol.now)
    assert isinstance(send, talk.Send)
    assert isinstance(keep, talk.Keep)
    assert send == talk.Send(("dave", "erin"), keep.text)
    assert (keep.text.texts, keep.text.seq, keep.text.time) == (("one", "two"), 1, 7.0)
    assert carol.core.epoch == keep.text.epoch == MINE
    assert carol.core.flush(7.0, carol.now) == []


def test_an_answer_says_what_it_comes_after() -> None:
    carol = talking("dave", "erin")
    carol.hears_text(text("dave", 1))
    (mine,) = only(talk.Keep, carol.says("yes"))
    assert mine.text.after == (upto("dave", 1),)
    assert mine.text.lamport == 2


def test_a_text_is_acknowledged_a_moment_after_it_lies_on_disk() -> None:
    carol = talking("dave")
    heard = carol.hears("dave", text("dave", 1))
    assert heard == [talk.Read(text("dave", 1))]
    assert carol.core.has_come("dave", EPOCHS["dave"], 1)
    assert not carol.core.has_come("dave", EPOCHS["dave"], 2)
    assert carol.core.shown(text("dave", 1)) == [talk.Keep(text("dave", 1))]
    assert sent(carol.passes(1)) == []
    carol.core.kept(text("dave", 1), carol.now)
    assert carol.core.next_deadline() == carol.now + ACKNOWLEDGE_SECONDS
    assert sent(carol.passes(1), "dave") == [Acknowledge(ID, (upto("dave", 1),))]


def test_no_text_is_kept_before_an_earlier_one() -> None:
    """Nothing was to be shown of the second: it was read as a letter, say."""
    carol = talking("dave")
    carol.hears("dave", text("dave", 1))
    carol.hears("dave", text("dave", 2))
    assert carol.core.shown(text("dave", 2)) == []
    both = [talk.Keep(text("dave", 1)), talk.Keep(text("dave", 2))]
    assert carol.core.shown(text("dave", 1)) == both


def test_many_texts_are_acknowledged_together() -> None:
    carol = talking("dave")
    done = [
        action
        for seq in range(1, ACKNOWLEDGE_TEXTS + 1)
        for action in carol.hears_text(text("dave", seq))
    ]
    assert sent(done) == [Acknowledge(ID, (upto("dave", ACKNOWLEDGE_TEXTS),))]
    assert sent(carol.passes(1)) == []


def test_a_duplicate_is_not_shown_but_acknowledged_again() -> None:
    carol = talking("dave")
    carol.hears_text(text("dave", 1))
    carol.passes(1)
    assert carol.hears("dave", text("dave", 1)) == []
    assert sent(carol.passes(1)) == [Acknowledge(ID, (upto("dave", 1),))]


def test_a_duplicate_of_what_is_not_on_disk_is_not_acknowledged() -> None:
    carol = talking("dave")
    carol.hears("dave", text("dave", 1))
    assert carol.hears("dave", text("dave", 1)) == []
    assert sent(carol.passes(1)) == []


def test_an_answer_is_held_back_until_its_question_is_there_or_shown_with_a_word() -> None:
    carol = talking("dave", "erin")
    assert carol.hears("erin", text("erin", 1, after=(upto("dave", 1),))) == []
    late = carol.passes(HOLD_SECONDS)
    assert shown(late) == [events.Missing()]
    assert read(late) == ["erin 1"]
    assert carol.hears("erin", text("erin", 2, after=(upto("dave", 2),))) == []
    assert read(carol.hears("dave", text("dave", 1))) == ["dave 1"]
    assert read(carol.hears("dave", text("dave", 2))) == ["dave 2", "erin 2"]


def test_acknowledgements_let_the_next_texts_go() -> None:
    carol = talking("dave")
    for _ in range(WINDOW_TEXTS):
        assert len(sent(carol.keeps_and_returns(carol.says("x")))) == 1
    assert sent(carol.keeps_and_returns(carol.says("y"))) == []
    (more,) = sent(carol.hears("dave", Acknowledge(ID, (upto("carol", 1),))))
    assert isinstance(more, Text)
    assert more.texts == ("y",)
    assert not carol.core.is_delivered
    carol.hears("dave", Acknowledge(ID, (upto("carol", WINDOW_TEXTS + 1),)))
    assert carol.core.is_delivered
    assert not carol.core.can_deliver


def test_an_acknowledgement_of_what_was_never_sent_breaks_the_protocol() -> None:
    carol = talking("dave")
    with pytest.raises(ProtocolError, match="never sent"):
        carol.hears("dave", Acknowledge(ID, (upto("carol", 1),)))
    with pytest.raises(ProtocolError, match="never sent"):
        carol.hears("dave", carol.hello("dave", upto("carol", 1)))


def test_but_not_when_another_hands_it_on() -> None:
    carol = Talk("dave", "erin")
    carol.greets("dave", linked=("carol", "erin"))
    assert carol.hears("dave", carol.hello("erin", upto("carol", 1))) == []


def test_who_keeps_up_best_decides_whether_the_keyboard_waits() -> None:
    carol = talking("dave", "erin")
    assert carol.core.has_room
    said = [action for _ in range(BACKLOG_TEXTS) for action in carol.says("x")]
    assert not carol.core.has_room  # the disk is behind
    carol.keeps(said)
    assert not carol.core.has_room
    carol.hears("dave", Acknowledge(ID, (upto("carol", 1),)))
    assert carol.core.has_room
    carol.core.link_lost("dave", carol.now)
    assert not carol.core.has_room
    carol.core.link_lost("erin", carol.now)
    assert carol.core.has_room  # there is only the disk to fill


def test_what_is_acknowledged_is_known_of_each() -> None:
    carol = talking("dave", "erin")
    carol.keeps(carol.says("one"))
    heard = carol.hears("dave", Acknowledge(ID, (upto("carol", 1),)))
    assert heard == [talk.KeepAcknowledged("dave", MINE, 1)]
    assert carol.core.has("dave", MINE, 1)
    assert not carol.core.has("erin", MINE, 1)
    assert (carol.core.lacks("dave"), carol.core.lacks("erin")) == (0, 1)
    assert carol.core.can_deliver
    assert not carol.core.waits_at_directory("erin", MINE, 1)
    assert not carol.core.waits_at_directory("mallory", MINE, 1)


# --- Asking for what is lacking ---------------------------------------------------


def wants(actions: list[Action]) -> list[tuple[tuple[str, ...], Position]]:
    return [
        (action.to, action.message.after)
        for action in actions
        if isinstance(action, talk.Send) and isinstance(action.message, Want)
    ]


def test_what_is_missing_in_between_is_asked_of_its_author() -> None:
    carol = talking("dave", "erin")
    assert carol.hears("dave", text("dave", 3)) == []
    assert wants(carol.passes(WANT_SECONDS)) == [(("dave",), upto("dave", 0))]
    carol.hears("dave", text("dave", 1, "one", "two"))
    assert wants(carol.passes(ASK_AGAIN_SECONDS)) == [(("dave",), upto("dave", 2))]
    carol.hears("dave", text("dave", 3))
    assert wants(carol.passes(60)) == []


def test_how_much_is_to_come_is_known_until_its_source_was_asked_in_vain() -> None:
    carol = talking("dave", "erin")
    assert carol.core.to_come == 0
    carol.hears("erin", Acknowledge(ID, (upto("dave", 30),)))
    assert carol.core.to_come == 30
    carol.hears("dave", text("dave", 1, "one", "two"))
    assert carol.core.to_come == 28
    carol.passes(WANT_SECONDS + 2 * ASK_AGAIN_SECONDS)
    assert carol.core.to_come == 0  # erin has told of it, and has it no more
    carol.hears("erin", Acknowledge(ID, (upto("dave", 31),)))
    assert carol.core.to_come == 0  # and is not believed at once
    carol.passes(DOUBT_SECONDS)
    carol.hears("dave", text("dave", 3))
    carol.hears("erin", Acknowledge(ID, (upto("dave", 31),)))
    assert carol.core.to_come == 28


def test_what_others_say_that_they_have_may_bring_the_question_forward() -> None:
    carol = Talk("dave", "erin")
    carol.greets("dave", linked=("carol", "erin"))
    assert carol.hears("dave", text("erin", 3)) == []
    heard = carol.hears("dave", Acknowledge(ID, (upto("erin", 3),)))
    assert wants(heard) == [(("dave",), upto("erin", 0))]


def test_and_then_of_those_who_say_that_they_have_it() -> None:
    carol = talking("dave", "erin", "frank", "grace")
    carol.hears("frank", Acknowledge(ID, (upto("dave", 1),)))
    asked = wants(carol.passes(WANT_SECONDS))
    assert wants(carol.hears("erin", Acknowledge(ID, (upto("dave", 1),)))) == []
    asked += wants(carol.passes(10 * ASK_AGAIN_SECONDS))
    assert [to for to, _ in asked] == [("dave",), ("frank",), ("erin",)]


def test_a_link_that_is_lost_was_not_asked_in_vain() -> None:
    carol = Talk("dave", "erin", "frank")
    carol.greets("dave")
    carol.greets("erin")
    carol.hears("dave", Acknowledge(ID, (upto("frank", 1),)))
    carol.hears("erin", Acknowledge(ID, (upto("frank", 1),)))
    lost = carol.core.link_lost("dave", carol.now)
    assert wants([*lost, *carol.passes(0)]) == [(("erin",), upto("frank", 0))]
    carol.greets("dave", upto("frank", 1))
    assert wants(carol.passes(ASK_AGAIN_SECONDS)) == [(("dave",), upto("frank", 0))]


def test_a_far_member_cannot_be_asked_and_so_others_are() -> None:
    carol = Talk("dave", "erin", "frank")
    carol.greets("dave", linked=("carol", "erin"))
    carol.greets("frank")
    carol.hears("dave", carol.hello("erin", upto("erin", 1), linked=("dave",)))
    asked = wants(carol.passes(20))
    assert [to for to, _ in asked] == [("dave",), ("frank",)]


def test_without_a_link_to_the_author_it_is_asked_at_once() -> None:
    carol = Talk("dave", "erin")
    carol.greets("dave", linked=("carol", "erin"))
    heard = carol.hears("dave", Acknowledge(ID, (upto("erin", 2),)))
    assert wants(heard) == [(("dave",), upto("erin", 0))]
    assert wants(carol.hears("dave", Acknowledge(ID, (upto("erin", 2),)))) == []
    carol.hears("dave", text("erin", 1))
    more = carol.hears("dave", Acknowledge(ID, (upto("erin", 2),)))
    assert wants(more) == [(("dave",), upto("erin", 1))]


def test_without_any_link_nobody_is_asked() -> None:
    carol = talking("dave", "erin")
    carol.hears("dave", Acknowledge(ID, (upto("erin", 2),)))
    carol.core.link_lost("dave", carol.now)
    carol.core.link_lost("erin", carol.now)
    assert wants(carol.passes(10)) == []
    assert not carol.core._lacks


def test_no_more_is_asked_for_than_the_disk_can_take() -> None:
    carol = Talk("dave", "erin")
    carol.greets("dave", linked=("carol", "erin"))
    heard: list[Action] = []
    for seq in range(1, WINDOW_TEXTS + 2):
        heard += carol.hears("dave", text("erin", seq))
    more = Acknowledge(ID, (upto("erin", WINDOW_TEXTS + 9),))
    assert wants(carol.hears("dave", more)) == []
    carol.keeps(heard)
    assert wants(carol.passes(ACKNOWLEDGE_SECONDS)) == [(("dave",), upto("erin", WINDOW_TEXTS + 1))]


def test_whoever_asks_is_handed_what_lies_on_disk_and_told_how_much_there_is() -> None:
    carol = talking("dave", "erin")
    carol.hears_text(text("dave", 1))
    assert carol.hears("erin", Want(ID, upto("dave", 0))) == [talk.Hand("erin", upto("dave", 0))]
    told = carol.core.handed("erin", upto("dave", 0))
    assert told == [talk.Send(("erin",), Acknowledge(ID, (upto("dave", 1),)))]
    assert carol.core.handed("erin", upto("frank", 0)) == []


def test_who_is_too_far_behind_is_told_to_ask() -> None:
    carol = talking("dave")
    long = "x" * 8_000
    for _ in range(600):
        carol.keeps(carol.says(long))
    heard = carol.hears("dave", Acknowledge(ID, (upto("carol", 1),)))
    assert sent(heard) == [Acknowledge(ID, (upto("carol", 600),))]


def test_a_text_of_mine_that_my_disk_has_lost_comes_back_to_it_and_not_to_the_screen() -> None:
    carol = talking("dave", "erin")
    lost = sign(me("carol"), msgspec.structs.replace(text("carol", 1), epoch="0" * 16))
    heard = carol.hears("dave", lost)
    assert heard == [talk.Keep(lost)]
    carol.keeps(heard)
    assert Position("carol", "0" * 16, 1) in carol.core.have()
    assert not only(Acknowledge, sent(carol.passes(1)))


def test_an_acknowledgement_goes_also_to_whom_the_author_does_not_reach() -> None:
    carol = Talk("dave", "erin", "frank")
    carol.greets("dave", linked=("carol",))
    carol.greets("erin", linked=("carol", "frank"))
    carol.greets("frank", linked=("carol", "erin"))
    carol.hears_text(text("erin", 1))
    done = carol.passes(ACKNOWLEDGE_SECONDS)
    acknowledged = Acknowledge(ID, (upto("erin", 1),))
    assert sent(done, "erin") == sent(done, "dave") == [acknowledged]
    assert sent(done, "frank") == []


def test_an_author_without_a_link_reads_it_in_a_hello() -> None:
    carol = Talk("dave", "erin")
    carol.greets("dave", linked=("carol", "erin"))
    carol.passes(HELLO_SOON_SECONDS)
    carol.keeps(carol.hears("dave", text("erin", 1)))
    soon = carol.passes(ACKNOWLEDGE_SECONDS + HELLO_SOON_SECONDS)
    (hello,) = only(Hello, sent(soon, "dave"))
    assert hello.have == (upto("erin", 1),)


# --- Late -------------------------------------------------------------------------


def test_who_lacks_a_text_for_long_is_told_of_once_and_so_is_the_end_of_it() -> None:
    carol = talking("dave", "erin")
    carol.keeps(carol.says("one"))
    carol.hears("erin", Acknowledge(ID, (upto("carol", 1),)))
    assert shown(carol.passes(LATE_SECONDS - 0.1)) == []
    assert shown(carol.passes(0.2)) == [events.NotYetDelivered("dave")]
    carol.keeps(carol.says("two"))
    assert shown(carol.passes(4)) == []
    assert shown(carol.hears("dave", Acknowledge(ID, (upto("carol", 1),)))) == []
    told = shown(carol.hears("dave", Acknowledge(ID, (upto("carol", 2),))))
    assert told == [events.Delivered("dave")]
    carol.hears("erin", Acknowledge(ID, (upto("carol", 2),)))
    assert shown(carol.passes(60)) == []


def test_who_is_out_of_reach_for_long_gets_it_through_the_mailbox() -> None:
    carol = talking("dave", "erin")
    carol.core.link_lost("dave", carol.now)
    carol.hears("erin", carol.hello("erin"))
    carol.keeps(carol.says("one"))
    assert only(talk.LeaveFor, carol.passes(PATHLESS_SECONDS - 0.1)) == []
    assert only(talk.LeaveFor, carol.passes(0.2)) == [talk.LeaveFor("dave", upto("carol", 0), 1)]
    assert carol.core.waits_at_directory("dave", MINE, 1)
    assert only(talk.LeaveFor, carol.passes(10)) == []
    carol.core.not_left("dave", upto("carol", 0))
    assert only(talk.LeaveFor, carol.passes(10)) == [talk.LeaveFor("dave", upto("carol", 0), 1)]


def test_what_nobody_has_and_nobody_has_left_is_owed_to_the_members() -> None:
    carol = talking("dave", "erin")
    assert carol.core.owed() == []
    one = carol.says("one")
    carol.keeps(one)
    carol.hears("erin", Acknowledge(ID, (upto("carol", 1),)))
    carol.says("two")  # is not on disk yet
    to_erin = talk.LeaveFor("erin", upto("carol", 1), 2)
    assert carol.core.owed() == [talk.LeaveFor("dave", upto("carol", 0), 2), to_erin]
    carol.core.was_left("dave", MINE, 1)
    carol.core.was_left("mallory", MINE, 1)
    assert carol.core.owed() == [talk.LeaveFor("dave", upto("carol", 1), 2), to_erin]
    carol.core.was_left("dave", MINE, 2)
    assert carol.core.owed() == [to_erin]
    assert carol.core.waits_at_directory("dave", MINE, 2)


def test_somebody_else_has_half_a_minute_to_hand_it_on() -> None:
    carol = talking("dave", "erin")
    carol.keeps(carol.says("one"))
    carol.core.link_lost("dave", carol.now)  # erin is linked with them
    assert only(talk.LeaveFor, carol.passes(PATHLESS_SECONDS - 1)) == []
    assert [left.to for left in only(talk.LeaveFor, carol.passes(2))] == ["dave"]


def test_what_was_taken_from_the_mailbox_is_delivered() -> None:
    carol = talking("dave", "erin")
    carol.keeps(carol.says("one"))
    carol.keeps(carol.says("two"))
    assert carol.core.taken_from_mailbox("dave", MINE, 2) == []  # the first one is missing
    assert carol.core.taken_from_mailbox("dave", MINE, 1) == [
        talk.KeepAcknowledged("dave", MINE, 1)
    ]
    assert carol.core.taken_from_mailbox("dave", MINE, 1) == []


# --- Lost, back, left -------------------------------------------------------------


def test_a_lost_link_is_said_once_and_dialled_again_and_again() -> None:
    carol = talking("dave")
    assert carol.core.link_lost("dave", carol.now) == [
        talk.Show(events.MemberLost("dave")),
        talk.Dial("dave"),
    ]
    carol.core.unreachable("dave", carol.now)
    assert carol.passes(REDIAL_SECONDS) == [talk.Dial("dave")]
    assert len(only(talk.Dial, carol.passes(5))) == 5
    carol.greets("dave")
    assert carol.passes(5) == []
    carol.core.unreachable("dave", carol.now)  # of a dial that a link had overtaken
    assert carol.passes(5) == []


def test_who_is_back_is_said_and_gets_what_was_missed() -> None:
    carol = talking("dave")
    carol.keeps(carol.says("one"))
    carol.core.link_lost("dave", carol.now)
    carol.keeps(carol.says("two"))
    assert carol.core.who() == [("dave", "", carol.now)]
    carol.core.linked("dave", carol.now)
    back = carol.hears("dave", carol.hello("dave", upto("carol", 1)))
    assert shown(back) == [events.MemberBack("dave")]
    assert [one.texts for one in only(Text, sent(back))] == [("two",)]
    assert carol.core.who() == [("dave", DIRECT, None)]


def way(at: Talk, name: str) -> str:
    (found,) = [way for one, way, _ in at.core.who() if one == name]
    return found


def test_who_is_reached_through_another_is_not_lost() -> None:
    carol = talking("dave", "erin", "frank")
    lost = carol.core.link_lost("dave", carol.now)
    assert lost == [talk.Dial("dave")]
    assert way(carol, "dave") == "erin"
    carol.hears("erin", carol.hello("erin"))
    carol.hears("frank", carol.hello("frank", linked=("carol", "dave")))
    assert way(carol, "dave") == "frank"
    lost = carol.hears("frank", carol.hello("frank", linked=("carol", "mallory")))
    assert shown(lost) == [events.MemberLost("dave")]
    assert len(only(talk.Dial, carol.passes(10))) == 10


def test_who_is_reached_through_another_is_dialled_seldom() -> None:
    carol = talking("dave", "erin")
    carol.core.link_lost("dave", carol.now)
    carol.passes(REDIAL_SECONDS)
    assert len(only(talk.Dial, carol.passes(10 * REDIAL_FAR_SECONDS))) == 10


def test_who_comes_online_is_dialled_at_once() -> None:
    carol = talking("dave", "erin")
    assert carol.core.may_be_back("dave", carol.now) == []
    carol.core.link_lost("dave", carol.now)
    assert carol.core.may_be_back("dave", carol.now) == [talk.Dial("dave")]


def test_a_minute_out_of_reach_looks_as_if_they_had_left() -> None:
    carol = talking("dave", "erin")
    carol.core.link_lost("dave", carol.now)
    carol.hears("erin", carol.hello("erin"))
    assert shown(carol.passes(LOST_SECONDS - 1)) == []
    assert shown(carol.passes(2)) == [events.MemberLeft("dave", "connection lost")]
    assert carol.core.others == ("erin",)
    assert carol.core.concerns("dave")
    carol.core.linked("dave", carol.now)
    back = carol.hears("dave", carol.hello("dave"))
    assert shown(back) == [events.MemberJoined("dave")]
    carol.core.link_lost("dave", carol.now)
    carol.passes(LOST_SECONDS + 1)
    heard = carol.hears("erin", Members(ID, (gone("dave", "dave", "erin"),)))
    assert shown(heard) == []  # they had left already, as far as the user knows


def test_of_two_it_is_over_then() -> None:
    carol = talking("dave")
    carol.keeps(carol.says("one"))
    carol.core.link_lost("dave", carol.now)
    done = carol.passes(LOST_SECONDS)
    assert shown(done) == [
        events.NotYetDelivered("dave"),
        events.MemberLeft("dave", "connection lost"),
        events.ConversationOver(),
    ]
    assert only(talk.LeaveFor, done) == [talk.LeaveFor("dave", upto("carol", 0), 1)]
    assert done[-2:] == [talk.Finished(), talk.Settled()]
    assert not carol.roll.is_in("carol")


def test_who_is_linked_and_never_says_hello_reads_that_it_is_over() -> None:
    carol = Talk("dave")
    carol.core.linked("dave", carol.now)
    done = carol.passes(LOST_SECONDS)
    mine = carol.roll.of("carol")
    assert mine is not None
    assert talk.Send(("dave",), Members(ID, (mine,))) in done
    assert not carol.roll.is_in("carol")


def test_who_never_came_is_not_said_to_be_lost() -> None:
    carol = Talk("dave", "erin")
    carol.greets("erin")
    assert shown(carol.passes(LOST_SECONDS - 1)) == []


def test_of_many_it_sleeps_when_all_are_gone_and_wakes_with_the_first() -> None:
    carol = talking("dave", "erin")
    carol.core.link_lost("dave", carol.now)
    carol.core.link_lost("erin", carol.now)
    done = carol.passes(LOST_SECONDS)
    assert shown(done)[-1] == events.ConversationOver()
    assert done[-1] == talk.Finished()
    assert carol.core.is_asleep
    assert not carol.core.is_over
    assert shown(carol.passes(100)) == []
    carol.core.linked("dave", carol.now)
    back = carol.hears("dave", carol.hello("dave", linked=("carol",)))
    assert back.count(talk.Back()) == 1
    assert carol.core.others == ("dave",)
    assert not carol.core.is_asleep


def test_what_sleeps_can_be_left_in_silence() -> None:
    carol = talking("dave", "erin")
    carol.core.link_lost("dave", carol.now)
    carol.core.link_lost("erin", carol.now)
    carol.passes(LOST_SECONDS)
    left = carol.core.leave(carol.now)
    assert shown(left) == []
    assert not only(talk.Finished, left)
    assert left[-1] == talk.Settled()


# --- HELLO ------------------------------------------------------------------------


def test_hello_is_said_again_and_again() -> None:
    carol = talking("dave")
    first, second = only(Hello, sent(carol.passes(2 * HELLO_SECONDS)))
    assert second.number == first.number + 1
    carol.core.link_lost("dave", carol.now)
    assert sent(carol.passes(HELLO_SECONDS)) == []


def test_a_change_of_links_is_told_to_the_others_soon() -> None:
    carol = talking("dave", "erin")
    carol.passes(HELLO_SOON_SECONDS)
    carol.core.link_lost("dave", carol.now)
    (hello,) = only(Hello, sent(carol.passes(HELLO_SOON_SECONDS), "erin"))
    assert hello.linked == ("erin",)


def test_a_hello_that_was_passed_on_counts_once() -> None:
    carol = Talk("dave", "erin")
    carol.greets("dave", linked=("carol", "erin"))
    hello = carol.hello("erin", upto("erin", 2), linked=("dave",))
    heard = carol.hears("dave", hello)
    assert wants(heard) == []
    assert wants(carol.passes(WANT_SECONDS)) == [(("dave",), upto("erin", 0))]
    assert carol.hears("dave", hello) == []


def test_a_hello_without_a_link_is_a_link() -> None:
    """The other side has heard of it first."""
    carol = Talk("dave")
    heard = carol.hears("dave", carol.hello("dave"))
    assert [type(one) for one in sent(heard, "dave")] == [Members, Hello]


# --- After a restart --------------------------------------------------------------


def kept(*others: str, written: tuple[tuple[str, int, float], ...] = ()) -> Kept:
    have = (upto("dave", 3), Position("carol", "0" * 16, 2))
    return Kept(together("carol", *others), have, written, (("dave", "0" * 16, 1),), 9)


def test_what_was_interrupted_sleeps_until_somebody_is_in_reach() -> None:
    carol = Talk(kept=kept("dave", "erin"))
    assert only(talk.Dial, carol.begun) == [talk.Dial("dave"), talk.Dial("erin")]
    assert carol.core.is_asleep
    assert shown(carol.passes(2 * LOST_SECONDS)) == []
    assert not carol.core.others
    carol.core.linked("erin", carol.now)
    heard = carol.hears("erin", carol.hello("erin"))
    assert talk.Back() in heard
    assert shown(heard) == []
    assert set(carol.core.others) == {"erin"}


def test_who_has_come_while_it_sleeps_is_in_it_when_it_wakes() -> None:
    carol = Talk(kept=kept("dave"))
    carol.core.linked("dave", carol.now)
    heard = carol.hears("dave", Members(ID, together("carol", "dave", "erin")))
    assert shown(heard) == []
    assert carol.core.is_asleep
    assert talk.Back() in carol.hears("dave", carol.hello("dave", linked=("carol", "erin")))
    assert set(carol.core.others) == {"dave", "erin"}


def test_what_was_on_disk_is_neither_shown_nor_said_again() -> None:
    carol = Talk(kept=kept("dave"))
    carol.greets("dave", upto("dave", 3))
    assert read(carol.hears("dave", text("dave", 3))) == []
    assert read(carol.hears("dave", text("dave", 4))) == ["dave 4"]
    assert carol.core.lamport == 9
    (mine,) = only(talk.Keep, carol.says("back"))
    assert (mine.text.epoch, mine.text.seq, mine.text.lamport) == (MINE, 1, 10)


def test_what_was_written_before_and_not_acknowledged_is_asked_for() -> None:
    carol = Talk(kept=kept("dave", written=(("0" * 16, 1, 1.0), ("0" * 16, 2, 1.0))))
    (hello,) = only(Hello, sent(carol.core.linked("dave", carol.now)))
    assert Position("carol", "0" * 16, 2) in hello.have
    carol.hears("dave", carol.hello("dave"))
    assert not carol.core.is_delivered
    lacking = Position("carol", "0" * 16, 1)
    assert carol.core.owed() == [talk.LeaveFor("dave", lacking, 2)]
    done = carol.hears("dave", Acknowledge(ID, (Position("carol", "0" * 16, 2),)))
    assert talk.KeepAcknowledged("dave", "0" * 16, 2) in done
    assert carol.core.is_delivered


def test_when_the_only_other_has_left_meanwhile_it_ends_in_silence() -> None:
    carol = Talk(kept=kept("dave"))
    carol.core.linked("dave", carol.now)
    heard = carol.hears("dave", Members(ID, (gone("dave", "dave"),)))
    assert shown(heard) == []
    assert not only(talk.Finished, heard)
    assert heard[-1] == talk.Settled()


def test_of_two_who_sleep_none_gives_up() -> None:
    carol = Talk(kept=kept("dave"))
    assert not only(talk.Finished, carol.passes(10 * LOST_SECONDS))
    assert carol.roll.is_in("carol")


def test_what_was_said_so_far_is_not_for_who_comes_in_now() -> None:
    carol = talking("dave")
    carol.hears("dave", text("dave", 1))  # shown, and not on disk yet
    assert carol.core.have() == ()
    assert [(one.author, one.seq) for one in carol.core.before()] == [("dave", 1)]


def test_what_the_own_disk_never_took_is_said_to_be_lost() -> None:
    carol = talking("dave")
    said = carol.says("one")  # not on disk, so it cannot be left in the mailbox
    carol.core.leave(carol.now)
    done = carol.passes(SETTLE_SECONDS + 1)
    reason = "your disk did not take what you wrote last"
    assert talk.Show(events.NotDelivered("dave", reason)) in done
    assert done[-1] == talk.Settled()
    assert carol.keeps(said) == [talk.LeaveFor("dave", upto("carol", 0), 1)]  # late, but it can


def test_who_has_what_the_own_disk_never_took_lacks_nothing() -> None:
    carol = talking("dave")
    carol.says("one")
    carol.core.leave(carol.now)
    carol.hears("dave", Acknowledge(ID, (upto("carol", 1),)))
    assert only(talk.Show, carol.passes(SETTLE_SECONDS + 1)) == []
