"""Credentials without signatures, for tests of which message of an invitation follows which."""

from dataclasses import dataclass
from typing import Final

from peer.core.invitation.actions import Enter, Send
from peer.core.invitation.credentials import Credentials, Permission
from peer.core.membership import Roll
from shared.messages.common import Message
from shared.messages.peers import Accept, Adding, Confirm, Entry, Invite, Leave

ENTERS: Final = Enter(Roll("", b""), (), 0, Entry("", "", 0, (), 0))


def unsigned(conversation: str) -> Permission:
    """Return a permission that nobody checks."""
    return Permission(conversation, "", 1, Adding("", 1, b"", b""))


@dataclass
class Ids:
    """Ids of 32 digits: the larger the later, or the other way round."""

    next: int
    step: int = 1

    def new_id(self) -> str:
        self.next += self.step
        return f"{self.next:032x}"


class Unsigned(Credentials):
    """Let everybody in.  Can be pickled."""

    strangers: frozenset[str] = frozenset()  # they prove nothing

    def __init__(self) -> None:
        """Sign nothing, so nobody need be here."""

    def check_invite(self, invite: Invite) -> None:
        """Take all."""

    def invite(self, invite: Invite, permission: Permission) -> Invite:
        return invite

    def let_in(self, id: str, callee: str, permission: Permission, accept: Accept) -> Send:
        return Send(callee, Confirm(id))

    def is_by_member(self, invite: Invite, inviter: str) -> bool:
        return inviter not in self.strangers

    def accept(self, invite: Invite) -> Accept:
        return Accept(invite.id)

    def enter(self, invite: Invite, confirm: Confirm) -> Enter:
        return ENTERS

    def prove_departure(self, invite: Invite) -> Message:
        return Leave(invite.conversation)
