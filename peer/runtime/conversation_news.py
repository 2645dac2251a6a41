"""Tell other parts what my conversations mean for them."""

from peer.core.conversation.conversation import Conversation
from peer.core.invitation.credentials import Credentials
from peer.core.invitation.questions import Situation
from peer.runtime.directory.own_presence import OwnPresence
from peer.runtime.mailbox.copies import MailboxCopies
from shared.messages.peers import Position


class ConversationNews:
    """The `ConversationListener` of `peer.runtime.conversation.stays`."""

    def __init__(
        self, own_presence: OwnPresence, situation: Situation, credentials: Credentials,
        copies: MailboxCopies,
    ) -> None:  # fmt: skip
        self._own_presence, self._situation = own_presence, situation
        self._credentials, self._copies = credentials, copies

    def conversation_changed(self, current: Conversation | None) -> None:
        """Let my status, and what others hear when they invite me, follow from it."""
        self._credentials.conversation = current
        self._situation.conversations = {current.id} if current else set()
        self._own_presence.talks(current is not None)

    def leave_for(self, current: Conversation, to: str, after: Position, upto: int) -> None:
        self._copies.leave_for(current, to, after, upto)
