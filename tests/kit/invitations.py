"""One program in the middle of an invitation; whatever others send is written by hand."""

from peer.core.invitation.actions import Action
from peer.core.invitation.machine import InvitationMachine
from shared.messages.peers import Invite
from tests.kit.unsigned import Ids, Unsigned, unsigned

TALK = "a" * 32  # the conversation that carol founds
OTHER_TALK = "b" * 32
OURS = f"{5:032x}"  # the id of carol's first invitation
SMALLER = f"{1:032x}"
LARGER = f"{9:032x}"


def carol() -> InvitationMachine:
    return InvitationMachine("carol", Ids(4), Unsigned())


def calls(who: InvitationMachine, callee: str = "dave", *, urgent: bool = False) -> list[Action]:
    return who.invite(callee, unsigned(TALK), members=("carol",), urgent=urgent, now=0)


def adds(who: InvitationMachine, callee: str) -> list[Action]:
    members = ("carol", "erin")
    return who.invite(callee, unsigned(TALK), members=members, urgent=False, now=0)


def inviting(callee: str = "dave") -> InvitationMachine:
    who = carol()
    calls(who, callee)
    who.linked(callee, 0)
    return who


def asks(
    id: str,
    inviter: str = "dave",
    *others: str,
    talk: str = OTHER_TALK,
    urgent: bool = False,
) -> Invite:
    return Invite(id, talk, (inviter, *others), urgent=urgent)


def asked(inviter: str = "dave", id: str = LARGER) -> InvitationMachine:
    who = carol()
    who.receive(inviter, asks(id, inviter), 0)
    who.shown(id, 0)
    return who


def accepting(id: str = LARGER) -> InvitationMachine:
    who = asked(id=id)
    who.answer(id, True, 0)
    return who


def nothing_is_left(who: InvitationMachine) -> bool:
    return not (who.questions or who.outgoing or who.accepted)
