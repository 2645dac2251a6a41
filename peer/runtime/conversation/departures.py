"""Prove that I have left a conversation to members who still count me in."""

from contextlib import suppress

import trio

from peer.core import membership
from peer.core.conversation.proof.check_budget import CheckBudget
from peer.core.membership import Roll
from peer.core.myself import Myself
from peer.runtime.conversation.member_links import MemberLinks
from peer.runtime.keys.known_keys import KnownKeys
from peer.storage.journal import Journal
from shared.errors import ProtocolError
from shared.messages.peers import Members


class Departures:
    def __init__(
        self, myself: Myself, links: MemberLinks, known_keys: KnownKeys,
        journal: Journal, budget: CheckBudget,
    ) -> None:  # fmt: skip
        self._myself, self._links, self._known_keys = myself, links, known_keys
        self._journal, self._budget = journal, budget

    def prove(self, name: str, message: Members) -> None:
        """Sign that I am out of a conversation in which they count me, and tell them its roll."""
        me, id, sender = self._myself.me, message.conversation, self._links.member(name)
        membership.check_size(message.members)
        if not any(me.identity.public in one.certificate for one in message.members):
            return  # it is not about me, so it costs them nothing
        roll = Roll(id, self._known_keys.authority)
        try:
            roll.merge(message.members)
        finally:
            self._budget.spend(sender, roll.checks, trio.current_time())
        if not roll.is_in(me.id):
            return
        if roll.is_in(sender):  # nobody else need know who is in
            with suppress(ProtocolError):  # damage on my disk is no fault of theirs
                roll.merge(self._journal.memberships(id))
        if roll.is_in(me.id) and (mine := roll.of(me.id)) is not None:
            roll.merge((membership.leave(me, id, mine),))
        for page in membership.pages(roll.all()):
            self._links.post_to(name, Members(id, page))
