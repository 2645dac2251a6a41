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

    def conversation_changed(
        self, current: Conversation | None, rooms: tuple[Conversation, ...]
    ) -> None:
        """Let my status, and what others hear when they invite me, follow from it.

        Rooms make nobody BUSY.
        """
        ours = (*rooms, current) if current else rooms
        self._credentials.conversations = {one.id: one for one in ours}
        self._situation.conversations = set(self._credentials.conversations)
        self._own_presence.talks(current is not None)

    def leave_for(self, current: Conversation, to: str, after: Position, upto: int) -> None:
        self._copies.leave_for(current, to, after, upto)
