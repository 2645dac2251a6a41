"""Each rule of a conversation by itself, seen by carol; the others say what a test wants."""

import msgspec
import pytest

from peer import events
from peer.core.conversation import actions as talk
from peer.core.conversation.acknowledgements import ACKNOWLEDGE_SECONDS, ACKNOWLEDGE_TEXTS
from peer.core.conversation.actions import Action
from peer.core.conversation.conversation import Kept
from peer.core.conversation.ending import SETTLE_SECONDS
from peer.core.conversation.hello import HELLO_SECONDS, HELLO_SOON_SECONDS
from peer.core.conversation.incoming import inbox
from peer.core.conversation.incoming.gaps import ASK_AGAIN_SECONDS, CLAIMS, DOUBT_SECONDS
from peer.core.conversation.incoming.inbox import HOLD_SECONDS
from peer.core.conversation.incoming.incoming_texts import WANT_SECONDS
from peer.core.conversation.mailbox_fallback import LATE_SECONDS, PATHLESS_SECONDS
from peer.core.conversation.members.reach import (
    FIRST_DIAL_SECONDS,
    REDIAL_FAR_SECONDS,
    REDIAL_SECONDS,
)
from peer.core.conversation.outgoing_texts import BACKLOG_TEXTS
from peer.core.conversation.proof.evidence import PIECES_MOST
from peer.core.conversation.route import DIRECT
from peer.core.conversation.texts import WINDOW_TEXTS, sign
from peer.core.reach.absence import BACK_SECONDS, BREAK_SECONDS, LOST_SECONDS
from shared.errors import ProtocolError
from shared.messages.peers import (
    CHAIN_BYTES,
    POSITIONS,
    TEXTS,
    Acknowledge,
    Decline,
    Hello,
    Leave,
    Members,
    Position,
    Text,
    Want,
)
from tests.kit.cores import (
    CAROL,
    DAVE,
    ERIN,
    FRANK,
    GRACE,
    MALLORY,
    me,
    together,
)
from tests.kit.talk import (
    EPOCHS,
    ID,
    MINE,
    Talk,
    _said,
    gone,
    only,
    read,
    sent,
    shown,
    talking,
    text,
    upto,
)

# --- Beginning, and links ---------------------------------------------------------


def test_everybody_is_dialled_and_greeted_with_the_roll() -> None:
    carol = Talk(DAVE, ERIN)
    assert only(talk.Dial, carol.begun) == [talk.Dial(DAVE), talk.Dial(ERIN)]
    members, hello = sent(carol.core.linked(DAVE, carol.now), DAVE)
    assert members == Members(ID, carol.roll.all())
    assert isinstance(hello, Hello)
    assert (hello.by, hello.number, hello.have) == (CAROL, 1001, ())
    assert hello.members == carol.roll.digest()


def test_on_a_link_that_takes_over_the_roll_is_not_said_again() -> None:
    carol = talking(DAVE)
    (hello,) = sent(carol.core.linked(DAVE, carol.now))
    assert isinstance(hello, Hello)


def test_when_the_roll_of_the_other_is_another_they_are_told_ours() -> None:
    carol = talking(DAVE)
    heard = carol.hears(DAVE, carol.hello(DAVE, digest="0" * 32))
    assert Members(ID, carol.roll.all()) in sent(heard, DAVE)


def test_who_took_another_link_for_ours_is_greeted_again() -> None:
    """Else they would not know where to go on, and send nothing until our next HELLO."""
    carol = talking(DAVE)
    assert sent(carol.hears(DAVE, carol.hello(DAVE))) == []
    (hello,) = sent(carol.hears(DAVE, carol.hello(DAVE, linked=())), DAVE)
    assert isinstance(hello, Hello)
    assert hello.linked == (DAVE,)


def test_of_strangers_nothing_is_heard() -> None:
    carol = talking(DAVE)
    stranger = Text(ID, MALLORY, "9" * 16, 1, 1, 7.0, ("let me in",))
    hello = Hello(ID, MALLORY, 1, "0" * 32, (CAROL,), ())
    for message in (stranger, hello, Acknowledge(ID, (upto(CAROL, 9),)), Leave(ID),
                    Want(ID, upto(CAROL, 0)), Decline("1" * 32)):  # fmt: skip
        assert carol.hears(MALLORY, message) == []
    assert carol.core.linked(MALLORY, carol.now) == []
    assert carol.core.link_lost(MALLORY, carol.now) == []
    assert carol.core.reach.unreachable(MALLORY, carol.now) == []
    assert carol.core.reach.may_be_back(MALLORY, carol.now) == []
    carol.core.mailbox.not_left(MALLORY, upto(CAROL, 0))
    assert not carol.core.concerns(MALLORY)
    assert carol.core.concerns(DAVE)


# --- Handing on -------------------------------------------------------------------


def test_a_text_that_somebody_hands_on_is_shown_when_its_author_has_signed_it() -> None:
    carol = talking(DAVE, ERIN)
    assert read(carol.hears(DAVE, text(ERIN, 1, "hello"))) == ["hello"]


@pytest.mark.parametrize("author", [ERIN, MALLORY])
def test_a_forged_text_is_not_shown_and_not_the_fault_of_who_hands_it_on(author: str) -> None:
    carol = talking(DAVE, ERIN)
    forged = msgspec.structs.replace(text(DAVE, 1), author=author)
    assert carol.hears(DAVE, forged) == []
    assert read(carol.hears(DAVE, text(ERIN, 1))) == ["erin 1"]


def test_an_author_who_was_started_too_often_is_not_the_fault_of_who_hands_it_on() -> None:
    carol, limit = talking(DAVE, ERIN), inbox.EPOCHS
    texts = [
        sign(me(ERIN), msgspec.structs.replace(text(ERIN, 1), epoch=f"{start:016x}"))
        for start in range(limit + 1)
    ]
    for one in texts[:limit]:
        heard = carol.hears(DAVE, one)
        assert len(heard) == 1
        carol.keeps(heard)
    assert carol.hears(DAVE, texts[limit]) == []
    with pytest.raises(ProtocolError, match="started too often"):
        carol.hears(ERIN, texts[limit])


def test_a_hello_is_passed_on_to_those_who_cannot_hear_it() -> None:
    carol = Talk(DAVE, ERIN, FRANK)
    carol.greets(DAVE, linked=(CAROL, ERIN))
    carol.greets(FRANK, linked=(CAROL,))
    hello = carol.hello(ERIN)
    carol.core.linked(ERIN, carol.now)
    assert talk.Send((FRANK,), hello) in carol.hears(ERIN, hello)


def test_a_forged_hello_is_not_heard_and_not_the_fault_of_who_passes_it_on() -> None:
    carol = Talk(DAVE, ERIN)
    carol.greets(DAVE)
    forged = msgspec.structs.replace(carol.hello(ERIN), linked=(DAVE, CAROL))
    assert carol.hears(DAVE, forged) == []
    assert carol.core.reach.who()[1][1] == ""


# --- Bounds -----------------------------------------------------------------------


def test_what_nobody_here_can_have_written_is_not_asked_for() -> None:
    carol = talking(DAVE, ERIN)
    nobody = Position(MALLORY, "9" * 16, 7)
    assert sent(carol.hears(DAVE, Acknowledge(ID, (nobody,)))) == []
    assert not only(Want, sent(carol.passes(10)))


def test_what_is_asked_for_is_bounded() -> None:
    carol = talking(DAVE, ERIN)
    for start in range(3):
        claims = [Position(ERIN, f"{start}{n:015x}", 7) for n in range(POSITIONS)]
        carol.hears(DAVE, Acknowledge(ID, tuple(claims)))
    assert len(carol.core.incoming._gaps) == CLAIMS


def test_an_acknowledgement_of_what_i_never_wrote_is_not_kept() -> None:
    carol = talking(DAVE)
    heard = carol.hears(DAVE, Acknowledge(ID, (Position(CAROL, "9" * 16, 7),)))
    assert only(talk.KeepAcknowledged, heard) == []
    assert not carol.core.outgoing.has(DAVE, "9" * 16, 1)


# --- Leaving ----------------------------------------------------------------------


def test_a_text_that_crosses_the_leaving_of_its_reader_goes_to_the_mailbox() -> None:
    carol = talking(DAVE, ERIN)
    carol.keeps(carol.says("one"))
    carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),)))
    carol.keeps(carol.says("wait", "for me"))
    heard = carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    assert only(talk.LeaveFor, heard) == [talk.LeaveFor(DAVE, upto(CAROL, 1), 3)]
    assert shown(heard) == [events.MemberLeft("dave")]


def test_also_when_the_disk_has_it_only_later() -> None:
    carol = talking(DAVE, ERIN)
    said = carol.says("wait")
    heard = carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    assert only(talk.LeaveFor, heard) == []
    assert only(talk.LeaveFor, carol.keeps(said)) == [talk.LeaveFor(DAVE, upto(CAROL, 0), 1)]
    assert only(talk.LeaveFor, carol.keeps(carol.says("he is gone"))) == []


def test_what_is_said_after_their_leaving_is_not_for_them() -> None:
    carol = talking(DAVE, ERIN)
    said = carol.says("wait")
    carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    later = carol.says("he is gone")  # while the disk is at work on the first one
    assert only(talk.LeaveFor, carol.keeps(said)) == [talk.LeaveFor(DAVE, upto(CAROL, 0), 1)]
    assert only(talk.LeaveFor, carol.keeps(later)) == []


def test_what_the_own_disk_takes_late_is_left_also_for_who_has_left() -> None:
    carol = talking(DAVE)
    said = carol.says("wait")
    carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE),)))
    done = carol.passes(SETTLE_SECONDS + 1)
    reason = "your disk did not take what you wrote last"
    assert talk.Show(events.NotDelivered("dave", reason)) in done
    assert carol.keeps(said) == [talk.LeaveFor(DAVE, upto(CAROL, 0), 1)]


def test_leaving_acknowledges_all_and_says_so() -> None:
    carol = talking(DAVE)
    carol.hears_text(text(DAVE, 1))
    done = carol.core.leave(carol.now)
    mine = carol.roll.of(CAROL)
    assert mine is not None
    assert sent(done) == [Acknowledge(ID, (upto(DAVE, 1),)), Members(ID, (mine,))]
    assert done[2:] == [
        talk.KeepMembers((CAROL,)),
        talk.Show(events.ConversationLeft()),
        talk.Finished(),
        talk.Settled(),
    ]
    assert not carol.roll.is_in(CAROL)
    assert carol.core.is_over
    assert carol.core.is_settled
    assert carol.core.next_deadline() is None
    assert carol.core.tick(1e9) == []
    assert carol.core.link_lost(DAVE, 1e9) == []


def test_after_leaving_the_last_acknowledgement_is_waited_for() -> None:
    carol = talking(DAVE)
    carol.keeps(carol.says("one"))
    carol.keeps(carol.says("two"))
    assert not only(talk.Settled, carol.core.leave(carol.now))
    assert carol.hears(DAVE, text(DAVE, 1)) == []
    assert carol.hears(DAVE, Leave(ID)) == []
    assert not only(talk.Settled, carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),))))
    heard = carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 2),)))
    assert heard[-1] == talk.Settled()
    assert not only(talk.LeaveFor, heard)


@pytest.mark.parametrize("end", ["time", "link"])
def test_without_it_all_that_is_lacking_is_left_at_the_directory(end: str) -> None:
    carol = talking(DAVE)
    carol.keeps(carol.says("one"))
    carol.core.leave(carol.now)
    done = carol.passes(SETTLE_SECONDS) if end == "time" else carol.core.link_lost(DAVE, 1.0)
    assert done == [talk.LeaveFor(DAVE, upto(CAROL, 0), 1), talk.Settled()]


def test_what_is_on_its_way_to_screen_and_disk_is_acknowledged_after_leaving() -> None:
    carol = talking(DAVE)
    heard = carol.hears(DAVE, text(DAVE, 1))
    assert not only(talk.Settled, carol.core.leave(carol.now))
    done = carol.keeps(heard)
    assert done == [
        talk.Send((DAVE,), Acknowledge(ID, (upto(DAVE, 1),))),
        talk.Settled(),
    ]


def test_who_left_goes_on_with_no_timer_but_the_last() -> None:
    carol = talking(DAVE)
    carol.keeps(carol.says("one"))
    carol.now += HELLO_SECONDS - 1
    carol.core.leave(carol.now)
    assert carol.core.tick(carol.now + 2) == []  # the time of a HELLO, which nobody needs
    assert carol.core.reach.may_be_back(DAVE, carol.now) == []
    carol.core.link_lost(DAVE, carol.now)


def test_the_other_leaves() -> None:
    carol = talking(DAVE)
    heard = carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE),)))
    assert shown(heard) == [events.MemberLeft("dave"), events.ConversationOver()]
    assert heard[-2:] == [talk.Finished(), talk.Settled()]
    assert not carol.roll.is_in(CAROL)
    assert carol.core.others == ()


def test_somebody_leaves_and_two_go_on() -> None:
    carol = talking(DAVE, ERIN)
    gone_now = gone(DAVE, DAVE, ERIN)
    heard = carol.hears(DAVE, Members(ID, (gone_now,)))
    assert shown(heard) == [events.MemberLeft("dave")]
    assert talk.KeepMembers((DAVE,)) in heard
    assert talk.Send((ERIN,), Members(ID, (gone_now,))) in heard
    assert carol.core.others == (ERIN,)
    assert carol.hears(DAVE, Members(ID, (gone_now,))) == []


def test_who_has_left_is_told_so_when_they_ask() -> None:
    carol = talking(DAVE, ERIN)
    carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    everything = [talk.Send((DAVE,), Members(ID, carol.roll.all()))]
    assert carol.hears(DAVE, carol.hello(DAVE)) == everything
    assert carol.hears(ERIN, carol.hello(DAVE)) == []


def test_who_knows_nothing_of_the_conversation_sees_what_they_have_signed() -> None:
    carol = talking(DAVE)
    assert carol.hears(DAVE, Leave(ID)) == [
        talk.Send((DAVE,), Members(ID, carol.roll.all())),
    ]


def test_another_program_of_mine_has_left() -> None:
    carol = talking(DAVE)
    heard = carol.hears(DAVE, Members(ID, (gone(CAROL, DAVE),)))
    assert talk.Finished() in heard
    assert carol.core.is_over


def test_of_who_came_and_went_unheard_nothing_is_said() -> None:
    carol = talking(DAVE)
    gone_now = gone(ERIN, DAVE, ERIN)
    assert shown(carol.hears(DAVE, Members(ID, (gone_now,)))) == []
    assert carol.core.others == (DAVE,)


def test_a_hello_after_the_end_lets_the_last_texts_be_acknowledged() -> None:
    carol = talking(DAVE)
    carol.keeps(carol.says("one"))
    carol.core.leave(carol.now)
    heard = carol.hears(DAVE, carol.hello(DAVE, upto(CAROL, 1)))
    assert heard[-1] == talk.Settled()


def test_memberships_that_come_after_the_end_are_handed_on_and_no_more() -> None:
    carol = talking(DAVE, ERIN)
    carol.keeps(carol.says("one"))
    carol.core.leave(carol.now)
    heard = carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    assert [type(one) for one in heard] == [talk.Send, talk.KeepMembers]


def test_who_has_left_as_well_is_told_of_nobody_any_more() -> None:
    carol = talking(DAVE, ERIN)
    carol.says("one")  # which the disk does not take, so that it is not settled
    carol.core.leave(carol.now)
    carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    heard = carol.hears(ERIN, carol.hello(ERIN))
    assert not any(DAVE in one.to for one in heard if isinstance(one, talk.Send))


def test_two_have_left_and_a_new_link_between_them_is_not_for_this() -> None:
    carol = talking(DAVE, ERIN)
    carol.says("one")  # which the disk does not take, so that it is not settled
    carol.core.leave(carol.now)
    hello = carol.hello(DAVE)
    carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    carol.core.link_lost(DAVE, carol.now)
    assert carol.core.linked(DAVE, carol.now) == []
    assert carol.hears(DAVE, hello) == []


def test_two_have_left_and_what_one_still_had_to_send_goes_nowhere() -> None:
    carol = talking(DAVE, ERIN)
    said = carol.says(*(f"line {n}" for n in range(WINDOW_TEXTS + TEXTS)))
    carol.core.leave(carol.now)
    carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    carol.keeps(said)
    heard = carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, TEXTS),)))
    assert sent(heard) == []


# --- Coming in --------------------------------------------------------------------


def test_somebody_joins() -> None:
    carol = talking(DAVE)
    *_, erins = together(CAROL, DAVE, ERIN)
    heard = carol.hears(ERIN, Members(ID, (erins,)))
    assert shown(heard) == [events.MemberJoined("erin")]
    assert talk.Send((DAVE,), Members(ID, (erins,))) in heard
    assert carol.core.roll.all() == together(CAROL, DAVE, ERIN)
    assert carol.core.others == (DAVE, ERIN)
    assert only(talk.Dial, carol.passes(FIRST_DIAL_SECONDS - 0.1)) == []
    assert only(talk.Dial, carol.passes(0.2)) == [talk.Dial(ERIN)]


def test_what_was_said_before_is_not_for_a_newcomer() -> None:
    carol = talking(DAVE)
    carol.keeps(carol.says("one"))
    heard = carol.hears(DAVE, text(DAVE, 1))
    assert carol.core.incoming.have() == (upto(CAROL, 1),)
    assert set(carol.core.incoming.history_mark) == {upto(CAROL, 1), upto(DAVE, 1)}
    assert carol.core.incoming.lamport == 1
    carol.keeps(heard)
    *_, erins = together(CAROL, DAVE, ERIN)
    carol.hears(ERIN, Members(ID, (erins,)))
    carol.greets(ERIN, upto(CAROL, 1))
    assert not carol.core.outgoing.is_for(ERIN, MINE, 1)
    assert not carol.core.outgoing.has(ERIN, MINE, 1)
    assert carol.core.outgoing.lacks(ERIN) == 0
    carol.keeps(carol.says("two"))
    assert carol.core.outgoing.is_for(ERIN, MINE, 2)
    assert not carol.core.outgoing.has(ERIN, MINE, 2)


def test_a_newcomer_begins_where_the_one_who_added_them_stands() -> None:
    carol = Talk(DAVE, ERIN, have=(upto(DAVE, 5),))
    carol.greets(DAVE)
    carol.greets(ERIN)
    assert carol.hears(ERIN, text(DAVE, 5)) == []
    assert read(carol.hears(DAVE, text(DAVE, 6))) == ["dave 6"]
    said = carol.says("hello")
    (mine,) = only(Text, sent(said))
    assert mine.after == (upto(DAVE, 6),)
    assert mine.lamport == 7


# --- Talking ----------------------------------------------------------------------


def test_a_text_goes_to_all_at_once_and_to_the_disk_beside_it() -> None:
    carol = talking(DAVE, ERIN)
    assert [carol.core.say("one"), carol.core.say("two")] == [1, 2]
    assert not carol.core.outgoing.must_flush
    send, keep = carol.core.flush(7.0, carol.now)
    assert isinstance(send, talk.Send)
    assert isinstance(keep, talk.Keep)
    assert send == talk.Send((DAVE, ERIN), keep.text)
    assert (keep.text.texts, keep.text.seq, keep.text.time) == (("one", "two"), 1, 7.0)
    assert carol.core.outgoing.epoch == keep.text.epoch == MINE
    assert carol.core.flush(7.0, carol.now) == []


def test_an_answer_says_what_it_comes_after() -> None:
    carol = talking(DAVE, ERIN)
    carol.hears_text(text(DAVE, 1))
    (mine,) = only(talk.Keep, carol.says("yes"))
    assert mine.text.after == (upto(DAVE, 1),)
    assert mine.text.lamport == 2


def test_a_text_is_acknowledged_a_moment_after_it_lies_on_disk() -> None:
    carol = talking(DAVE)
    heard = carol.hears(DAVE, text(DAVE, 1))
    assert heard == [talk.Read(text(DAVE, 1))]
    assert carol.core.incoming.has_come(DAVE, EPOCHS[DAVE], 1)
    assert not carol.core.incoming.has_come(DAVE, EPOCHS[DAVE], 2)
    assert carol.core.shown(text(DAVE, 1)) == [talk.Keep(text(DAVE, 1))]
    assert sent(carol.passes(1)) == []
    carol.core.kept(text(DAVE, 1), carol.now)
    assert carol.core.next_deadline() == carol.now + ACKNOWLEDGE_SECONDS
    assert sent(carol.passes(1), DAVE) == [Acknowledge(ID, (upto(DAVE, 1),))]


def test_no_text_is_kept_before_an_earlier_one() -> None:
    """Nothing was to be shown of the second: it was read as a letter, say."""
    carol = talking(DAVE)
    carol.hears(DAVE, text(DAVE, 1))
    carol.hears(DAVE, text(DAVE, 2))
    assert carol.core.shown(text(DAVE, 2)) == []
    both = [talk.Keep(text(DAVE, 1)), talk.Keep(text(DAVE, 2))]
    assert carol.core.shown(text(DAVE, 1)) == both


def test_in_a_conversation_of_two_an_answer_waits_for_no_check() -> None:
    """It names the text to nobody but its author."""
    carol = talking(DAVE)
    forged = msgspec.structs.replace(text(DAVE, 1), signature=bytes(64))
    carol.hears(DAVE, forged)
    said = carol.says("hello")
    assert [one.to for one in only(talk.Send, said)] == [(DAVE,)]
    assert only(talk.Discard, said) == []
    then = carol.core.shown(forged)
    assert only(talk.Discard, then) == [talk.Discard(forged)]
    assert only(talk.Refuse, then) == [talk.Refuse(DAVE, "a text is not signed by its author")]
    assert only(talk.Keep, then) == []
    assert [one.after for one in sent(carol.says("again"), DAVE) if isinstance(one, Text)] == [()]


def test_what_a_newcomer_does_not_read_is_checked_before_it_is_named() -> None:
    carol = talking(DAVE)
    carol.hears(DAVE, text(DAVE, 1))
    carol.hears(DAVE, msgspec.structs.replace(text(DAVE, 2), signature=bytes(64)))
    assert only(talk.Refuse, carol.core.incoming.check_all()) != []
    assert [(one.author, one.seq) for one in carol.core.incoming.history_mark] == [(DAVE, 1)]


def test_what_was_discarded_meanwhile_is_not_kept_when_it_stands_there() -> None:
    carol = talking(DAVE, ERIN)
    forged = msgspec.structs.replace(text(DAVE, 1), signature=bytes(64))
    carol.hears(DAVE, text(DAVE, 1, "real"))
    carol.hears(DAVE, msgspec.structs.replace(text(DAVE, 2), signature=bytes(64)))
    assert carol.hears(DAVE, text(DAVE, 3)) == [talk.Read(text(DAVE, 3))]
    said = carol.says("hello")
    assert [one.text.seq for one in only(talk.Discard, said)] == [2, 3]
    assert only(talk.Refuse, said) == [talk.Refuse(DAVE, "a text is not signed by its author")]
    assert carol.core.shown(forged) == carol.core.shown(text(DAVE, 3)) == []
    assert carol.core.shown(text(DAVE, 1, "real")) == [talk.Keep(text(DAVE, 1, "real"))]


def test_who_forged_once_is_checked_before_anything_is_shown() -> None:
    carol = talking(DAVE)
    forged = msgspec.structs.replace(text(DAVE, 1), signature=bytes(64))
    carol.hears(DAVE, forged)
    assert only(talk.Refuse, carol.core.incoming.check_all()) != []
    carol.core.link_lost(DAVE, carol.now)
    carol.greets(DAVE)
    with pytest.raises(ProtocolError, match="not signed by its author"):
        carol.hears(DAVE, forged)
    assert read(carol.hears(DAVE, text(DAVE, 1))) == ["dave 1"]


def test_who_contradicts_themselves_twice_in_a_row_is_named_once() -> None:
    carol = talking(DAVE, ERIN)
    carol.hears_text(text(DAVE, 1))
    for seq in (2, 3):
        other = msgspec.structs.replace(text(DAVE, seq), chain=bytes(16), signature=bytes(64))
        carol.hears(DAVE, sign(me(DAVE), other))
    assert shown(carol.says("what?")) == [events.SaidDifferently("dave")]


def two_faced_dave(*others: str) -> Talk:
    """What he says third names another second text than the one that he told carol."""
    carol = talking(DAVE, *others)
    carol.hears_text(text(DAVE, 1))
    carol.hears_text(text(DAVE, 2, "yes"))
    third = msgspec.structs.replace(text(DAVE, 3), chain=b"n" * CHAIN_BYTES, signature=bytes(64))
    carol.hears_text(sign(me(DAVE), third))
    return carol


def test_of_a_liar_nothing_more_is_told() -> None:
    carol = two_faced_dave()
    other = msgspec.structs.replace(text(DAVE, 1), texts=("no",), signature=bytes(64))
    assert carol.hears(DAVE, sign(me(DAVE), other)) == []


def test_of_copies_with_other_words_is_told_once_and_all_else_is_still_compared() -> None:
    carol = talking(DAVE)
    carol.hears_text(text(DAVE, 1, "yes"))
    for told in ([events.SaidDifferently("dave")], []):
        assert shown(carol.core.incoming.copy_differs(DAVE)) == told
    _said.clear()
    no = text(DAVE, 1, "no")
    assert shown(carol.hears(DAVE, no)) == [events.SaidDifferently("dave")]
    assert carol.core.incoming.copy_differs(DAVE) == []


def test_evidence_is_shown_again_to_who_could_not_use_it_before() -> None:
    """They had nothing yet with which they could compare it."""
    carol = two_faced_dave(ERIN)
    hand = talk.Hand(ERIN, upto(DAVE, 1))
    assert only(talk.Hand, carol.passes(HELLO_SECONDS)) == [hand]
    assert only(talk.Hand, carol.passes(HELLO_SECONDS)) == []
    carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, 1),)))
    assert only(talk.Hand, carol.passes(HELLO_SECONDS)) == []
    for _ in range(2):
        carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, 3),)))
    assert only(talk.Hand, carol.passes(HELLO_SECONDS)) == [hand]
    carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, 3),)))
    assert only(talk.Hand, carol.passes(HELLO_SECONDS)) == []


def test_who_comes_later_is_shown_both_texts() -> None:
    """They may know either of them."""
    carol = Talk(DAVE, ERIN)
    carol.greets(DAVE)
    carol.hears_text(text(DAVE, 1, "yes"))
    _said.clear()
    no = text(DAVE, 1, "no")
    assert shown(carol.hears(DAVE, no)) == [events.SaidDifferently("dave")]
    carol.greets(ERIN)
    done = carol.passes(HELLO_SECONDS)
    assert only(talk.Hand, done) == [talk.Hand(ERIN, upto(DAVE, 0))]
    assert no in sent(done, ERIN)


def lies(carol: Talk, seq: int) -> None:
    """Dave's text with this number follows another one than the one that he told carol."""
    other = msgspec.structs.replace(text(DAVE, seq), chain=bytes(16), signature=bytes(64))
    carol.hears_text(sign(me(DAVE), other))


def test_who_came_later_is_shown_a_later_lie() -> None:
    carol = two_faced_dave()
    carol.hears(DAVE, Members(ID, together(CAROL, DAVE, ERIN)))
    carol.greets(ERIN, upto(DAVE, 3))
    assert only(talk.Hand, carol.passes(3 * HELLO_SECONDS)) == []
    carol.hears_text(text(DAVE, 4))
    lies(carol, 5)
    carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, 5),)))
    assert only(talk.Hand, carol.passes(HELLO_SECONDS)) == [talk.Hand(ERIN, upto(DAVE, 3))]


def test_who_could_compare_once_is_shown_no_later_lies() -> None:
    """Each would cost as much as an answer to WANT."""
    carol = two_faced_dave(ERIN)
    for seq in range(4, 20, 2):
        carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, seq - 1),)))
        shown_now = only(talk.Hand, carol.passes(HELLO_SECONDS))
        assert shown_now == ([talk.Hand(ERIN, upto(DAVE, 1))] if seq == 4 else [])
        carol.hears_text(text(DAVE, seq))
        lies(carol, seq + 1)
    assert len(carol.core._contradictions._evidence) == PIECES_MOST


def test_who_came_later_is_not_shown_what_was_said_before() -> None:
    carol = talking(DAVE)
    carol.hears_text(text(DAVE, 1, "yes"))
    _said.clear()
    carol.hears(DAVE, text(DAVE, 1, "no"))
    carol.hears(DAVE, Members(ID, together(CAROL, DAVE, ERIN)))
    carol.greets(ERIN)
    done = carol.passes(3 * HELLO_SECONDS)
    assert [one.author for one in sent(done, ERIN) if isinstance(one, Text)] == []


def test_many_texts_are_acknowledged_together() -> None:
    carol = talking(DAVE)
    done = [
        action
        for seq in range(1, ACKNOWLEDGE_TEXTS + 1)
        for action in carol.hears_text(text(DAVE, seq))
    ]
    assert sent(done) == [Acknowledge(ID, (upto(DAVE, ACKNOWLEDGE_TEXTS),))]
    assert sent(carol.passes(1)) == []


def test_a_duplicate_is_not_shown_but_acknowledged_again() -> None:
    carol = talking(DAVE)
    carol.hears_text(text(DAVE, 1))
    carol.passes(1)
    assert carol.hears(DAVE, text(DAVE, 1)) == []
    assert sent(carol.passes(1)) == [Acknowledge(ID, (upto(DAVE, 1),))]


def test_a_duplicate_of_what_is_not_on_disk_is_not_acknowledged() -> None:
    carol = talking(DAVE)
    carol.hears(DAVE, text(DAVE, 1))
    assert carol.hears(DAVE, text(DAVE, 1)) == []
    assert sent(carol.passes(1)) == []


def test_an_answer_is_held_back_until_its_question_is_there_or_shown_with_a_word() -> None:
    carol = talking(DAVE, ERIN)
    assert carol.hears(ERIN, text(ERIN, 1, after=(upto(DAVE, 1),))) == []
    late = carol.passes(HOLD_SECONDS)
    assert shown(late) == [events.Missing()]
    assert read(late) == ["erin 1"]
    assert carol.hears(ERIN, text(ERIN, 2, after=(upto(DAVE, 2),))) == []
    assert read(carol.hears(DAVE, text(DAVE, 1))) == ["dave 1"]
    assert read(carol.hears(DAVE, text(DAVE, 2))) == ["dave 2", "erin 2"]


def test_acknowledgements_let_the_next_texts_go() -> None:
    carol = talking(DAVE)
    for _ in range(WINDOW_TEXTS):
        assert len(sent(carol.keeps_and_returns(carol.says("x")))) == 1
    assert sent(carol.keeps_and_returns(carol.says("y"))) == []
    (more,) = sent(carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),))))
    assert isinstance(more, Text)
    assert more.texts == ("y",)
    assert not carol.core.outgoing.is_delivered
    carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, WINDOW_TEXTS + 1),)))
    assert carol.core.outgoing.is_delivered
    assert not carol.core.outgoing.can_deliver


def test_an_acknowledgement_of_what_was_never_sent_breaks_the_protocol() -> None:
    carol = talking(DAVE)
    with pytest.raises(ProtocolError, match="never sent"):
        carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),)))
    with pytest.raises(ProtocolError, match="never sent"):
        carol.hears(DAVE, carol.hello(DAVE, upto(CAROL, 1)))


def test_but_not_when_another_hands_it_on() -> None:
    carol = Talk(DAVE, ERIN)
    carol.greets(DAVE, linked=(CAROL, ERIN))
    assert carol.hears(DAVE, carol.hello(ERIN, upto(CAROL, 1))) == []


def test_who_keeps_up_best_decides_whether_the_keyboard_waits() -> None:
    carol = talking(DAVE, ERIN)
    assert carol.core.outgoing.has_room
    said = [action for _ in range(BACKLOG_TEXTS) for action in carol.says("x")]
    assert not carol.core.outgoing.has_room  # the disk is behind
    carol.keeps(said)
    assert not carol.core.outgoing.has_room
    carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),)))
    assert carol.core.outgoing.has_room
    carol.core.link_lost(DAVE, carol.now)
    assert not carol.core.outgoing.has_room
    carol.core.link_lost(ERIN, carol.now)
    assert carol.core.outgoing.has_room  # there is only the disk to fill


def test_what_is_acknowledged_is_known_of_each() -> None:
    carol = talking(DAVE, ERIN)
    carol.keeps(carol.says("one"))
    heard = carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),)))
    assert heard == [talk.KeepAcknowledged(DAVE, MINE, 1)]
    assert carol.core.outgoing.has(DAVE, MINE, 1)
    assert not carol.core.outgoing.has(ERIN, MINE, 1)
    assert (carol.core.outgoing.lacks(DAVE), carol.core.outgoing.lacks(ERIN)) == (0, 1)
    assert carol.core.outgoing.can_deliver
    assert not carol.core.mailbox.has(ERIN, MINE, 1)
    assert not carol.core.mailbox.has(MALLORY, MINE, 1)


# --- Asking for what is lacking ---------------------------------------------------


def wants(actions: list[Action]) -> list[tuple[tuple[str, ...], Position]]:
    return [
        (action.to, action.message.after)
        for action in actions
        if isinstance(action, talk.Send) and isinstance(action.message, Want)
    ]


def test_what_is_missing_in_between_is_asked_of_its_author() -> None:
    carol = talking(DAVE, ERIN)
    assert carol.hears(DAVE, text(DAVE, 3)) == []
    assert wants(carol.passes(WANT_SECONDS)) == [((DAVE,), upto(DAVE, 0))]
    carol.hears(DAVE, text(DAVE, 1, "one", "two"))
    assert wants(carol.passes(ASK_AGAIN_SECONDS)) == [((DAVE,), upto(DAVE, 2))]
    carol.hears(DAVE, text(DAVE, 3))
    assert wants(carol.passes(60)) == []


def test_how_much_is_to_come_is_known_until_its_source_was_asked_in_vain() -> None:
    carol = talking(DAVE, ERIN)
    assert carol.core.incoming.to_come == 0
    carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, 30),)))
    assert carol.core.incoming.to_come == 30
    carol.hears(DAVE, text(DAVE, 1, "one", "two"))
    assert carol.core.incoming.to_come == 28
    carol.passes(WANT_SECONDS + 2 * ASK_AGAIN_SECONDS)
    assert carol.core.incoming.to_come == 0  # erin has told of it, and has it no more
    carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, 31),)))
    assert carol.core.incoming.to_come == 0  # and is not believed at once
    carol.passes(DOUBT_SECONDS)
    carol.hears(DAVE, text(DAVE, 3))
    carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, 31),)))
    assert carol.core.incoming.to_come == 28


def test_what_others_say_that_they_have_may_bring_the_question_forward() -> None:
    carol = Talk(DAVE, ERIN)
    carol.greets(DAVE, linked=(CAROL, ERIN))
    assert carol.hears(DAVE, text(ERIN, 3)) == []
    heard = carol.hears(DAVE, Acknowledge(ID, (upto(ERIN, 3),)))
    assert wants(heard) == [((DAVE,), upto(ERIN, 0))]


def test_and_then_of_those_who_say_that_they_have_it() -> None:
    carol = talking(DAVE, ERIN, FRANK, GRACE)
    carol.hears(FRANK, Acknowledge(ID, (upto(DAVE, 1),)))
    asked = wants(carol.passes(WANT_SECONDS))
    assert wants(carol.hears(ERIN, Acknowledge(ID, (upto(DAVE, 1),)))) == []
    asked += wants(carol.passes(10 * ASK_AGAIN_SECONDS))
    assert [to for to, _ in asked] == [(DAVE,), (FRANK,), (ERIN,)]


def test_a_link_that_is_lost_was_not_asked_in_vain() -> None:
    carol = Talk(DAVE, ERIN, FRANK)
    carol.greets(DAVE)
    carol.greets(ERIN)
    carol.hears(DAVE, Acknowledge(ID, (upto(FRANK, 1),)))
    carol.hears(ERIN, Acknowledge(ID, (upto(FRANK, 1),)))
    lost = carol.core.link_lost(DAVE, carol.now)
    assert wants([*lost, *carol.passes(0)]) == [((ERIN,), upto(FRANK, 0))]
    carol.greets(DAVE, upto(FRANK, 1))
    assert wants(carol.passes(ASK_AGAIN_SECONDS)) == [((DAVE,), upto(FRANK, 0))]


def test_a_far_member_cannot_be_asked_and_so_others_are() -> None:
    carol = Talk(DAVE, ERIN, FRANK)
    carol.greets(DAVE, linked=(CAROL, ERIN))
    carol.greets(FRANK)
    carol.hears(DAVE, carol.hello(ERIN, upto(ERIN, 1), linked=(DAVE,)))
    asked = wants(carol.passes(20))
    assert [to for to, _ in asked] == [(DAVE,), (FRANK,)]


def test_without_a_link_to_the_author_it_is_asked_at_once() -> None:
    carol = Talk(DAVE, ERIN)
    carol.greets(DAVE, linked=(CAROL, ERIN))
    heard = carol.hears(DAVE, Acknowledge(ID, (upto(ERIN, 2),)))
    assert wants(heard) == [((DAVE,), upto(ERIN, 0))]
    assert wants(carol.hears(DAVE, Acknowledge(ID, (upto(ERIN, 2),)))) == []
    carol.hears(DAVE, text(ERIN, 1))
    more = carol.hears(DAVE, Acknowledge(ID, (upto(ERIN, 2),)))
    assert wants(more) == [((DAVE,), upto(ERIN, 1))]


def test_without_any_link_nobody_is_asked() -> None:
    carol = talking(DAVE, ERIN)
    carol.hears(DAVE, Acknowledge(ID, (upto(ERIN, 2),)))
    carol.core.link_lost(DAVE, carol.now)
    carol.core.link_lost(ERIN, carol.now)
    assert wants(carol.passes(10)) == []
    assert not carol.core.incoming._gaps


def test_no_more_is_asked_for_than_the_disk_can_take() -> None:
    carol = Talk(DAVE, ERIN)
    carol.greets(DAVE, linked=(CAROL, ERIN))
    heard: list[Action] = []
    for seq in range(1, WINDOW_TEXTS + 2):
        heard += carol.hears(DAVE, text(ERIN, seq))
    more = Acknowledge(ID, (upto(ERIN, WINDOW_TEXTS + 9),))
    assert wants(carol.hears(DAVE, more)) == []
    carol.keeps(heard)
    assert wants(carol.passes(ACKNOWLEDGE_SECONDS)) == [((DAVE,), upto(ERIN, WINDOW_TEXTS + 1))]


def test_whoever_asks_is_handed_what_lies_on_disk_and_told_how_much_there_is() -> None:
    carol = talking(DAVE, ERIN)
    carol.hears_text(text(DAVE, 1))
    assert carol.hears(ERIN, Want(ID, upto(DAVE, 0))) == [talk.Hand(ERIN, upto(DAVE, 0))]
    told = carol.core.incoming.handed(ERIN, upto(DAVE, 0))
    assert told == [talk.Send((ERIN,), Acknowledge(ID, (upto(DAVE, 1),)))]
    none = carol.core.incoming.handed(ERIN, upto(FRANK, 0))
    assert none == [talk.Send((ERIN,), Acknowledge(ID, (upto(FRANK, 0),)))]


def test_who_is_too_far_behind_is_told_to_ask() -> None:
    carol = talking(DAVE)
    long = "x" * 8_000
    for _ in range(600):
        carol.keeps(carol.says(long))
    heard = carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),)))
    assert sent(heard) == [Acknowledge(ID, (upto(CAROL, 600),))]


def test_a_text_of_mine_that_my_disk_has_lost_comes_back_to_it_and_not_to_the_screen() -> None:
    carol = talking(DAVE, ERIN)
    lost = sign(me(CAROL), msgspec.structs.replace(text(CAROL, 1), epoch="0" * 16))
    heard = carol.hears(DAVE, lost)
    assert heard == [talk.Keep(lost)]
    carol.keeps(heard)
    assert Position(CAROL, "0" * 16, 1) in carol.core.incoming.have()
    assert not only(Acknowledge, sent(carol.passes(1)))


def test_an_acknowledgement_goes_also_to_whom_the_author_does_not_reach() -> None:
    carol = Talk(DAVE, ERIN, FRANK)
    carol.greets(DAVE, linked=(CAROL,))
    carol.greets(ERIN, linked=(CAROL, FRANK))
    carol.greets(FRANK, linked=(CAROL, ERIN))
    carol.hears_text(text(ERIN, 1))
    done = carol.passes(ACKNOWLEDGE_SECONDS)
    acknowledged = Acknowledge(ID, (upto(ERIN, 1),))
    assert sent(done, ERIN) == sent(done, DAVE) == [acknowledged]
    assert sent(done, FRANK) == []


def test_an_author_without_a_link_reads_it_in_a_hello() -> None:
    carol = Talk(DAVE, ERIN)
    carol.greets(DAVE, linked=(CAROL, ERIN))
    carol.passes(HELLO_SOON_SECONDS)
    carol.keeps(carol.hears(DAVE, text(ERIN, 1)))
    soon = carol.passes(ACKNOWLEDGE_SECONDS + HELLO_SOON_SECONDS)
    (hello,) = only(Hello, sent(soon, DAVE))
    assert hello.have == (upto(ERIN, 1),)


# --- Late -------------------------------------------------------------------------


def test_who_lacks_a_text_for_long_is_told_of_once_and_so_is_the_end_of_it() -> None:
    carol = talking(DAVE, ERIN)
    carol.keeps(carol.says("one"))
    carol.hears(ERIN, Acknowledge(ID, (upto(CAROL, 1),)))
    assert shown(carol.passes(LATE_SECONDS - 0.1)) == []
    assert not carol.core.mailbox.is_late(DAVE)
    assert shown(carol.passes(0.2)) == [events.NotYetDelivered("dave")]
    late = [one for one in (DAVE, ERIN, "nobody") if carol.core.mailbox.is_late(one)]
    assert late == [DAVE]
    carol.keeps(carol.says("two"))
    assert shown(carol.passes(4)) == []
    assert shown(carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),)))) == []
    told = shown(carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 2),))))
    assert told == [events.Delivered("dave")]
    carol.hears(ERIN, Acknowledge(ID, (upto(CAROL, 2),)))
    assert shown(carol.passes(60)) == []


def test_who_is_out_of_reach_for_long_gets_it_through_the_mailbox() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.link_lost(DAVE, carol.now)
    carol.hears(ERIN, carol.hello(ERIN))
    carol.keeps(carol.says("one"))
    assert only(talk.LeaveFor, carol.passes(PATHLESS_SECONDS - 0.1)) == []
    assert only(talk.LeaveFor, carol.passes(0.2)) == [talk.LeaveFor(DAVE, upto(CAROL, 0), 1)]
    assert carol.core.mailbox.has(DAVE, MINE, 1)
    assert only(talk.LeaveFor, carol.passes(10)) == []
    carol.core.mailbox.not_left(DAVE, upto(CAROL, 0))
    assert only(talk.LeaveFor, carol.passes(10)) == [talk.LeaveFor(DAVE, upto(CAROL, 0), 1)]


def test_what_nobody_has_and_nobody_has_left_is_owed_to_the_members() -> None:
    carol = talking(DAVE, ERIN)
    assert carol.core.mailbox.owed() == []
    one = carol.says("one")
    carol.keeps(one)
    carol.hears(ERIN, Acknowledge(ID, (upto(CAROL, 1),)))
    carol.says("two")  # is not on disk yet
    to_erin = talk.LeaveFor(ERIN, upto(CAROL, 1), 2)
    assert carol.core.mailbox.owed() == [talk.LeaveFor(DAVE, upto(CAROL, 0), 2), to_erin]
    carol.core.mailbox.was_left(DAVE, MINE, 1)
    carol.core.mailbox.was_left(MALLORY, MINE, 1)
    assert carol.core.mailbox.owed() == [talk.LeaveFor(DAVE, upto(CAROL, 1), 2), to_erin]
    carol.core.mailbox.was_left(DAVE, MINE, 2)
    assert carol.core.mailbox.owed() == [to_erin]
    assert carol.core.mailbox.has(DAVE, MINE, 2)


def test_somebody_else_has_half_a_minute_to_hand_it_on() -> None:
    carol = talking(DAVE, ERIN)
    carol.keeps(carol.says("one"))
    carol.core.link_lost(DAVE, carol.now)  # erin is linked with them
    assert only(talk.LeaveFor, carol.passes(PATHLESS_SECONDS - 1)) == []
    assert [left.to for left in only(talk.LeaveFor, carol.passes(2))] == [DAVE]


def test_what_was_taken_from_the_mailbox_is_delivered() -> None:
    carol = talking(DAVE, ERIN)
    carol.keeps(carol.says("one"))
    carol.keeps(carol.says("two"))
    outgoing = carol.core.outgoing
    assert outgoing.taken_from_mailbox(DAVE, MINE, 2) == []  # the first one is missing
    assert outgoing.taken_from_mailbox(DAVE, MINE, 1) == [talk.KeepAcknowledged(DAVE, MINE, 1)]
    assert outgoing.taken_from_mailbox(DAVE, MINE, 1) == []


def test_what_was_shown_is_known_to_be_on_disk_when_the_disk_says_so() -> None:
    carol = talking(DAVE)
    heard = carol.hears(DAVE, text(DAVE, 1, "hello"))
    assert not carol.core.has_kept_shown
    carol.keeps(heard)
    assert carol.core.has_kept_shown


# --- Lost, back, left -------------------------------------------------------------


def test_a_lost_link_is_said_once_and_dialled_again_and_again() -> None:
    carol = talking(DAVE)
    assert carol.core.link_lost(DAVE, carol.now) == [
        talk.Show(events.MemberLost("dave")),
        talk.Dial(DAVE),
    ]
    carol.core.reach.unreachable(DAVE, carol.now)
    assert carol.passes(REDIAL_SECONDS) == [talk.Dial(DAVE)]
    assert len(only(talk.Dial, carol.passes(5))) == 5
    carol.greets(DAVE)
    assert carol.passes(5) == []
    carol.core.reach.unreachable(DAVE, carol.now)  # of a dial that a link had overtaken
    assert carol.passes(5) == []


def test_who_is_back_is_said_and_gets_what_was_missed() -> None:
    carol = talking(DAVE)
    carol.keeps(carol.says("one"))
    carol.core.link_lost(DAVE, carol.now)
    carol.keeps(carol.says("two"))
    assert carol.core.reach.who() == [(DAVE, "", carol.now)]
    carol.core.linked(DAVE, carol.now)
    back = carol.hears(DAVE, carol.hello(DAVE, upto(CAROL, 1)))
    assert shown(back) == [events.MemberBack("dave")]
    assert [one.texts for one in only(Text, sent(back))] == [("two",)]
    assert carol.core.reach.who() == [(DAVE, DIRECT, None)]


def way(at: Talk, name: str) -> str:
    (found,) = [way for one, way, _ in at.core.reach.who() if one == name]
    return found


def test_who_is_reached_through_another_is_not_lost() -> None:
    carol = talking(DAVE, ERIN, FRANK)
    lost = carol.core.link_lost(DAVE, carol.now)
    assert lost == [talk.Dial(DAVE)]
    assert way(carol, DAVE) == ERIN
    carol.hears(ERIN, carol.hello(ERIN))
    carol.hears(FRANK, carol.hello(FRANK, linked=(CAROL, DAVE)))
    assert way(carol, DAVE) == FRANK
    lost = carol.hears(FRANK, carol.hello(FRANK, linked=(CAROL, MALLORY)))
    assert shown(lost) == [events.MemberLost("dave")]
    assert len(only(talk.Dial, carol.passes(10))) == 10


def test_who_is_reached_through_another_is_dialled_seldom() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.link_lost(DAVE, carol.now)
    carol.passes(REDIAL_SECONDS)
    assert len(only(talk.Dial, carol.passes(10 * REDIAL_FAR_SECONDS))) == 10


def test_who_comes_online_is_dialled_at_once() -> None:
    carol = talking(DAVE, ERIN)
    assert carol.core.reach.may_be_back(DAVE, carol.now) == []
    carol.core.link_lost(DAVE, carol.now)
    assert carol.core.reach.may_be_back(DAVE, carol.now) == [talk.Dial(DAVE)]


def test_a_minute_out_of_reach_looks_as_if_they_had_left() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.link_lost(DAVE, carol.now)
    carol.hears(ERIN, carol.hello(ERIN))
    assert shown(carol.passes(LOST_SECONDS - 1)) == []
    assert shown(carol.passes(2)) == [events.MemberLeft("dave", "connection lost")]
    assert carol.core.others == (ERIN,)
    assert carol.core.concerns(DAVE)
    carol.core.linked(DAVE, carol.now)
    back = carol.hears(DAVE, carol.hello(DAVE))
    assert shown(back) == [events.MemberJoined("dave")]
    carol.core.link_lost(DAVE, carol.now)
    carol.passes(LOST_SECONDS + 1)
    heard = carol.hears(ERIN, Members(ID, (gone(DAVE, DAVE, ERIN),)))
    assert shown(heard) == []  # they had left already, as far as the user knows


def test_of_two_it_is_over_then() -> None:
    carol = talking(DAVE)
    carol.keeps(carol.says("one"))
    carol.core.link_lost(DAVE, carol.now)
    done = carol.passes(LOST_SECONDS)
    assert shown(done) == [
        events.NotYetDelivered("dave"),
        events.MemberLeft("dave", "connection lost"),
        events.ConversationOver(),
    ]
    assert only(talk.LeaveFor, done) == [talk.LeaveFor(DAVE, upto(CAROL, 0), 1)]
    assert done[-2:] == [talk.Finished(), talk.Settled()]
    assert not carol.roll.is_in(CAROL)


def test_who_is_linked_and_never_says_hello_reads_that_it_is_over() -> None:
    carol = Talk(DAVE)
    carol.core.linked(DAVE, carol.now)
    done = carol.passes(LOST_SECONDS)
    mine = carol.roll.of(CAROL)
    assert mine is not None
    assert talk.Send((DAVE,), Members(ID, (mine,))) in done
    assert not carol.roll.is_in(CAROL)


def test_who_never_came_is_not_said_to_be_lost() -> None:
    carol = Talk(DAVE, ERIN)
    carol.greets(ERIN)
    assert shown(carol.passes(LOST_SECONDS - 1)) == []


def test_of_many_it_sleeps_when_all_are_gone_and_wakes_with_the_first() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.link_lost(DAVE, carol.now)
    carol.core.link_lost(ERIN, carol.now)
    done = carol.passes(LOST_SECONDS)
    assert shown(done)[-1] == events.ConversationOver()
    assert done[-1] == talk.Finished()
    assert carol.core.is_asleep
    assert not carol.core.is_over
    assert shown(carol.passes(100)) == []
    carol.core.linked(DAVE, carol.now)
    back = carol.hears(DAVE, carol.hello(DAVE, linked=(CAROL,)))
    assert back.count(talk.Back()) == 1
    assert carol.core.others == (DAVE,)
    assert not carol.core.is_asleep


def test_what_sleeps_can_be_left_in_silence() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.link_lost(DAVE, carol.now)
    carol.core.link_lost(ERIN, carol.now)
    carol.passes(LOST_SECONDS)
    left = carol.core.leave(carol.now)
    assert shown(left) == []
    assert not only(talk.Finished, left)
    assert left[-1] == talk.Settled()


# --- It was I who was out of reach --------------------------------------------------


def returns(carol: Talk, *names: str) -> list[events.Event]:
    """There are links to these again."""
    told: list[events.Event] = []
    for name in names:
        told += shown(carol.core.linked(name, carol.now))
        told += shown(carol.hears(name, carol.hello(name, linked=(CAROL,))))
    return told


def test_after_a_standstill_nobody_was_lost() -> None:
    carol = talking(DAVE, ERIN)
    carol.now += 74
    carol.core.reach.slept(74.0, carol.now)
    told = shown(carol.core.link_lost(DAVE, carol.now))
    told += shown(carol.core.link_lost(ERIN, carol.now))
    told += shown(carol.passes(1))
    told += returns(carol, ERIN)
    told += shown(carol.passes(1))
    told += returns(carol, DAVE)
    assert told == [events.OutOfReach(74.0, ("dave", "erin"))]


def test_of_two_it_is_said_when_the_other_is_in_reach() -> None:
    carol = talking(DAVE)
    carol.core.reach.slept(74.0, carol.now)
    assert shown(carol.core.link_lost(DAVE, carol.now)) == []
    assert shown(carol.passes(1)) == []
    assert returns(carol, DAVE) == [events.OutOfReach(75.0, ("dave",))]


def test_who_is_not_back_soon_after_it_is_lost() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.reach.slept(74.0, carol.now)
    carol.core.link_lost(DAVE, carol.now)
    carol.core.link_lost(ERIN, carol.now)
    assert returns(carol, ERIN) == []
    assert shown(carol.passes(BACK_SECONDS)) == [events.MemberLost("dave")]
    assert shown(carol.passes(LOST_SECONDS)) == [events.MemberLeft("dave", "connection lost")]


def test_of_two_the_other_went_on() -> None:
    carol = talking(DAVE)
    carol.core.reach.slept(74.0, carol.now)
    carol.core.link_lost(DAVE, carol.now)
    carol.core.linked(DAVE, carol.now)
    told = shown(carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE),))))
    assert told == [events.OutOfReach(74.0, ("dave",)), events.ConversationOver()]


def test_a_clock_that_jumps_is_no_standstill() -> None:
    carol = talking(DAVE)
    carol.core.reach.slept(3_600.0, carol.now)
    carol.passes(BREAK_SECONDS + 1)
    assert shown(carol.core.link_lost(DAVE, carol.now)) == [events.MemberLost("dave")]
    assert returns(carol, DAVE) == [events.MemberBack("dave")]


def test_without_the_directory_nobody_else_is_gone() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.reach.directory(carol.now, is_there=False)
    carol.core.link_lost(DAVE, carol.now)
    carol.core.link_lost(ERIN, carol.now)
    assert shown(carol.passes(9 * LOST_SECONDS)) == []
    assert len(carol.core.others) == 2
    carol.core.reach.directory(carol.now, is_there=True)
    assert shown(carol.passes(LOST_SECONDS - 1)) == []
    assert returns(carol, DAVE) == [events.OutOfReach(599.0, ("dave", "erin"))]


def test_who_is_not_back_a_minute_after_the_directory_has_left() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.link_lost(DAVE, carol.now)
    carol.core.link_lost(ERIN, carol.now)
    carol.core.reach.directory(carol.now, is_there=False)
    carol.passes(9 * LOST_SECONDS)
    carol.core.reach.directory(carol.now, is_there=True)
    left = shown(carol.passes(2 * LOST_SECONDS))
    assert left == [
        events.MemberLeft("dave", "connection lost"),
        events.MemberLeft("erin", "connection lost"),
        events.ConversationOver(),
    ]


def test_without_the_directory_one_may_leave_whom_others_do_not_reach() -> None:
    carol = talking(DAVE, ERIN)
    carol.core.reach.directory(carol.now, is_there=False)
    carol.core.link_lost(DAVE, carol.now)
    carol.hears(ERIN, carol.hello(ERIN))
    assert shown(carol.passes(LOST_SECONDS)) == [events.MemberLeft("dave", "connection lost")]


def test_a_short_absence_needs_no_word() -> None:
    carol = talking(DAVE)
    carol.core.reach.directory(carol.now, is_there=False)
    assert shown(carol.core.link_lost(DAVE, carol.now)) == [events.MemberLost("dave")]
    carol.passes(LOST_SECONDS - 1)
    assert returns(carol, DAVE) == [events.MemberBack("dave")]


# --- HELLO ------------------------------------------------------------------------


def test_hello_is_said_again_and_again() -> None:
    carol = talking(DAVE)
    first, second = only(Hello, sent(carol.passes(2 * HELLO_SECONDS)))
    assert second.number == first.number + 1
    carol.core.link_lost(DAVE, carol.now)
    assert sent(carol.passes(HELLO_SECONDS)) == []


def test_a_change_of_links_is_told_to_the_others_soon() -> None:
    carol = talking(DAVE, ERIN)
    carol.passes(HELLO_SOON_SECONDS)
    carol.core.link_lost(DAVE, carol.now)
    (hello,) = only(Hello, sent(carol.passes(HELLO_SOON_SECONDS), ERIN))
    assert hello.linked == (ERIN,)


def test_a_hello_that_was_passed_on_counts_once() -> None:
    carol = Talk(DAVE, ERIN)
    carol.greets(DAVE, linked=(CAROL, ERIN))
    hello = carol.hello(ERIN, upto(ERIN, 2), linked=(DAVE,))
    heard = carol.hears(DAVE, hello)
    assert wants(heard) == []
    assert wants(carol.passes(WANT_SECONDS)) == [((DAVE,), upto(ERIN, 0))]
    assert carol.hears(DAVE, hello) == []


def test_a_hello_without_a_link_is_a_link() -> None:
    """The other side has heard of it first."""
    carol = Talk(DAVE)
    heard = carol.hears(DAVE, carol.hello(DAVE))
    assert [type(one) for one in sent(heard, DAVE)] == [Members, Hello]


# --- After a restart --------------------------------------------------------------


def kept(*others: str, written: tuple[tuple[str, int, float], ...] = ()) -> Kept:
    have = (upto(DAVE, 3), Position(CAROL, "0" * 16, 2))
    return Kept(together(CAROL, *others), have, written, ((DAVE, "0" * 16, 1),), 9)


def test_what_was_interrupted_sleeps_until_somebody_is_in_reach() -> None:
    carol = Talk(kept=kept(DAVE, ERIN))
    assert only(talk.Dial, carol.begun) == [talk.Dial(DAVE), talk.Dial(ERIN)]
    assert carol.core.is_asleep
    assert shown(carol.passes(2 * LOST_SECONDS)) == []
    assert not carol.core.others
    carol.core.linked(ERIN, carol.now)
    heard = carol.hears(ERIN, carol.hello(ERIN))
    assert talk.Back() in heard
    assert shown(heard) == []
    assert set(carol.core.others) == {ERIN}


def test_who_has_come_while_it_sleeps_is_in_it_when_it_wakes() -> None:
    carol = Talk(kept=kept(DAVE))
    carol.core.linked(DAVE, carol.now)
    heard = carol.hears(DAVE, Members(ID, together(CAROL, DAVE, ERIN)))
    assert shown(heard) == []
    assert carol.core.is_asleep
    assert talk.Back() in carol.hears(DAVE, carol.hello(DAVE, linked=(CAROL, ERIN)))
    assert set(carol.core.others) == {DAVE, ERIN}


def test_what_was_on_disk_is_neither_shown_nor_said_again() -> None:
    carol = Talk(kept=kept(DAVE))
    carol.greets(DAVE, upto(DAVE, 3))
    assert read(carol.hears(DAVE, text(DAVE, 3))) == []
    assert read(carol.hears(DAVE, text(DAVE, 4))) == ["dave 4"]
    assert carol.core.incoming.lamport == 9
    (mine,) = only(talk.Keep, carol.says("back"))
    assert (mine.text.epoch, mine.text.seq, mine.text.lamport) == (MINE, 1, 10)


def test_what_was_written_before_and_not_acknowledged_is_asked_for() -> None:
    carol = Talk(kept=kept(DAVE, written=(("0" * 16, 1, 1.0), ("0" * 16, 2, 1.0))))
    (hello,) = only(Hello, sent(carol.core.linked(DAVE, carol.now)))
    assert Position(CAROL, "0" * 16, 2) in hello.have
    carol.hears(DAVE, carol.hello(DAVE))
    assert not carol.core.outgoing.is_delivered
    lacking = Position(CAROL, "0" * 16, 1)
    assert carol.core.mailbox.owed() == [talk.LeaveFor(DAVE, lacking, 2)]
    done = carol.hears(DAVE, Acknowledge(ID, (Position(CAROL, "0" * 16, 2),)))
    assert talk.KeepAcknowledged(DAVE, "0" * 16, 2) in done
    assert carol.core.outgoing.is_delivered


def test_when_the_only_other_has_left_meanwhile_it_ends_in_silence() -> None:
    carol = Talk(kept=kept(DAVE))
    carol.core.linked(DAVE, carol.now)
    heard = carol.hears(DAVE, Members(ID, (gone(DAVE, DAVE),)))
    assert shown(heard) == []
    assert not only(talk.Finished, heard)
    assert heard[-1] == talk.Settled()


def test_of_two_who_sleep_none_gives_up() -> None:
    carol = Talk(kept=kept(DAVE))
    assert not only(talk.Finished, carol.passes(10 * LOST_SECONDS))
    assert carol.roll.is_in(CAROL)


def test_what_was_said_so_far_is_not_for_who_comes_in_now() -> None:
    carol = talking(DAVE)
    carol.hears(DAVE, text(DAVE, 1))  # shown, and not on disk yet
    assert carol.core.incoming.have() == ()
    assert [(one.author, one.seq) for one in carol.core.incoming.history_mark] == [(DAVE, 1)]


def test_what_the_own_disk_never_took_is_said_to_be_lost() -> None:
    carol = talking(DAVE)
    said = carol.says("one")  # not on disk, so it cannot be left in the mailbox
    carol.core.leave(carol.now)
    done = carol.passes(SETTLE_SECONDS + 1)
    reason = "your disk did not take what you wrote last"
    assert talk.Show(events.NotDelivered("dave", reason)) in done
    assert done[-1] == talk.Settled()
    assert carol.keeps(said) == [talk.LeaveFor(DAVE, upto(CAROL, 0), 1)]  # late, but it can


def test_who_has_what_the_own_disk_never_took_lacks_nothing() -> None:
    carol = talking(DAVE)
    carol.says("one")
    carol.core.leave(carol.now)
    carol.hears(DAVE, Acknowledge(ID, (upto(CAROL, 1),)))
    assert only(talk.Show, carol.passes(SETTLE_SECONDS + 1)) == []
