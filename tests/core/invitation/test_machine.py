"""Small stories about one side of an invitation; the rest of the world is written by hand."""

from collections.abc import Callable

import msgspec
import pytest

from peer.core.invitation import ledger, questions
from peer.core.invitation.actions import (
    Ask,
    Closed,
    Dial,
    End,
    Ended,
    Open,
    Pending,
    Question,
    Send,
    Waiting,
    Why,
)
from peer.core.invitation.machine import InvitationMachine
from shared.messages.common import Message, Ping
from shared.messages.peers import (
    SALT_BYTES,
    Accept,
    Busy,
    Cancel,
    Cancelled,
    Charter,
    Confirm,
    Decline,
    Gone,
    Invite,
    Joined,
    Leave,
    Ringing,
    Timeout,
)
from tests.kit.invitations import (
    LARGER,
    OTHER_TALK,
    OURS,
    SMALLER,
    TALK,
    accepting,
    adds,
    asked,
    asks,
    calls,
    carol,
    inviting,
    nothing_is_left,
)
from tests.kit.unsigned import ENTERS, unsigned

# --- Who asks ---


def test_an_invitation_from_the_first_ring_to_the_conversation() -> None:
    who = carol()
    assert calls(who) == [Dial("dave")]
    assert who.outgoing == (Pending(OURS, "dave", TALK),)
    assert who.linked("dave", 1) == [Send("dave", Invite(OURS, TALK, ("carol",)))]
    assert who.receive("dave", Ringing(OURS), 1) == [Waiting("dave", OURS)]
    assert who.receive("dave", Accept(OURS), 9) == [
        Send("dave", Confirm(OURS)),
        Open(OURS, TALK, "dave", ("carol",)),
    ]
    assert nothing_is_left(who)
    assert who.situation.conversations == {TALK}


@pytest.mark.parametrize(
    ("word", "end"),
    [
        (Decline(OURS), End.DECLINED),
        (Busy(OURS, interruptible=True), End.INTERRUPTIBLE),
        (Busy(OURS, interruptible=False), End.BUSY),
        (Timeout(OURS), End.NO_ANSWER),
        (Joined(OURS), End.JOINED),
        (Gone(OURS), End.GONE),
    ],
)
def test_each_refusal_ends_the_invitation_once(word: Message, end: End) -> None:
    who = inviting()
    assert who.receive("dave", word, 1) == [Ended(OURS, "dave", end)]
    assert who.receive("dave", word, 1) == []
    assert nothing_is_left(who)


def test_an_id_belongs_to_one_other_user() -> None:
    who = asked("dave")
    assert who.receive("erin", Cancel(LARGER), 1) == [Send("erin", Gone(LARGER))]
    assert who.receive("Dave", Cancel(SMALLER), 1) == [Send("Dave", Gone(SMALLER))]
    assert who.receive("Dave", Cancel(LARGER), 1) != [Send("Dave", Gone(LARGER))]
    assert nothing_is_left(who)


def test_the_waiting_is_said_once() -> None:
    who = inviting()
    who.receive("dave", Ringing(OURS), 1)
    assert who.receive("dave", Ringing(OURS), 2) == []


def test_an_invite_without_ringing_reaches_nobody() -> None:
    who = inviting()
    assert who.next_deadline() == questions.RINGING_SECONDS
    assert who.tick(9.9) == []
    reason = "dave's program does not answer"
    assert who.tick(10) == [
        Send("dave", Cancel(OURS)),
        Ended(OURS, "dave", End.UNREACHABLE, reason),
    ]


def test_a_failed_dial_says_why() -> None:
    who = carol()
    calls(who)
    reason = "the address refuses connections"
    assert who.unreachable("dave", reason, 2) == [Ended(OURS, "dave", End.UNREACHABLE, reason)]


def test_a_dial_that_never_ends_is_given_up_and_nothing_is_sent() -> None:
    who = carol()
    calls(who)
    assert who.link_lost("dave", 1) == []  # of an older link
    reason = "no link to dave could be made in time"
    assert who.tick(15) == [Ended(OURS, "dave", End.UNREACHABLE, reason)]
    assert who.linked("dave", 16) == []


def test_a_lost_timeout_is_replaced_by_our_own() -> None:
    who = inviting()
    who.receive("dave", Ringing(OURS), 1)
    assert who.tick(65.9) == []
    assert who.tick(66) == [Send("dave", Cancel(OURS)), Ended(OURS, "dave", End.NO_ANSWER)]


def test_v2_no_invitation_lives_longer_than_80_seconds() -> None:
    who = carol()
    calls(who)
    who.linked("dave", 14)
    who.receive("dave", Ringing(OURS), 23)
    assert who.next_deadline() == ledger.LIFE_SECONDS


def test_v4_one_invitation_per_user_at_a_time() -> None:
    who = carol()
    calls(who)
    assert who.invite("Dave", unsigned(TALK), members=(), urgent=True, now=1) == []


def test_after_busy_an_urgent_one_may_follow() -> None:
    who = inviting()
    who.receive("dave", Busy(OURS, interruptible=True), 1)
    assert calls(who, urgent=True) == [Dial("dave")]
    invite = Invite(f"{6:032x}", TALK, ("carol",), urgent=True)
    assert who.linked("dave", 1) == [Send("dave", invite)]


def test_taking_back_before_anything_was_sent_sends_nothing() -> None:
    who = carol()
    calls(who)
    assert who.take_back(OURS, 1) == [Ended(OURS, "dave", End.TAKEN_BACK)]
    assert who.linked("dave", 2) == []


def test_an_accept_that_crosses_our_cancel_still_ends_the_conversation() -> None:
    who = inviting()
    assert who.take_back(OURS, 1) == [
        Send("dave", Cancel(OURS)),
        Ended(OURS, "dave", End.TAKEN_BACK),
    ]
    expected = [Send("dave", Confirm(OURS)), Send("dave", Leave(TALK))]
    assert who.receive("dave", Accept(OURS), 2) == expected
    assert who.receive("dave", Cancelled(OURS), 2) == []
    assert who.take_back(OURS, 3) == []


def test_an_accept_that_crosses_our_cancel_of_an_add_leaves_our_conversation_alone() -> None:
    who = carol()
    who.situation.conversations = {TALK}
    adds(who, "dave")
    who.linked("dave", 0)
    who.take_back(OURS, 1)
    assert who.receive("dave", Accept(OURS), 2) == [Send("dave", Gone(OURS))]


def test_an_accept_crosses_our_timeout_and_comes_too_late() -> None:
    who = inviting()
    who.tick(10)
    assert who.receive("dave", Accept(OURS), 11) == [Send("dave", Gone(OURS))]
    assert who.receive("dave", Ringing(OURS), 11) == [Send("dave", Gone(OURS))]


def test_a_repeated_accept_is_confirmed_again_and_opens_nothing_again() -> None:
    who = inviting()
    who.receive("dave", Accept(OURS), 1)
    assert who.receive("dave", Accept(OURS), 2) == [Send("dave", Confirm(OURS))]
    assert who.receive("dave", Ringing(OURS), 2) == []


def test_a_repeated_accept_after_we_left_is_told_that_we_left() -> None:
    who = inviting()
    who.receive("dave", Accept(OURS), 1)
    who.situation.conversations.discard(TALK)
    expected = [Send("dave", Confirm(OURS)), Send("dave", Leave(TALK))]
    assert who.receive("dave", Accept(OURS), 2) == expected


def test_a_link_that_breaks_before_the_answer_ends_it_and_the_next_link_says_so() -> None:
    who = inviting()
    who.receive("dave", Ringing(OURS), 1)
    assert who.link_lost("dave", 1) == [Ended(OURS, "dave", End.GONE)]
    assert who.linked("dave", 2) == [Send("dave", Gone(OURS))]
    assert who.linked("dave", 3) == []


def test_a_link_that_breaks_before_any_word_is_dialled_again() -> None:
    """It may have been closed as idle, just before the INVITE came."""
    who = inviting()
    assert who.link_lost("dave", 1) == [Dial("dave")]
    assert who.linked("dave", 2) == [Send("dave", Invite(OURS, TALK, ("carol",)))]
    who.link_lost("dave", 3)
    ended = Ended(OURS, "dave", End.UNREACHABLE, "a reason")
    assert who.unreachable("dave", "a reason", 4) == [ended]


def test_a_fresh_link_repeats_what_the_old_one_may_have_swallowed() -> None:
    who = inviting()
    again = [Send("dave", Invite(OURS, TALK, ("carol",)))]
    assert who.linked("dave", 1) == again
    who.receive("dave", Ringing(OURS), 1)
    assert who.linked("dave", 2) == again


def test_a_question_that_missed_our_cancel_is_told_again() -> None:
    who = inviting()
    who.take_back(OURS, 1)
    assert who.receive("dave", Ringing(OURS), 2) == [Send("dave", Cancel(OURS))]


def test_entering_one_conversation_takes_the_other_invitations_back() -> None:
    who = inviting("dave")
    calls(who, "erin")
    who.linked("erin", 0)
    assert who.receive("erin", Accept(f"{6:032x}"), 1) == [
        Send("dave", Cancel(OURS)),
        Ended(OURS, "dave", End.TAKEN_BACK),
        Send("erin", Confirm(f"{6:032x}")),
        Open(f"{6:032x}", TALK, "erin", ("carol",)),
    ]


# --- Who is asked ---


def test_a_question_is_shown_answered_and_confirmed() -> None:
    who = carol()
    assert who.receive("dave", asks(LARGER), 0) == [Ask(LARGER, "dave", ("dave",))]
    assert who.questions == (Question(LARGER, "dave", ("dave",), OTHER_TALK),)
    assert who.shown(LARGER, 1) == [Send("dave", Ringing(LARGER))]
    assert who.shown(LARGER, 1) == []
    assert who.answer(LARGER, True, 5) == [Send("dave", Accept(LARGER))]
    assert who.accepted == (Pending(LARGER, "dave", OTHER_TALK),)
    assert who.answer(LARGER, False, 5) == []
    assert who.receive("dave", Confirm(LARGER), 6) == [
        ENTERS,
        Open(LARGER, OTHER_TALK, "dave", ("dave",)),
    ]
    assert who.receive("dave", Confirm(LARGER), 6) == []
    assert nothing_is_left(who)


def test_a_no_is_said_and_repeated_when_asked_again() -> None:
    who = asked()
    assert who.answer(LARGER, False, 5) == [Send("dave", Decline(LARGER))]
    assert who.receive("dave", asks(LARGER), 6) == [Send("dave", Decline(LARGER))]
    assert nothing_is_left(who)


def test_a_repeated_invite_is_answered_with_the_last_word() -> None:
    who = carol()
    who.receive("dave", asks(LARGER), 0)
    assert who.receive("dave", asks(LARGER), 0) == []  # not on the screen yet
    who.shown(LARGER, 0)
    assert who.receive("dave", asks(LARGER), 0) == [Send("dave", Ringing(LARGER))]
    who.answer(LARGER, True, 0)
    assert who.receive("dave", asks(LARGER), 0) == [Send("dave", Accept(LARGER))]


def test_nobody_answers_for_a_minute() -> None:
    who = asked()
    assert who.tick(59.9) == []
    assert who.tick(60) == [Send("dave", Timeout(LARGER)), Closed(LARGER, "dave", Why.MISSED)]


def test_an_inviter_with_less_patience_is_told_earlier() -> None:
    who = carol()
    who.receive("dave", Invite(LARGER, OTHER_TALK, ("dave",), expires_in=5), 0)
    who.shown(LARGER, 0)
    assert who.next_deadline() == 5


def test_a_question_that_never_reaches_the_screen_is_missed() -> None:
    who = carol()
    who.receive("dave", asks(LARGER), 0)
    assert who.tick(10) == [Send("dave", Timeout(LARGER)), Closed(LARGER, "dave", Why.MISSED)]


@pytest.mark.parametrize("start", [asked, accepting])
def test_the_inviter_takes_it_back(start: Callable[[], InvitationMachine]) -> None:
    who = start()
    assert who.receive("dave", Cancel(LARGER), 1) == [
        Send("dave", Cancelled(LARGER)),
        Closed(LARGER, "dave", Why.CANCELLED),
    ]
    assert who.receive("dave", Cancel(LARGER), 2) == [Send("dave", Cancelled(LARGER))]
    assert who.receive("dave", Confirm(LARGER), 2) == []
    assert nothing_is_left(who)


@pytest.mark.parametrize("start", [asked, accepting])
def test_the_inviter_knows_nothing_of_it(start: Callable[[], InvitationMachine]) -> None:
    who = start()
    assert who.receive("dave", Gone(LARGER), 1) == [Closed(LARGER, "dave", Why.GONE)]
    assert who.receive("dave", Gone(LARGER), 1) == []


def test_the_link_breaks_before_the_answer() -> None:
    who = asked()
    assert who.link_lost("dave", 1) == [Closed(LARGER, "dave", Why.GONE)]
    assert who.answer(LARGER, True, 2) == []


def test_a_fresh_link_hears_that_it_still_rings() -> None:
    who = asked()
    assert who.linked("dave", 1) == [Send("dave", Ringing(LARGER))]


def test_the_link_breaks_after_the_accept_which_is_repeated() -> None:
    who = accepting()
    assert who.link_lost("dave", 9) == [Dial("dave")]
    assert who.tick(10) == []
    assert who.linked("dave", 12) == [Send("dave", Accept(LARGER))]
    opened = [ENTERS, Open(LARGER, OTHER_TALK, "dave", ("dave",))]
    assert who.receive("dave", Confirm(LARGER), 12) == opened


def test_a_failed_dial_leaves_the_inviter_time_to_dial() -> None:
    who = accepting()
    who.link_lost("dave", 1)
    assert who.unreachable("dave", "no route", 2) == []
    assert who.accepted


def test_without_a_confirm_the_callee_leaves_and_says_so_again_when_it_comes_late() -> None:
    who = accepting()
    left = [Send("dave", Leave(OTHER_TALK))]
    assert who.tick(10) == [*left, Closed(LARGER, "dave", Why.GONE)]
    assert who.receive("dave", Confirm(LARGER), 11) == left
    assert who.linked("dave", 12) == left
    assert who.receive("dave", asks(LARGER), 13) == [Send("dave", Gone(LARGER))]


def test_a_late_confirm_does_not_end_what_was_entered_by_other_means() -> None:
    who = accepting()
    who.tick(10)
    who.receive("erin", asks(SMALLER, "erin"), 11)
    who.shown(SMALLER, 11)
    who.answer(SMALLER, True, 11)
    assert who.receive("dave", Confirm(LARGER), 12) == []  # on the way in
    who.receive("erin", Confirm(SMALLER), 12)
    assert who.receive("dave", Confirm(LARGER), 12) == []  # in


def test_the_user_need_not_wait_for_the_confirm() -> None:
    who = accepting()
    left = [Send("dave", Leave(OTHER_TALK))]
    assert who.take_back(LARGER, 1) == left
    assert who.receive("dave", Confirm(LARGER), 2) == left
    assert nothing_is_left(who)


def test_a_yes_takes_the_own_invitation_to_somebody_else_back_first() -> None:
    who = inviting("erin")
    who.receive("dave", asks(LARGER), 1)
    assert who.answer(LARGER, True, 2) == [
        Send("erin", Cancel(OURS)),
        Ended(OURS, "erin", End.TAKEN_BACK),
        Send("dave", Accept(LARGER)),
    ]


def test_a_yes_to_a_room_takes_no_invitation_back() -> None:
    who = inviting("erin")
    room = Charter("lab", bytes(32), bytes(SALT_BYTES))
    who.receive("dave", msgspec.structs.replace(asks(LARGER), room=room), 1)
    assert who.answer(LARGER, True, 2) == [Send("dave", Accept(LARGER))]
    assert [one.id for one in who.outgoing] == [OURS]


def test_who_invites_the_one_whose_question_is_open_has_said_yes() -> None:
    who = asked()
    assert calls(who, "DAVE") == [Send("dave", Accept(LARGER))]
    assert calls(who) == [Dial("dave")]  # who starts anew hears it on the next link
    assert not who.outgoing


def test_an_add_is_no_answer_to_the_own_question_of_that_user() -> None:
    who = asked()
    assert adds(who, "dave") == [Dial("dave")]
    assert len(who.questions) == 1


def test_a_question_that_is_gone_cannot_be_accepted_by_inviting() -> None:
    who = asked()
    who.receive("dave", Cancel(LARGER), 1)
    assert who.invite("dave", None, members=("carol",), urgent=True, now=2) == []


def test_an_answer_to_nothing_is_nothing() -> None:
    who = carol()
    assert who.answer(OURS, True, 0) == []
    assert who.shown(OURS, 0) == []
    assert who.take_back(OURS, 0) == []
    assert who.tick(0) == []
    assert who.next_deadline() is None


# --- Crossed invitations ---


@pytest.mark.parametrize("busy", [False, True])
def test_of_crossed_invitations_the_smaller_id_is_accepted_here(busy: bool) -> None:
    who = inviting()
    who.situation.busy = busy
    assert who.receive("dave", asks(SMALLER), 1) == [Send("dave", Accept(SMALLER))]
    assert who.outgoing == ()
    assert who.receive("dave", Confirm(SMALLER), 2) == [
        ENTERS,
        Open(SMALLER, OTHER_TALK, "dave", ("dave",)),
    ]


@pytest.mark.parametrize("busy", [False, True])
def test_of_crossed_invitations_the_larger_id_is_left_alone(busy: bool) -> None:
    who = inviting()
    who.situation.busy = busy
    assert who.receive("dave", asks(LARGER), 1) == []
    assert who.receive("dave", asks(LARGER), 1) == []
    assert who.receive("dave", Accept(OURS), 2) == [
        Send("dave", Confirm(OURS)),
        Open(OURS, TALK, "dave", ("carol",)),
    ]
    assert nothing_is_left(who)


def crossed() -> InvitationMachine:
    who = inviting()
    who.receive("dave", asks(LARGER), 1)
    return who


def test_a_crossed_invitation_is_accepted_after_all_when_ours_came_to_nothing() -> None:
    who = crossed()
    assert who.receive("dave", Gone(OURS), 2) == [Send("dave", Accept(LARGER))]
    assert who.outgoing == ()


def test_a_crossed_invitation_is_refused_when_ours_is_taken_back() -> None:
    assert crossed().take_back(OURS, 2) == [
        Send("dave", Cancel(OURS)),
        Ended(OURS, "dave", End.TAKEN_BACK),
        Send("dave", Decline(LARGER)),
    ]


def test_a_crossed_invitation_is_over_when_ours_rings_nevertheless() -> None:
    who = crossed()
    who.receive("dave", Ringing(OURS), 2)
    assert who.receive("dave", Decline(OURS), 3) == [Ended(OURS, "dave", End.DECLINED)]


def test_a_crossed_invitation_is_lost_with_the_link_and_nobody_reads_of_it_twice() -> None:
    who = crossed()
    assert who.link_lost("dave", 2) == [Dial("dave")]
    ended = Ended(OURS, "dave", End.UNREACHABLE, "a reason")
    assert who.unreachable("dave", "a reason", 3) == [ended]
    assert nothing_is_left(who)


def test_only_the_latest_crossed_invitation_counts() -> None:
    who = crossed()
    for n in range(100, 200):
        assert who.receive("dave", asks(f"{n:032x}"), 1) == []
    assert len(who._ledger._known) == 2 + ledger.REMEMBER_EACH
    assert who.receive("dave", Gone(OURS), 2) == [Send("dave", Accept(f"{199:032x}"))]


def test_an_invitation_not_yet_sent_yields_to_any_that_arrives() -> None:
    who = carol()
    calls(who)
    assert who.receive("dave", asks(LARGER), 1) == [Send("dave", Accept(LARGER))]
    assert who.outgoing == ()


def test_an_add_does_not_cross_an_invitation_of_two() -> None:
    who = inviting()
    add = asks(SMALLER, "dave", "erin")
    assert who.receive("dave", add, 1) == [Ask(SMALLER, "dave", ("dave", "erin"))]


# --- Whom nobody trusts ---


def test_a_stranger_cannot_act_on_the_invitation_of_others() -> None:
    who = asked()
    calls(who, "erin")
    who.linked("erin", 0)
    for id in (OURS, LARGER, SMALLER):
        for asking in (Ringing(id), Accept(id), Cancel(id)):
            assert who.receive("mallory", asking, 1) == [Send("mallory", Gone(id))]
        for telling in (Confirm(id), Decline(id), Busy(id, True), Timeout(id), Gone(id)):
            assert who.receive("mallory", telling, 1) == []
    assert who.receive("mallory", asks(LARGER, "mallory"), 1) == [Send("mallory", Gone(LARGER))]
    assert len(who.questions) == len(who.outgoing) == 1


def test_a_callee_cannot_turn_our_invitation_round() -> None:
    who = inviting()
    assert who.receive("dave", asks(OURS), 1) == []
    assert who.receive("dave", Cancel(OURS), 1) == []
    assert who.receive("dave", Confirm(OURS), 1) == []
    assert len(who.outgoing) == 1


def test_an_inviter_cannot_answer_for_us() -> None:
    who = asked()
    for word in (Confirm(LARGER), Accept(LARGER), Decline(LARGER), Ringing(LARGER)):
        assert who.receive("dave", word, 1) == []
    assert len(who.questions) == 1


def test_the_question_names_the_true_inviter_first_and_nobody_twice() -> None:
    who = carol()
    forged = Invite(LARGER, OTHER_TALK, ("frank", "Dave", "carol", "FRANK"))
    assert who.receive("dave", forged, 0) == [Ask(LARGER, "dave", ("dave", "FRANK"))]


def test_what_concerns_no_invitation_is_left_alone() -> None:
    assert carol().receive("dave", Ping(), 0) == []
