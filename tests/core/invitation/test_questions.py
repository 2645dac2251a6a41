"""Which invitations of others the user is asked about, and in which order."""

from peer.core.invitation import questions
from peer.core.invitation.actions import Ask, Closed, Dial, Open, Send, Why
from peer.core.invitation.machine import InvitationMachine
from shared.messages.peers import (
    Accept,
    Busy,
    Cancel,
    Cancelled,
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
    SMALLER,
    TALK,
    asked,
    asks,
    calls,
    carol,
    nothing_is_left,
)
from tests.kit.unsigned import ENTERS, Ids, Unsigned

# --- Who is not asked ---


def test_a_busy_user_is_asked_only_urgently() -> None:
    who = carol()
    who.situation.busy = True
    assert who.receive("dave", asks(SMALLER), 0) == [Send("dave", Busy(SMALLER, True))]
    assert who.receive("dave", asks(SMALLER), 0) == [Send("dave", Busy(SMALLER, True))]
    urgent = asks(LARGER, urgent=True)
    assert who.receive("dave", urgent, 0) == [Ask(LARGER, "dave", ("dave",))]


def test_a_second_question_of_the_same_user_is_not_shown() -> None:
    who = asked()
    refused = [Send("DAVE", Busy(SMALLER, interruptible=False))]
    assert who.receive("DAVE", asks(SMALLER, "DAVE", talk=TALK), 1) == refused


def test_who_has_my_yes_and_starts_anew_may_ask_again() -> None:
    who = asked()
    who.answer(LARGER, True, 1)
    assert who.receive("dave", asks(SMALLER, talk=TALK), 2) == [Ask(SMALLER, "dave", ("dave",))]
    assert who.receive("dave", Gone(LARGER), 2) == [Closed(LARGER, "dave", Why.GONE)]
    assert [question.id for question in who.questions] == [SMALLER]


def test_who_is_asked_anew_after_a_yes_can_say_it_by_inviting() -> None:
    who = asked()
    who.answer(LARGER, True, 1)
    who.receive("dave", asks(SMALLER, talk=TALK), 2)
    assert calls(who) == [Send("dave", Accept(SMALLER))]


def test_nobody_collects_more_than_two_yes_at_a_time() -> None:
    who = asked()
    who.answer(LARGER, True, 1)
    who.receive("dave", asks(SMALLER, talk=TALK), 2)
    who.answer(SMALLER, True, 2)
    third = f"{7:032x}"
    assert who.receive("dave", asks(third, talk=third), 2) == [Send("dave", Busy(third, False))]


def test_no_more_than_three_questions_stand_on_the_screen() -> None:
    who = carol()
    for n in range(4):
        last = who.receive(f"user{n}", asks(f"{n:032x}", f"user{n}", talk=f"{n:032x}"), 0)
    assert last == [Send("user3", Busy(f"{3:032x}", interruptible=False))]
    assert [question.inviter for question in who.questions] == ["user0", "user1", "user2"]


def test_whom_we_have_answered_before_is_asked_about_beside_any_number_of_strangers() -> None:
    who = carol()
    who.situation.answered = {"dave"}
    for n in range(questions.STRANGERS_A_MINUTE):
        id = f"{100 + n:032x}"
        who.receive(f"user{n}", asks(id, f"user{n}", talk=id), 0)
        who.receive(f"user{n}", Cancel(id), 0)
    frank = asks(SMALLER, "frank", talk=f"{99:032x}")
    assert who.receive("frank", frank, 1) == [Send("frank", Busy(SMALLER, interruptible=False))]
    assert who.receive("Dave", asks(LARGER), 1) == [Ask(LARGER, "Dave", ("Dave",))]


def test_an_ignored_user_hears_it_ring_and_learns_nothing() -> None:
    who = carol()
    who.situation.ignored = {"dave"}
    assert who.receive("Dave", asks(LARGER, "Dave"), 0) == [Send("Dave", Ringing(LARGER))]
    assert who.questions == ()
    assert who.tick(60) == [Send("Dave", Timeout(LARGER))]
    assert who.receive("Dave", Cancel(LARGER), 61) == [Send("Dave", Cancelled(LARGER))]


def test_what_only_rings_waits_between_the_two_all_the_same() -> None:
    who = carol()
    who.situation.ignored = {"dave"}
    who.receive("dave", asks(LARGER), 0)
    assert nothing_is_left(who)
    assert who.is_live_with("DAVE")
    assert not who.is_live_with("erin")


def test_an_ignored_user_who_gives_up_learns_nothing_either() -> None:
    who = carol()
    who.situation.ignored = {"dave"}
    who.receive("dave", asks(LARGER), 0)
    assert who.receive("dave", Cancel(LARGER), 1) == [Send("dave", Cancelled(LARGER))]


def test_a_member_need_not_be_asked() -> None:
    who = carol()
    who.situation.conversations = {OTHER_TALK}
    assert who.receive("dave", asks(LARGER), 0) == [Send("dave", Joined(LARGER))]


# --- Two members invite the same user into one conversation ---


def twice_asked() -> InvitationMachine:
    who = carol()
    assert who.receive("dave", asks(SMALLER, "dave", "erin"), 0) == [
        Ask(SMALLER, "dave", ("dave", "erin"))
    ]
    assert who.shown(SMALLER, 0) == [Send("dave", Ringing(SMALLER))]
    assert who.receive("erin", asks(LARGER, "erin", "dave"), 1) == [Send("erin", Ringing(LARGER))]
    assert len(who.questions) == 1
    return who


def test_a_yes_to_one_member_makes_the_other_read_joined() -> None:
    who = twice_asked()
    who.answer(SMALLER, True, 2)
    assert who.receive("dave", Confirm(SMALLER), 3) == [
        ENTERS,
        Open(SMALLER, OTHER_TALK, "dave", ("dave", "erin")),
        Send("erin", Joined(LARGER)),
    ]


def test_a_no_to_one_member_is_a_no_to_the_other() -> None:
    who = twice_asked()
    expected = [Send("dave", Decline(SMALLER)), Send("erin", Decline(LARGER))]
    assert who.answer(SMALLER, False, 2) == expected


def test_a_question_missed_from_one_member_is_missed_from_the_other() -> None:
    assert twice_asked().tick(60) == [
        Send("dave", Timeout(SMALLER)),
        Closed(SMALLER, "dave", Why.MISSED),
        Send("erin", Timeout(LARGER)),
    ]


def test_when_one_member_takes_it_back_the_other_one_asks() -> None:
    who = twice_asked()
    assert who.receive("dave", Cancel(SMALLER), 2) == [
        Send("dave", Cancelled(SMALLER)),
        Closed(SMALLER, "dave", Why.CANCELLED),
        Ask(LARGER, "erin", ("erin", "dave")),
    ]


def test_when_one_member_does_not_confirm_the_other_one_asks() -> None:
    who = twice_asked()
    who.answer(SMALLER, True, 2)
    assert who.tick(12) == [
        Send("dave", Leave(OTHER_TALK)),
        Closed(SMALLER, "dave", Why.GONE),
        Ask(LARGER, "erin", ("erin", "dave")),
    ]


def test_an_own_invitation_to_the_silent_second_member_goes_its_own_way() -> None:
    who = twice_asked()
    assert calls(who, "erin") == [Dial("erin")]


# --- Somebody who is no member asks into the same conversation ---

MIDDLE = f"{5:032x}"


def asked_by_a_stranger() -> InvitationMachine:
    """Mallory only knows its id; dave and erin are in."""
    who = carol()
    assert isinstance(who._credentials, Unsigned)
    who._credentials.strangers = frozenset({"mallory"})
    who.receive("mallory", asks(MIDDLE, "mallory"), 0)
    who.shown(MIDDLE, 0)
    assert who.receive("dave", asks(SMALLER, "dave", "erin"), 1) == [
        Ask(SMALLER, "dave", ("dave", "erin"))
    ]
    who.shown(SMALLER, 1)
    assert who.receive("erin", asks(LARGER, "erin", "dave"), 2) == [Send("erin", Ringing(LARGER))]
    assert [question.inviter for question in who.questions] == ["mallory", "dave"]
    return who


def test_a_no_to_a_stranger_is_none_to_a_member() -> None:
    who = asked_by_a_stranger()
    assert who.answer(MIDDLE, False, 3) == [Send("mallory", Decline(MIDDLE))]
    expected = [Send("dave", Decline(SMALLER)), Send("erin", Decline(LARGER))]
    assert who.answer(SMALLER, False, 3) == expected


def test_a_question_missed_from_a_stranger_is_not_missed_from_a_member() -> None:
    who = asked_by_a_stranger()
    assert who.tick(60) == [
        Send("mallory", Timeout(MIDDLE)),
        Closed(MIDDLE, "mallory", Why.MISSED),
    ]
    assert [question.inviter for question in who.questions] == ["dave"]


def test_a_stranger_who_goes_takes_no_question_along() -> None:
    who = asked_by_a_stranger()
    closed = [Closed(MIDDLE, "mallory", Why.GONE)]
    assert who.link_lost("mallory", 3) == closed
    assert [question.inviter for question in who.questions] == ["dave"]


def test_a_yes_to_a_stranger_keeps_no_member_from_asking() -> None:
    who = asked()
    assert isinstance(who._credentials, Unsigned)
    who._credentials.strangers = frozenset({"dave"})
    who.answer(LARGER, True, 1)
    assert who.receive("erin", asks(SMALLER, "erin"), 2) == [Ask(SMALLER, "erin", ("erin",))]


def test_who_is_in_by_one_yes_does_not_enter_by_another() -> None:
    who = asked_by_a_stranger()
    who.answer(MIDDLE, True, 3)
    who.answer(SMALLER, True, 3)
    who.receive("dave", Confirm(SMALLER), 4)
    assert who.situation.conversations == {OTHER_TALK}
    opened = Open(MIDDLE, OTHER_TALK, "mallory", ("mallory",))
    assert who.receive("mallory", Confirm(MIDDLE), 5) == [opened]
    assert nothing_is_left(who)


def test_who_is_in_by_one_yes_need_not_say_another() -> None:
    who = asked_by_a_stranger()
    who.answer(MIDDLE, True, 3)
    who.receive("mallory", Confirm(MIDDLE), 4)  # she is in, and has only not shown it
    assert who.answer(SMALLER, True, 5) == [
        Send("dave", Joined(SMALLER)),
        Send("erin", Joined(LARGER)),
    ]


class Noting(Unsigned):
    """Believe nobody, and note each time that a proof is checked."""

    def __init__(self) -> None:
        self.checked: list[str] = []

    def is_by_member(self, invite: Invite, inviter: str) -> bool:
        self.checked.append(inviter)
        return False


def test_whether_a_question_covers_others_is_checked_once() -> None:
    """A user who asks and takes it back, again and again, costs one check in all."""
    noting = Noting()
    who = InvitationMachine("carol", Ids(4), noting)
    who.receive("mallory", asks(MIDDLE, "mallory"), 0)
    for number in range(100, 105):
        id = f"{number:032x}"
        assert who.receive("erin", asks(id, "erin"), 1) == [Ask(id, "erin", ("erin",))]
        who.receive("erin", Cancel(id), 1)
    assert noting.checked == ["mallory"]


def test_when_a_member_takes_it_back_a_stranger_asks_beside_the_next_member() -> None:
    who = carol()
    assert isinstance(who._credentials, Unsigned)
    who._credentials.strangers = frozenset({"mallory"})
    who.situation.answered = {"dave"}  # or frank would be one too many
    who.receive("dave", asks(SMALLER, "dave", "erin"), 0)
    for id, name in ((MIDDLE, "mallory"), (LARGER, "erin"), (f"{7:032x}", "frank")):
        assert who.receive(name, asks(id, name), 1) == [Send(name, Ringing(id))]
    assert who.receive("dave", Cancel(SMALLER), 2) == [
        Send("dave", Cancelled(SMALLER)),
        Closed(SMALLER, "dave", Why.CANCELLED),
        Ask(MIDDLE, "mallory", ("mallory",)),
        Ask(LARGER, "erin", ("erin",)),
    ]
    assert who.answer(LARGER, False, 3) == [
        Send("erin", Decline(LARGER)),
        Send("frank", Decline(f"{7:032x}")),
    ]
