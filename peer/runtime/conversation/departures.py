"""Prove that I have left a conversation to members who still count me in."""

import trio

from peer.core.conversation.proof.check_budget import CheckBudget
from peer.core.departure import DepartureClaim
from peer.core.myself import Myself
from peer.runtime.conversation.member_links import MemberLinks
from peer.runtime.keys.known_keys import KnownKeys
from peer.storage.journal import Journal
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
        claim = DepartureClaim(me, id, self._known_keys.authority)
        try:
            counts_me_in = claim.hear(message.members)
        finally:
            self._budget.spend(sender, claim.checks, trio.current_time())
        if counts_me_in:
            kept = self._journal.memberships(id) if claim.is_by_member(sender) else ()
            for proof in claim.prove(kept):
                self._links.post_to(name, proof)
