"""Decide which part hears what of a link.

A message that belongs to no part is answered with ERR UNKNOWN, and so is one of a newer version.
"""

from typing import Final

import trio

from peer.core.stranger_limits import StrangerLimits
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.conversation.news import TalkMessage
from peer.runtime.invitation.invitations import Invitations
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.lines.private_lines import IncomingLines, PrivateLines
from peer.runtime.link.links import Links
from peer.runtime.mailbox.unsent import Unsent
from peer.runtime.passed_knocks import PassedKnocks
from peer.storage.contacts import ContactStore
from shared.bucket import Brakes
from shared.codec import encode
from shared.errors import ParleyError
from shared.messages.common import Err, Message
from shared.messages.peers import (
    AboutInvitations,
    Acknowledge,
    Entry,
    Hello,
    Leave,
    Members,
    No,
    PassedKnock,
    Private,
    Shown,
    Text,
    ToAll,
    Want,
)
from shared.names import fold

IGNORED_BYTES: Final = 1024.0 * 1024  # a second, from an ignored user: a screen takes more
IGNORED_BYTES_AT_ONCE: Final = 4.0 * 1024 * 1024


class Dispatch:
    """The receiver of all news of links (`peer.runtime.link.listener.LinkListener`)."""

    def __init__(
        self, links: Links, lines: PrivateLines, heard_lines: IncomingLines, unsent: Unsent,
        invitations: Invitations, conversations: Conversations, passed_knocks: PassedKnocks, *,
        contacts: ContactStore,
        known_users: KnownUsers, strangers: StrangerLimits, is_passing: bool,
    ) -> None:  # fmt: skip
        """`is_passing`: here for one command only; the next program resumes conversations."""
        self._links, self._lines, self._heard_lines, self._unsent = (
            links,
            lines,
            heard_lines,
            unsent,
        )
        self._invitations, self._conversations = invitations, conversations
        self._passed_knocks = passed_knocks
        self._contacts, self._known_users = contacts, known_users
        self._strangers, self._is_passing = strangers, is_passing
        self._ignored_pace = Brakes(IGNORED_BYTES, IGNORED_BYTES_AT_ONCE)

    # --- Links that come and go ---

    def linked(self, name: str) -> None:
        self._lines.link_changed(name)
        self._unsent.linked(name)
        self._invitations.linked(name)
        self._conversations.news.linked(name)

    def link_lost(self, name: str) -> None:
        self._lines.link_changed(name)
        self._invitations.link_lost(name)
        self._conversations.news.link_lost(name)

    def unreachable(self, name: str, failure: ParleyError) -> None:
        self._invitations.unreachable(name, str(failure))
        self._conversations.news.unreachable(name)

    def pass_knock(self, name: str) -> bool:
        return self._passed_knocks.send(name)

    def needs(self, name: str) -> bool:
        """Whether the link to this user is still wanted."""
        return (
            self._conversations.news.needs(name)
            or self._invitations.is_live_with(name)
            or self._lines.is_sending_to(name)
        )

    def knows(self, name: str) -> bool:
        return self._known_users.knows(name)

    def pause(self, name: str) -> float:
        now = trio.current_time()
        return max(self._strangers.pause(name, now), self._ignored_pace.pause(fold(name), now))

    # --- Messages ---

    def received(self, name: str, message: Message) -> None:
        if fold(name) in self._contacts.ignored:
            # Nothing of them waits for the screen or the disk: nothing else slows them down.
            self._ignored_pace.take(fold(name), len(encode(message)), trio.current_time())
        match message:
            case Private() | ToAll():
                self._heard_lines.hear(name, message)
            case Shown(id=id):
                self._lines.shown(name, id)
            case No(id=id, reason=reason):
                self._lines.refused(name, id, reason)
            case Text() | Acknowledge() | Hello() | Members() | Entry() | Want() | Leave():
                self._hear_talk(name, message)
            case PassedKnock():
                self._passed_knocks.hear(name, message)
            case Err():
                pass  # their version does not know something; to log each would fill a log
            case _ if isinstance(message, AboutInvitations):
                self._invitations.hear(name, message)
            case _:
                tag = message.__struct_config__.tag
                self._links.post(name, Err("UNKNOWN", f"{tag} does not belong here"))

    def _hear_talk(self, name: str, message: TalkMessage) -> None:
        if self._conversations.news.hear(name, message) or self._invitations.will_open(
            message.conversation
        ):
            return
        if self._is_passing:
            return  # the next start may still take it up
        match message:
            case Members():
                self._conversations.departures.prove(name, message)
            case Text() | Hello():
                # They believe in a conversation that is over here, or never was.
                self._links.post(name, Leave(message.conversation))
