"""From a yes to the conversation, between two programs, message by message."""

import msgspec
import pytest

from peer.core.invitation.actions import (
    Ask,
    Closed,
    End,
    Ended,
    Enter,
    Found,
    Open,
    Refuse,
    Send,
    Why,
)
from shared.errors import ProtocolError
from shared.messages.peers import Accept, Confirm, Gone, Invite, Leave, Members, Ringing
from tests.kit.signed import ID, TALK, Program


def test_both_are_in_after_invite_accept_and_confirm(carol: Program, dave: Program) -> None:
    invite = carol.calls(dave)
    confirm = carol.lets_in(dave, dave.says_yes(carol, invite))
    enter, opened = dave.hears(carol, confirm)
    assert isinstance(enter, Enter)
    assert enter.roll.digest() == carol.current.roll.digest()
    assert opened == Open(invite.id, TALK, "carol", ("carol",))


def test_a_repeated_yes_is_confirmed_alike(carol: Program, dave: Program) -> None:
    accept = dave.says_yes(carol, carol.calls(dave))
    confirm = carol.lets_in(dave, accept)
    assert carol.hears(dave, accept) == [Send("dave", confirm)]


def test_a_repeated_yes_lets_nobody_in_whom_i_have_left(carol: Program, dave: Program) -> None:
    accept = dave.says_yes(carol, carol.calls(dave))
    carol.lets_in(dave, accept)
    carol.core.situation.conversations = set()
    assert carol.hears(dave, accept) == [
        Send("dave", Confirm(accept.id)),
        Send("dave", Leave(TALK)),
    ]


def test_a_yes_to_what_was_taken_back_lets_nobody_in(carol: Program, dave: Program) -> None:
    invite = carol.calls(dave)
    accept = dave.says_yes(carol, invite)
    carol.core.take_back(invite.id, 1)
    assert carol.hears(dave, accept) == [
        Send("dave", Confirm(invite.id)),
        Send("dave", Leave(TALK)),
    ]


def test_a_false_yes_changes_nothing(carol: Program, dave: Program) -> None:
    invite = carol.calls(dave)
    accept = dave.says_yes(carol, invite)
    with pytest.raises(ProtocolError):
        carol.hears(dave, Accept(invite.id))
    assert len(carol.core.outgoing) == 1
    assert isinstance(carol.hears(dave, accept)[0], Found)


def test_a_forged_confirm_ends_it_and_the_link(carol: Program, dave: Program) -> None:
    invite = carol.calls(dave)
    confirm = carol.lets_in(dave, dave.says_yes(carol, invite))
    forged = msgspec.structs.replace(confirm, members=confirm.members[:1])
    closed, refused = dave.hears(carol, forged)
    assert closed == Closed(invite.id, "carol", Why.GONE)
    assert isinstance(refused, Refuse)
    assert dave.hears(carol, confirm) == []
    assert TALK not in dave.core.situation.conversations


def test_a_confirm_of_whoever_has_left_ends_it(carol: Program, dave: Program) -> None:
    invite = carol.calls(dave)
    dave.says_yes(carol, invite)
    assert dave.hears(carol, Confirm(invite.id)) == [Closed(invite.id, "carol", Why.GONE)]
    assert TALK not in dave.core.situation.conversations


def test_a_yes_to_a_conversation_that_i_have_left_is_too_late(
    carol: Program, dave: Program, erin: Program
) -> None:
    carol.founds(erin)
    permission = carol.credentials.add(dave.callee, carol.current)
    invite = carol.calls(dave, permission)
    accept = dave.says_yes(carol, invite)
    carol.credentials.conversations = {}
    gone, ended = carol.hears(dave, accept)
    assert gone == Send("dave", Gone(invite.id))
    assert ended == Ended(invite.id, "dave", End.TAKEN_BACK)
    assert TALK not in carol.core.situation.conversations
    assert dave.hears(carol, Gone(invite.id)) == [Closed(invite.id, "carol", Why.GONE)]
    assert carol.hears(dave, accept) == [Send("dave", Gone(invite.id))]


def test_when_a_confirm_lets_nobody_in_the_next_member_who_asked_may(
    carol: Program, dave: Program, erin: Program
) -> None:
    carol.founds(erin)
    first = carol.calls(dave, carol.credentials.add(dave.callee, carol.current))
    second = erin.calls(dave, erin.credentials.add(dave.callee, erin.current))
    dave.says_yes(carol, first)
    (ringing,) = dave.hears(erin, second)
    assert ringing == Send("erin", Ringing(second.id))
    assert dave.hears(carol, Confirm(first.id)) == [
        Closed(first.id, "carol", Why.GONE),
        Ask(second.id, "erin", ("erin",)),
    ]


def asked_by_two(carol: Program, dave: Program, erin: Program) -> tuple[Invite, Confirm]:
    """Carol and erin ask dave, who believes only the second; return erin's question and CONFIRM.

    He has said yes to both, and carol lets him in.
    """
    carol.founds(erin)
    mine = carol.credentials.add(dave.callee, carol.current)
    first = carol.calls(dave, mine)
    theirs = erin.credentials.add(dave.callee, erin.current)
    second = erin.calls(dave, theirs)
    dave.says_yes(carol, msgspec.structs.replace(first, proof=()))
    accept = dave.says_yes(erin, second)
    assert accept.membership is not None
    for member in (carol, erin):
        member.current.roll.merge([accept.membership])
    dave.hears(carol, carol.credentials.confirm(first.id, mine, (), 0))
    assert TALK in dave.core.situation.conversations
    return second, erin.credentials.confirm(second.id, theirs, (), 0)


def test_who_is_in_by_one_yes_is_connected_by_another(
    carol: Program, dave: Program, erin: Program
) -> None:
    second, confirm = asked_by_two(carol, dave, erin)
    assert dave.hears(erin, confirm) == [Open(second.id, TALK, "erin", ("erin",))]


def test_who_is_in_by_one_yes_believes_no_false_confirm_of_another(
    carol: Program, dave: Program, erin: Program
) -> None:
    second, confirm = asked_by_two(carol, dave, erin)
    forged = msgspec.structs.replace(confirm, members=confirm.members[:1])
    closed, refused = dave.hears(erin, forged)
    assert closed == Closed(second.id, "erin", Why.GONE)
    assert isinstance(refused, Refuse)
    assert TALK in dave.core.situation.conversations


def test_a_yes_that_is_taken_back_is_a_signed_departure(carol: Program, dave: Program) -> None:
    invite = carol.calls(dave)
    carol.lets_in(dave, dave.says_yes(carol, invite))
    (sent,) = dave.core.take_back(invite.id, 2)
    assert isinstance(sent, Send)
    assert isinstance(sent.message, Members)
    carol.current.roll.merge(sent.message.members)
    assert not carol.current.roll.is_in(dave.me.id)


def test_the_proof_of_a_finished_invitation_is_not_kept(
    carol: Program, dave: Program, erin: Program
) -> None:
    carol.founds(erin)
    invite = msgspec.structs.replace(carol.adds(dave), members=("carol", "erin"))
    dave.core.receive("carol", invite, 0)
    assert dave.core.proven(invite.id) == [(erin.me.id, "erin")]
    dave.core.answer(invite.id, False, 0)
    assert dave.core.proven(invite.id) == []
    assert dave.core.proven("f" * 32) == []


def test_an_invitation_that_lets_nobody_in_is_not_asked(carol: Program, dave: Program) -> None:
    with pytest.raises(ProtocolError, match="an invitation lets nobody in"):
        dave.hears(carol, Invite(ID, TALK, ("carol",)))
    assert dave.core.questions == ()


def test_a_refusal_needs_no_signature(carol: Program, dave: Program) -> None:
    invite = carol.calls(dave)
    dave.core.receive("carol", invite, 0)
    (no,) = dave.core.answer(invite.id, False, 0)
    assert isinstance(no, Send)
    assert carol.hears(dave, no.message) == [Ended(invite.id, "dave", End.DECLINED)]
