"""Tell my conversations what links, members, the directory and the clock bring."""

import trio

from peer.core import membership
from peer.core.conversation.proof.check_budget import CheckBudget
from peer.core.reach.absence import BEAT, Heartbeat
from peer.runtime.conversation.member_links import MemberLinks
from peer.runtime.conversation.progress import Progress
from peer.runtime.conversation.stays import Stays
from peer.runtime.conversation.texts.drafts import Drafts
from shared.messages.peers import (
    Acknowledge,
    Entry,
    Hello,
    Leave,
    Members,
    Text,
    Want,
)
from shared.world import Clock

TalkMessage = Text | Acknowledge | Hello | Members | Entry | Want | Leave


class News:
    """Hears what happens around my conversations.  Each name is that of a member's link."""

    def __init__(
        self, stays: Stays, links: MemberLinks, drafts: Drafts, progress: Progress, clock: Clock,
        budget: CheckBudget,
    ) -> None:  # fmt: skip
        self._stays, self._links, self._drafts = stays, links, drafts
        self._progress, self._clock, self._budget = progress, clock, budget
        self._heartbeat = Heartbeat()

    # --- Links ---

    def needs(self, name: str) -> bool:
        """Whether the link to this user is wanted."""
        member = self._links.member(name)
        return any(core.concerns(member) for core in self._stays.cores)

    def linked(self, name: str) -> None:
        """Note a link to the member with this name and its key; another key is another member."""
        self.look_at_clock()
        member = self._links.shown(name)
        if self._links.member(name) not in ("", member):
            self.link_lost(name)
        self._links.note(name, member)
        for one in self._stays.all:
            one.perform(one.core.linked(member, trio.current_time()))

    def link_lost(self, name: str) -> None:
        self.look_at_clock()
        self._drafts.flush()
        member = self._links.lose(name)
        for one in self._stays.all:
            one.perform(one.core.link_lost(member, trio.current_time()))
        self._progress.made()

    def unreachable(self, name: str) -> None:
        for one in self._stays.all:
            for member in one.core.roll.named(name):
                one.perform(one.core.reach.unreachable(member, trio.current_time()))

    # --- Members ---

    def hear(self, name: str, message: TalkMessage) -> bool:
        """Handle a message; return False if I am not in its conversation.  Raises ProtocolError."""
        return self.hear_member(self._links.member(name), message)

    def hear_member(self, member: str, message: TalkMessage) -> bool:
        """Like `hear`, by the id of a member."""
        self._drafts.flush()
        stays = self._stays.of(message.conversation)
        if not stays:
            return False
        if isinstance(message, Members):
            membership.check_size(message.members)
        for one in stays:
            if one is stays[-1] or isinstance(message, Acknowledge):
                checks, now = one.core.roll.checks, trio.current_time()
                one.perform(one.core.receive(member, message, now))
                self._budget.spend(member, one.core.roll.checks - checks, now)
        self._progress.made()
        return True

    # --- The directory ---

    def directory(self, *, is_there: bool) -> None:
        for core in self._stays.cores:
            core.reach.directory(trio.current_time(), is_there=is_there)

    def came(self, name: str) -> None:
        """Note that the directory says that they are online."""
        for one in self._stays.all:
            for member in one.core.roll.named(name):
                one.perform(one.core.reach.may_be_back(member, trio.current_time()))

    # --- The clock ---

    def look_at_clock(self) -> None:
        """Check, before the next event, whether the program stood still until now."""
        seconds = self._heartbeat.beat(trio.current_time(), self._clock.time())
        if seconds:
            for core in self._stays.cores:
                core.reach.slept(seconds, trio.current_time())

    async def run(self) -> None:
        """Look at the clock from time to time; run until cancelled."""
        while True:
            self.look_at_clock()
            await trio.sleep(BEAT)
