"""Decide who may enter a conversation: what I sign for others, and what they must have signed.

An INVITE carries my permission, the ACCEPT the membership that the callee signed with it, and
the CONFIRM the memberships of those who are in.  Nothing enters without all three
(peer.core.membership).
"""

import contextlib
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from peer.core import membership
from peer.core.conversation.charter import check_charter, salt_of
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.members.entrances import check_entry
from peer.core.conversation.texts import check_origin
from peer.core.invitation.actions import Action, Admit, Enter, Found
from peer.core.membership import Roll, conversation_id, member_id
from peer.core.myself import Myself
from peer.core.reach.contacts import Callee
from shared.codec import encode
from shared.errors import ProtocolError, Refused
from shared.messages.common import Message
from shared.messages.peers import (
    STAYS,
    Accept,
    Adding,
    Charter,
    Confirm,
    Entry,
    Invite,
    Leave,
    Members,
    Membership,
    Position,
)
from shared.names import fold

LINE_ROOM: Final = 62 * 1024  # a little less than one line may hold


class Community(Protocol):
    """The community to which this peer belongs."""

    @property
    def authority(self) -> bytes:
        """The certificate of the authority, which vouches for the users."""


class Permission(Struct, frozen=True):
    """My permission for one user to become a member of one conversation."""

    conversation: str
    member: str
    counter: int  # of their membership
    adding: Adding
    salt: bytes = b""  # of the conversation that begins with them; empty: I am in it already
    last: int = 0  # texts of before that they get


class Credentials:
    """The signatures of one user that let others in, and the checks of theirs."""

    def __init__(self, myself: Myself, community: Community) -> None:
        self._myself, self._community = myself, community
        #: my conversation and my rooms, by id; the shell keeps them
        self.conversations: dict[str, Conversation] = {}

    # --- I invite ---

    def found(self, callee: Callee, salt: bytes) -> Permission:
        """Permit a user to begin a conversation with me, which `salt` makes."""
        mine = membership.found(self._myself.me, salt)
        return self._permit(conversation_id(self._myself.key, salt), callee, mine, 1, salt)

    def found_room(self, name: str, nonce: bytes) -> tuple[Charter, Roll]:
        """Return a new room of this name, and its roll, in which I am alone."""
        charter = Charter(name, self._myself.key, nonce)
        salt = salt_of(charter)
        roll = Roll(conversation_id(self._myself.key, salt), self._community.authority)
        roll.merge([membership.found(self._myself.me, salt)])
        return charter, roll

    def add(self, callee: Callee, current: Conversation, last: int = 0) -> Permission:
        """Permit a user to come into a conversation that I am in, and to read the last texts.

        Raises Refused for a member, and when the roll has no room for another stay.
        """
        mine = current.roll.of(self._myself.id)
        assert mine is not None
        theirs = current.roll.counter(member_id(callee.name, callee.key))
        if theirs % 2:  # they are a member, but out of reach
            where = f"room #{current.room}" if current.room else "conversation"
            raise Refused(f"User {callee.name} is in the {where} already.")
        if theirs > 2 * STAYS + 1 or not current.roll.has_room(self._myself.id):
            raise Refused("Too many came and went in this conversation: begin a new one.")
        permission = self._permit(current.id, callee, mine, theirs + 1)
        return msgspec.structs.replace(permission, last=last)

    def _permit(
        self, conversation: str, callee: Callee, mine: Membership, theirs: int, salt: bytes = b""
    ) -> Permission:
        member = member_id(callee.name, callee.key)
        adding = membership.add(self._myself.me, conversation, mine, member, theirs)
        return Permission(conversation, member, theirs, adding, salt)

    def invite(self, invite: Invite, permission: Permission) -> Invite:
        """Return the INVITE with all that it carries.

        It proves who is in my conversation, as far as that fits into one line.
        """
        invite = msgspec.structs.replace(
            invite, counter=permission.counter, adding=permission.adding
        )
        current = self._in(permission.conversation)
        if current is None:
            return invite
        room = LINE_ROOM - len(encode(invite))
        first, *_ = membership.pages(current.roll.essential(first=self._myself.id), room)
        return msgspec.structs.replace(invite, proof=first)

    def let_in(self, id: str, callee: str, permission: Permission, accept: Accept) -> Action | None:
        """Return what lets the callee in who accepted; None if the conversation is over or full.

        Raises ProtocolError unless they have signed to be a member.
        """
        if accept.membership is None:
            raise ProtocolError("an ACCEPT makes nobody a member")
        roll = self._roll_for(permission)
        if roll is None:
            return None
        roll.merge([accept.membership])
        if not roll.counter(permission.member) % 2:
            raise ProtocolError("an ACCEPT makes nobody a member")
        if not roll.is_in(permission.member):
            return None  # others have taken the last places meanwhile
        if permission.salt:
            return Found(callee, id, roll)
        membership, where = accept.membership, permission.conversation
        return Admit(callee, id, where, permission.member, membership, permission.last)

    def _roll_for(self, permission: Permission) -> Roll | None:
        """Return a roll, as it would be without the callee; None when I have left meanwhile."""
        if permission.salt:
            roll = Roll(permission.conversation, self._community.authority)
            roll.merge([membership.found(self._myself.me, permission.salt)])
            return roll
        current = self._in(permission.conversation)
        return None if current is None else current.roll.copy()

    def confirm(
        self, id: str, permission: Permission, since: tuple[Position, ...], lamport: int
    ) -> Confirm:
        """Tell somebody whom I let in who else is a member, and which texts are not for them."""
        current = self._in(permission.conversation)
        assert current is not None
        entry = current.entry_for(permission.member, since)
        confirm = Confirm(id, (), since, lamport, entry.epochs, entry.signature)
        room = LINE_ROOM - len(encode(confirm))
        first, *_ = membership.pages(current.roll.essential(first=permission.member), room)
        return msgspec.structs.replace(confirm, members=first)  # HELLO brings the rest

    def _in(self, conversation: str) -> Conversation | None:
        """Return the conversation with this id if I am in it."""
        return self.conversations.get(conversation)

    # --- I am invited ---

    def check_invite(self, invite: Invite) -> None:
        """Raise ProtocolError for an invitation without a permission, or with a forged name."""
        if invite.adding is None:
            raise ProtocolError("an invitation lets nobody in")
        if invite.room is not None:
            check_charter(invite.room, invite.conversation)

    def proven(self, invite: Invite) -> list[tuple[str, str]]:
        """Return id and name of the other members whom the inviter has proved to be in.

        Names without a proof do not count: anybody can be named.
        """
        named = set(map(fold, invite.members[1:]))
        if not named:
            return []
        roll = self._shown(invite)
        members = [(one, roll.name(one)) for one in roll.members()]
        return [(one, name) for one, name in members if fold(name) in named]

    def is_by_member(self, invite: Invite, inviter: str) -> bool:
        """Whether the inviter has proved to be a member, and has signed that I may become one."""
        assert invite.adding is not None
        roll, by = self._shown(invite, self._join(invite)), invite.adding.by
        is_theirs = fold(roll.name(by)) == fold(inviter)
        return is_theirs and roll.is_in(by) and roll.is_in(self._myself.id)

    def _shown(self, invite: Invite, *more: Membership) -> Roll:
        """Return the roll as far as the inviter proves it; a forged proof proves nothing."""
        roll = Roll(invite.conversation, self._community.authority)
        with contextlib.suppress(ProtocolError):
            membership.check_size(invite.proof)
            roll.merge((*invite.proof, *more))
        return roll

    def accept(self, invite: Invite) -> Accept:
        """Return my yes, with my membership."""
        return Accept(invite.id, self._join(invite))

    def _join(self, invite: Invite) -> Membership:
        assert invite.adding is not None
        return membership.join(self._myself.me, invite.conversation, invite.counter, invite.adding)

    def enter(self, invite: Invite, confirm: Confirm) -> Enter | None:
        """Return how I enter; None if the inviter has left the conversation meanwhile.

        Raises ProtocolError when the memberships are forged, or mine is not among them, and when
        the inviter has not signed what came before me: the others would not believe my entry.
        """
        if not confirm.members:
            return None
        assert invite.adding is not None
        mine = self._join(invite)
        members = (*confirm.members, mine)
        membership.check_size(members)
        roll = Roll(invite.conversation, self._community.authority)
        roll.merge(members)
        inviter = roll.key(invite.adding.by) if roll.is_in(self._myself.id) else None
        if inviter is None:
            raise ProtocolError("nobody has added me to this conversation")
        for one in confirm.since:
            check_origin(one.origin)
        entry = Entry(
            invite.conversation, self._myself.id, mine.counter, confirm.since, confirm.epochs,
            confirm.signature, confirm.lamport,
        )  # fmt: skip
        check_entry(entry, inviter)
        return Enter(roll, confirm.since, confirm.lamport, entry, invite.room)

    def prove_departure(self, invite: Invite) -> Message:
        """Return my signed leaving: my yes is over, and they may have let me in already."""
        if invite.adding is None:  # my own: I was let in before, and left with a signature
            return Leave(invite.conversation)
        gone = membership.leave(self._myself.me, invite.conversation, self._join(invite))
        return Members(invite.conversation, (gone,))
