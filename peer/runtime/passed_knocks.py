"""Knock through a member of my conversation while the directory is away.

A knock of this kind names no address: whoever is asked dials the other where they would dial
them anyway.  So it needs no proof, and leads nobody anywhere.
"""

import trio

from peer.core.conversation.route import DIRECT
from peer.core.myself import Myself
from peer.core.reach.knock_limits import KnockLimits
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.link.links import Links
from shared.messages.peers import PassedKnock
from shared.names import fold


class PassedKnocks:
    def __init__(self, links: Links, conversations: Conversations, myself: Myself) -> None:
        self._links, self._conversations, self._myself = links, conversations, myself
        now = trio.current_time()
        self._sent, self._passed, self._heard = KnockLimits(now), KnockLimits(now), KnockLimits(now)

    def send(self, name: str) -> bool:
        """Ask the member through whom this one is reached to pass a knock on; False if none can."""
        current = self._conversations.conversation
        if current is None:
            return False
        ways = {member: way for member, way, _ in current.reach.who()}
        for member in current.roll.named(name):
            through = ways.get(member, "")
            if through not in ("", DIRECT) and self._sent.allow(name, trio.current_time()):
                knock = PassedKnock(current.id, self._myself.name, current.roll.name(member))
                self._links.post(current.roll.name(through), knock)
                return True
        return False

    def hear(self, sender: str, knock: PassedKnock) -> None:
        """Pass a knock on, or dial the member who knocks; ignore one that is not among us."""
        current = self._conversations.conversation
        if current is None or current.id != knock.conversation:
            return
        members = {fold(current.roll.name(one)) for one in current.roll.members()}
        if not {fold(sender), fold(knock.caller), fold(knock.callee)} <= members:
            return
        now = trio.current_time()
        if self._myself.is_called(knock.callee):
            if self._links.to(knock.caller) is None and self._heard.allow(knock.caller, now):
                self._conversations.news.came(knock.caller)
        elif fold(sender) == fold(knock.caller) and self._passed.allow(
            f"{knock.caller} {knock.callee}", now
        ):
            self._links.post(knock.callee, knock)
