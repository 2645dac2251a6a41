"""Users who sign, in the middle of an invitation, without a network, a disk or a clock."""

from peer.core import membership
from peer.core.conversation.conversation import Conversation
from peer.core.invitation.actions import Action, Found, Open, Send
from peer.core.invitation.credentials import Credentials, Permission
from peer.core.invitation.machine import InvitationMachine
from peer.core.membership import Roll, conversation_id
from peer.core.myself import Myself, Registration
from peer.core.reach.contacts import Callee
from shared.messages.common import Message
from shared.messages.peers import SALT_BYTES, Accept, Confirm, Invite
from tests.kit.rolls import AUTHORITY, me
from tests.kit.unsigned import Ids

SALT = b"c" * SALT_BYTES
TALK = conversation_id(me("carol").identity.public, SALT)
ID = f"{1:032x}"


class Place:
    """The community of these people."""

    authority = AUTHORITY.certificate


class Side:
    """One user, with the conversation that this user is in."""

    def __init__(self, name: str) -> None:
        self.name, self.me = name, me(name)
        self.myself = Myself(Registration(name), self.me.identity)
        self.myself.certificate = self.me.certificate
        self.credentials = Credentials(self.myself, Place())
        self.callee = Callee(name, self.me.identity.public)

    @property
    def current(self) -> Conversation:
        (current,) = self.credentials.conversations.values()
        return current

    def is_in(self, roll: Roll) -> None:
        """Enter the conversation of this roll."""
        current = Conversation(
            roll.conversation, self.me, roll, "e" * 16, first_number=1, jitter=lambda: 1.0
        )
        self.credentials.conversations = {roll.conversation: current}

    def founds(self, *others: "Side") -> None:
        """Begin a conversation, and let the others in one after the other."""
        roll = Roll(TALK, AUTHORITY.certificate)
        roll.merge([membership.found(self.me, SALT)])
        self.is_in(roll)
        for other in others:
            asked = self.adds(other)
            accept = other.credentials.accept(asked)
            assert accept.membership is not None
            roll.merge([accept.membership])
            other.is_in(roll.copy())

    def adds(self, other: "Side") -> Invite:
        """Ask somebody into the conversation that I am in."""
        return self.asks(self.credentials.add(other.callee, self.current))

    def asks(self, permission: Permission) -> Invite:
        invite = Invite(ID, permission.conversation, (self.name,))
        return self.credentials.invite(invite, permission)


class Program(Side):
    """One user with the whole core, and a shell that only notes what it should do."""

    def __init__(self, name: str, first_id: int) -> None:
        super().__init__(name)
        self.core = InvitationMachine(name, Ids(first_id), self.credentials)

    def calls(self, other: "Program", permission: Permission | None = None) -> Invite:
        """Send an invitation: into a conversation of two, if there is no permission yet."""
        permission = permission or self.credentials.found(other.callee, SALT)
        self.core.invite(other.name, permission, members=(self.name,), urgent=False, now=0)
        (sent,) = self.core.linked(other.name, 0)
        assert isinstance(sent, Send)
        assert isinstance(sent.message, Invite)
        return sent.message

    def says_yes(self, inviter: "Program", invite: Invite) -> Accept:
        self.core.receive(inviter.name, invite, 0)
        (sent,) = self.core.answer(invite.id, True, 0)
        assert isinstance(sent, Send)
        assert isinstance(sent.message, Accept)
        return sent.message

    def lets_in(self, other: "Program", accept: Accept) -> Confirm:
        found, opened = self.core.receive(other.name, accept, 1)
        assert isinstance(found, Found)
        assert opened == Open(accept.id, TALK, other.name, (self.name,))
        self.is_in(found.roll)
        self.core.situation.conversations = {TALK}
        (sent,) = self.core.let_in(found.id, (), 0)
        assert isinstance(sent, Send)
        assert isinstance(sent.message, Confirm)
        return sent.message

    def hears(self, sender: "Program", message: Message) -> list[Action]:
        return self.core.receive(sender.name, message, 2)
