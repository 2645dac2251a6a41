"""Who may enter a conversation: signatures of four people, one of whom is hostile."""

import msgspec
import pytest

from peer.core import membership
from peer.core.conversation.members.entrances import sign_entry
from peer.core.invitation import credentials
from peer.core.invitation.actions import Action, Admit, Enter, Found
from peer.core.membership import Roll, conversation_id, member_id
from peer.core.reach.contacts import Callee
from shared.codec import LINE_BYTES, encode
from shared.errors import ProtocolError, Refused
from shared.messages.peers import (
    MEMBERS,
    SALT_BYTES,
    SINCE,
    STAY_BYTES,
    STAYS,
    Accept,
    Adding,
    Charter,
    Confirm,
    Entry,
    Invite,
    Leave,
    Members,
    Position,
)
from tests.kit.rolls import AUTHORITY
from tests.kit.signed import ID, SALT, TALK, Program, Side
from tests.kit.world import Authority


def why_not(enters: Side, invite: Invite, confirm: Confirm) -> str:
    with pytest.raises(ProtocolError) as caught:
        enters.credentials.enter(invite, confirm)
    return str(caught.value)


def is_genuine(entry: Entry, roll: Roll, at: Side) -> bool:
    """Whether a member takes this entry as signed by the one who let its member in."""
    at.is_in(roll)
    at.current.receive(at.me.id, entry, 0.0)
    found = at.current._rolls._entrances.of(entry.member)
    return found is not None and found.entry == entry


# --- A conversation of two ---


def test_two_found_a_conversation_with_two_signatures(carol: Program, dave: Program) -> None:
    permission = carol.credentials.found(dave.callee, SALT)
    invite = carol.asks(permission)
    dave.credentials.check_invite(invite)
    accept = dave.credentials.accept(invite)
    found = carol.credentials.let_in(ID, "dave", permission, accept)
    assert isinstance(found, Found)
    assert (found.callee, found.id, found.roll.conversation) == ("dave", ID, TALK)
    assert found.roll.members() == (carol.me.id, dave.me.id)
    carol.is_in(found.roll)
    confirm = carol.credentials.confirm(ID, permission, (), 0)
    enter = dave.credentials.enter(invite, confirm)
    assert isinstance(enter, Enter)
    assert enter.roll.digest() == found.roll.digest()
    assert (enter.since, enter.lamport) == ((), 0)
    assert is_genuine(enter.entry, enter.roll, dave)


def test_an_invitation_without_a_permission_is_none(carol: Program) -> None:
    with pytest.raises(ProtocolError, match="an invitation lets nobody in"):
        carol.credentials.check_invite(Invite(ID, TALK, ("mallory",)))


def test_a_founder_is_alone_in_a_new_room_whose_id_stands_for_its_name(carol: Program) -> None:
    charter, roll = carol.credentials.found_room("lab", bytes(SALT_BYTES))
    assert (charter.name, charter.founder) == ("lab", carol.me.identity.public)
    assert roll.members() == (carol.me.id,)
    other, _ = carol.credentials.found_room("lib", bytes(SALT_BYTES))
    carol.credentials.check_invite(into(charter, roll.conversation))
    with pytest.raises(ProtocolError, match="that is not the name of this room"):
        carol.credentials.check_invite(into(other, roll.conversation))


def into(room: Charter, conversation: str) -> Invite:
    """Return mallory's invitation into a room of this name."""
    adding = Adding("m" * 24, 1, bytes(STAY_BYTES), bytes(64))
    return Invite(ID, conversation, ("mallory",), adding=adding, room=room)


def test_a_yes_without_a_membership_is_none(carol: Program, dave: Program) -> None:
    permission = carol.credentials.found(dave.callee, SALT)
    with pytest.raises(ProtocolError, match="an ACCEPT makes nobody a member"):
        carol.credentials.let_in(ID, "dave", permission, Accept(ID))


def test_nobody_enters_with_the_permission_of_another(
    carol: Program, dave: Program, mallory: Program
) -> None:
    permission = carol.credentials.found(dave.callee, SALT)
    accept = mallory.credentials.accept(carol.asks(permission))
    with pytest.raises(ProtocolError, match="a signature does not fit"):
        carol.credentials.let_in(ID, "dave", permission, accept)


def test_nobody_sends_another_in_their_own_place(
    carol: Program, dave: Program, erin: Program
) -> None:
    for_dave = carol.credentials.found(dave.callee, SALT)
    for_erin = carol.credentials.found(erin.callee, SALT)
    accept = erin.credentials.accept(carol.asks(for_erin))
    with pytest.raises(ProtocolError, match="an ACCEPT makes nobody a member"):
        carol.credentials.let_in(ID, "dave", for_dave, accept)


def test_who_has_left_already_is_not_let_in(carol: Program, dave: Program) -> None:
    permission = carol.credentials.found(dave.callee, SALT)
    left = dave.credentials.prove_departure(carol.asks(permission))
    assert isinstance(left, Members)
    with pytest.raises(ProtocolError, match="an ACCEPT makes nobody a member"):
        carol.credentials.let_in(ID, "dave", permission, Accept(ID, left.members[0]))


def test_who_was_let_in_meanwhile_is_out_by_the_departure(carol: Program, dave: Program) -> None:
    carol.founds(dave)
    invite = carol.asks(carol.credentials.found(dave.callee, SALT))
    left = dave.credentials.prove_departure(invite)
    assert isinstance(left, Members)
    carol.current.roll.merge(left.members)
    assert carol.current.roll.members() == (carol.me.id,)


def test_my_own_invitation_proves_no_departure(carol: Program) -> None:
    assert carol.credentials.prove_departure(Invite(ID, TALK, ("carol",))) == Leave(TALK)


# --- A third member ---


def test_a_third_member_is_let_in_by_anybody_who_is_in(
    carol: Program, dave: Program, erin: Program
) -> None:
    carol.founds(dave)
    permission = dave.credentials.add(erin.callee, dave.current)
    invite = dave.credentials.invite(Invite(ID, TALK, ("dave", "carol")), permission)
    assert erin.credentials.proven(invite) == [(carol.me.id, "carol")]
    accept = erin.credentials.accept(invite)
    assert accept.membership is not None
    admit = dave.credentials.let_in(ID, "erin", permission, accept)
    assert admit == Admit("erin", ID, TALK, erin.me.id, accept.membership)
    assert not dave.current.roll.is_in(erin.me.id)  # the shell has to ask what was said before
    dave.current.roll.merge([accept.membership])
    since = (Position(carol.me.id, "a" * 16, 7),)
    confirm = dave.credentials.confirm(ID, permission, since, 9)
    enter = erin.credentials.enter(invite, confirm)
    assert isinstance(enter, Enter)
    assert set(enter.roll.members()) == {carol.me.id, dave.me.id, erin.me.id}
    assert (enter.since, enter.lamport, enter.entry.lamport) == (since, 9, 9)
    assert is_genuine(enter.entry, enter.roll, erin)


def test_a_member_is_not_added_again(carol: Program, dave: Program) -> None:
    carol.founds(dave)
    with pytest.raises(Refused, match="User dave is in the conversation already"):
        carol.credentials.add(dave.callee, carol.current)


def test_another_key_of_a_members_name_is_another_user(carol: Program, dave: Program) -> None:
    carol.founds(dave)
    other = Callee("dave", Authority(1).identity().public)
    permission = carol.credentials.add(other, carol.current)
    assert permission.member == member_id("dave", other.key) != dave.me.id


def test_who_came_and_went_too_often_is_not_added_again(carol: Program, dave: Program) -> None:
    carol.founds()
    for _ in range(STAYS + 1):
        permission = carol.credentials.add(dave.callee, carol.current)
        mine = membership.join(dave.me, TALK, permission.counter, permission.adding)
        carol.current.roll.merge([mine, membership.leave(dave.me, TALK, mine)])
    with pytest.raises(Refused, match="Too many came and went"):
        carol.credentials.add(dave.callee, carol.current)


def test_a_roll_without_room_takes_nobody(
    carol: Program, dave: Program, erin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol.founds(dave)
    monkeypatch.setattr(membership, "KNOWN", 2)
    with pytest.raises(Refused, match="Too many came and went"):
        carol.credentials.add(erin.callee, carol.current)


def chain(first: Side, count: int) -> Side:
    """Return the last of so many members, each of whom was let in by the one before."""
    first.founds()
    roll, last = first.current.roll, first
    for number in range(1, count):
        newcomer = Side(f"user{number:02}")
        accept = newcomer.credentials.accept(last.adds(newcomer))
        assert accept.membership is not None
        roll.merge([accept.membership])
        newcomer.is_in(roll)
        last = newcomer
    return last


def test_of_two_who_take_the_last_place_one_is_not_let_in(
    carol: Program, dave: Program, erin: Program
) -> None:
    inviter = chain(carol, MEMBERS - 1)
    permissions, accepts = {}, {}
    for one in (dave, erin):
        permissions[one] = inviter.credentials.add(one.callee, inviter.current)
        accepts[one] = one.credentials.accept(inviter.asks(permissions[one]))
    both = inviter.current.roll.copy()
    both.merge([accept.membership for accept in accepts.values() if accept.membership])
    first, second = (dave, erin) if both.is_in(dave.me.id) else (erin, dave)
    assert not both.is_in(second.me.id)

    def let_in(one: Program) -> Action | None:
        return inviter.credentials.let_in(ID, one.name, permissions[one], accepts[one])

    assert isinstance(let_in(second), Admit)
    admit = let_in(first)
    assert isinstance(admit, Admit)
    inviter.current.roll.merge([admit.membership])
    assert let_in(second) is None


@pytest.mark.parametrize("room", [20_000, credentials.LINE_ROOM])
def test_an_invitation_and_its_confirm_fit_into_one_line(
    carol: Program, dave: Program, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    inviter = chain(carol, MEMBERS - 1)
    permission = inviter.credentials.add(dave.callee, inviter.current)
    monkeypatch.setattr(credentials, "LINE_ROOM", room)
    invite = inviter.asks(permission)
    assert 0 < len(invite.proof) <= MEMBERS - 1
    assert len(encode(invite)) <= room < LINE_BYTES
    accept = dave.credentials.accept(invite)
    assert accept.membership is not None
    inviter.current.roll.merge([accept.membership])
    since = tuple(Position(carol.me.id, f"{number:016x}", 2**40) for number in range(SINCE))
    confirm = inviter.credentials.confirm(ID, permission, since, 2**40)
    assert confirm.members[0] == accept.membership
    assert len(confirm.members) <= MEMBERS
    assert len(encode(confirm)) <= room


def another_conversation(of: Program) -> Roll:
    salt = b"o" * SALT_BYTES
    roll = Roll(conversation_id(of.myself.key, salt), AUTHORITY.certificate)
    roll.merge([membership.found(of.me, salt)])
    return roll


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_who_has_left_lets_nobody_in(
    carol: Program, dave: Program, erin: Program, is_elsewhere: bool
) -> None:
    carol.founds(dave)
    permission = carol.credentials.add(erin.callee, carol.current)
    accept = erin.credentials.accept(carol.asks(permission))
    carol.credentials.conversations = {}
    if is_elsewhere:
        carol.is_in(another_conversation(carol))
    assert carol.credentials.let_in(ID, "erin", permission, accept) is None
    invite = carol.asks(permission)
    assert invite.adding == permission.adding
    assert not invite.proof


# --- Whose name is shown ---


def test_a_name_without_a_proof_is_not_shown(
    carol: Program, dave: Program, mallory: Program
) -> None:
    forged = Invite(ID, TALK, ("mallory", "carol", "dave"))
    assert dave.credentials.proven(forged) == []


def test_nobody_proves_names_with_the_signatures_of_another_conversation(
    carol: Program, dave: Program, erin: Program
) -> None:
    carol.founds(dave)
    proof = carol.adds(erin).proof
    assert proof
    forged = Invite(ID, "f" * 32, ("mallory", "carol", "dave"), proof=proof)
    assert erin.credentials.proven(forged) == []


def test_more_proofs_than_an_honest_member_sends_prove_nothing(
    carol: Program, dave: Program, erin: Program
) -> None:
    carol.founds(dave)
    invite = msgspec.structs.replace(carol.adds(erin), members=("carol", "dave"))
    assert erin.credentials.proven(invite) == [(dave.me.id, "dave")]
    flood = msgspec.structs.replace(invite, proof=invite.proof * membership.STATEMENTS)
    assert erin.credentials.proven(flood) == []


def test_a_proven_member_who_is_not_named_is_not_shown(
    carol: Program, dave: Program, erin: Program
) -> None:
    carol.founds(dave)
    assert carol.adds(erin).members == ("carol",)
    assert erin.credentials.proven(carol.adds(erin)) == []


# --- Whose question stands for those of others ---


def test_who_asks_as_a_member_proves_it(carol: Program, dave: Program, erin: Program) -> None:
    carol.founds(dave)
    assert erin.credentials.is_by_member(carol.adds(erin), "carol")
    assert erin.credentials.is_by_member(dave.adds(erin), "Dave")
    founding = carol.asks(carol.credentials.found(erin.callee, SALT))
    assert not erin.credentials.is_by_member(msgspec.structs.replace(founding, proof=()), "carol")


def test_who_was_only_asked_into_a_conversation_speaks_for_nobody_in_it(
    carol: Program, dave: Program, erin: Program, mallory: Program
) -> None:
    """Carol has shown mallory who is in."""
    carol.founds(dave)
    shown, honest = carol.adds(mallory).proof, carol.adds(erin)
    mine = membership.found(mallory.me, SALT)
    adding = membership.add(mallory.me, TALK, mine, erin.me.id, 1)
    assert honest.adding is not None
    for forged in (
        Invite(ID, TALK, ("mallory",), adding=adding),
        Invite(ID, TALK, ("mallory",), adding=adding, proof=shown),
        Invite(ID, TALK, ("mallory",), adding=adding, proof=(mine,)),
        Invite(ID, TALK, ("mallory",), adding=honest.adding, proof=shown),  # she never gets it
        Invite(
            ID, TALK, ("mallory",), proof=shown,
            adding=msgspec.structs.replace(honest.adding, signature=adding.signature),
        ),
        msgspec.structs.replace(honest, proof=honest.proof * membership.STATEMENTS),
    ):  # fmt: skip
        assert not erin.credentials.is_by_member(forged, "mallory")
    unsigned = msgspec.structs.replace(honest.adding, signature=bytes(64))
    for forged in (
        msgspec.structs.replace(honest, adding=unsigned),
        msgspec.structs.replace(honest, proof=()),
    ):
        assert not erin.credentials.is_by_member(forged, "carol")


# --- The CONFIRM ---


def confirmed(inviter: Side, callee: Side) -> tuple[Invite, Confirm]:
    """Return an invitation of two that was accepted, and its CONFIRM."""
    permission = inviter.credentials.found(callee.callee, SALT)
    invite = inviter.asks(permission)
    accept = callee.credentials.accept(invite)
    found = inviter.credentials.let_in(ID, callee.name, permission, accept)
    assert isinstance(found, Found)
    inviter.is_in(found.roll)
    return invite, inviter.credentials.confirm(ID, permission, (), 0)


def test_a_confirm_without_members_lets_nobody_in(carol: Program, dave: Program) -> None:
    invite, _ = confirmed(carol, dave)
    assert dave.credentials.enter(invite, Confirm(ID)) is None


def test_nobody_is_drawn_into_a_conversation_of_others(
    carol: Program, dave: Program, erin: Program, mallory: Program
) -> None:
    carol.founds(dave)
    theirs = carol.current.roll.all()
    mine = membership.found(mallory.me, SALT)
    adding = membership.add(mallory.me, TALK, mine, erin.me.id, 1)
    invite = Invite(ID, TALK, ("mallory",), adding=adding)
    # Mallory's stay is none of this conversation, so what is under it does not count.
    assert why_not(erin, invite, Confirm(ID, theirs)) == "nobody has added me to this conversation"


def test_nobody_founds_a_conversation_under_the_id_of_another(
    carol: Program, dave: Program, mallory: Program
) -> None:
    carol.founds(dave)
    mine = membership.found(mallory.me, SALT)
    adding = membership.add(mallory.me, TALK, mine, dave.me.id, 1)
    invite = Invite(ID, TALK, ("mallory",), adding=adding)
    assert why_not(dave, invite, Confirm(ID, (mine,)))


def test_a_permission_for_another_lets_me_in_nowhere(
    carol: Program, dave: Program, erin: Program
) -> None:
    invite, confirm = confirmed(carol, dave)
    assert "signature" in why_not(erin, invite, confirm)


def test_a_flood_of_memberships_is_refused(carol: Program, dave: Program) -> None:
    invite, confirm = confirmed(carol, dave)
    flood = msgspec.structs.replace(confirm, members=confirm.members * membership.STATEMENTS)
    assert why_not(dave, invite, flood) == "too many stays in one message"


def test_a_position_with_a_strange_name_is_refused(carol: Program, dave: Program) -> None:
    invite, confirm = confirmed(carol, dave)
    strange = msgspec.structs.replace(confirm, since=(Position("\x07" * 24, "e" * 16, 1),))
    assert why_not(dave, invite, strange) == "a text is not numbered as it should be"


def test_nobody_enters_on_a_word_that_the_inviter_has_not_signed(
    carol: Program, dave: Program, mallory: Program
) -> None:
    """The others would not believe it: they would cut a newcomer who counts on it."""
    invite, confirm = confirmed(carol, dave)
    ahead = (Position(carol.me.id, "e" * 16, 1_000),)
    lie = Entry(TALK, dave.me.id, 1, ahead, confirm.epochs)
    changed = (
        {"signature": bytes(64)},
        {"since": ahead},
        {"epochs": confirm.epochs + 1},
        {"since": ahead, "signature": sign_entry(mallory.me, lie).signature},
    )
    for fields in changed:
        forged = msgspec.structs.replace(confirm, **fields)
        assert why_not(dave, invite, forged) == "a signature does not fit"
    assert dave.credentials.enter(invite, confirm)


def test_an_earlier_stay_of_mine_does_not_stand_for_a_permission(
    carol: Program, dave: Program, mallory: Program
) -> None:
    """Mallory is not in, and shows that dave once was."""
    carol.founds(dave)
    theirs = carol.current.roll.all()
    mine = membership.found(mallory.me, SALT)
    adding = membership.add(mallory.me, TALK, mine, dave.me.id, 3)
    invite = Invite(ID, TALK, ("mallory",), counter=3, adding=adding)
    why = why_not(dave, invite, Confirm(ID, theirs))
    assert why == "nobody has added me to this conversation"
