"""Tell the others who is in, and from where on they may read; hear it from them."""

from collections.abc import Iterable

from msgspec.structs import replace

from peer.core import membership
from peer.core.conversation.actions import Action, KeepEntrance, KeepMembers, KeepPlaces, Send
from peer.core.conversation.incoming.inbox import Inbox
from peer.core.conversation.members.entrances import Entrances, Heard, sign_entry
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.misled import Misled
from peer.core.conversation.own_stay import OwnStay
from shared.messages.peers import SINCE, Entry, Members, Membership, Origin, Position


class RollExchange:
    def __init__(
        self, stay: OwnStay, mesh: Mesh, entrances: Entrances, inbox: Inbox, misled: Misled
    ) -> None:
        self._stay, self._mesh, self._entrances, self._inbox = stay, mesh, entrances, inbox
        self._misled = misled
        self._learned = self._learn_entrances()  # not on disk yet
        self._returned: set[Origin] = set()  # of which an earlier run knew my entry to be wrong

    def restore(self, passed: Iterable[Position]) -> None:
        """Take up what is passed over: less than my entry names, where that was found wrong."""
        places = {one.origin: one.seq for one in passed}
        mine = self._entrances.entry_of(self._stay.me.id)
        told = mine.since if mine is not None else ()
        self._returned = {one.origin for one in told if places.get(one.origin, one.seq) < one.seq}

    def begin(self) -> list[Action]:
        return self._keep_entrances(self._learned)

    # --- The roll ---

    def introduce(self, to: str) -> list[Action]:
        """Send a member the roll, and my entry: from where on I may read.

        With it go the entries above mine whose members have left: nobody else shows those.
        """
        me = self._stay.me.id
        mine, past = self._entrances.entry_of(me), self._entrances.past(me)
        entries = [mine, *(one.entry for one in past)]
        return [*self.tell_all(to), *(Send((to,), one) for one in entries if one)]

    def remind(self, member: str, have: Iterable[Position]) -> list[Action]:
        """Show a member their own entry, if they lack what they came in after.

        Their program was killed before that was on its disk, and does not know that it waits
        for texts which nobody may hand on.
        """
        entry = self._entrances.entry_of(member)
        has = {one.origin: one.seq for one in have}
        lacks = entry is not None and any(has.get(one.origin, 0) < one.seq for one in entry.since)
        return [Send((member,), entry)] if entry is not None and lacks else []

    def tell_all(self, to: str) -> list[Action]:
        """Show somebody the whole roll."""
        return self._tell((to,), self._stay.roll.all())

    def _tell(self, to: tuple[str, ...], what: Iterable[Membership]) -> list[Action]:
        return [Send(to, Members(self._stay.id, page)) for page in membership.pages(what)]

    def pass_on(self, changed: list[str], sender: str) -> list[Action]:
        """Tell all others whose membership has changed, and put that on disk."""
        roll = self._stay.roll
        to = tuple(member for member in self._mesh.linked if member != sender)
        known = tuple(member for member in changed if roll.of(member))  # not dropped
        told = self._tell(to, roll.told(changed))
        return [*told, KeepMembers(known), *self._keep_entrances(self._learn_entrances())]

    def sign_out(self) -> Membership | None:
        """Sign that I am out, and put that on the roll; return None if I am out already."""
        me, roll = self._stay.me, self._stay.roll
        mine = roll.of(me.id)
        if mine is None or not mine.counter % 2:
            return None
        gone = membership.leave(me, self._stay.id, mine)
        roll.merge([gone])
        return gone

    # --- Entrances ---

    def _learn_entrances(self) -> list[str]:
        """Note new entrances; return whose.  They came in after what is here now."""
        heard, members = self._heard(), self._stay.roll.members()
        return [member for member in members if self._entrances.learn(member, heard)]

    def _heard(self) -> Heard:
        return Heard(self._inbox.seen(), self._inbox.origins)

    def _keep_entrances(self, members: Iterable[str]) -> list[Action]:
        found = map(self._entrances.of, members)
        return [KeepEntrance(one) for one in found if one is not None]

    def hear_entry(self, sender: str, entry: Entry) -> list[Action]:
        """Take an entry: from where on its member may read.

        The member who let them in may have signed two.  The first that I see counts; the newcomer
        believes the one that they show themselves.
        """
        if entry.conversation != self._stay.id:
            return []
        news = self._entrances.hear(entry, self._heard())
        kept: list[Action] = []
        if news is not None:
            kept = [KeepEntrance(news), *self._misled.entered(entry)]
        elif sender == entry.member and self._misled.is_guess(sender):
            kept = self._misled.entered(entry) if self._entrances.is_second(entry) else []
        return [*kept, *self._pass_over(entry)] if self._is_mine(entry) else kept

    def _is_mine(self, entry: Entry) -> bool:
        """Whether it is the entry of my present stay; its `lamport` is not signed."""
        mine = self._entrances.entry_of(self._stay.me.id)
        return mine is not None and entry == replace(mine, lamport=entry.lamport)

    def _pass_over(self, entry: Entry) -> list[Action]:
        """Wait for no text from before I came in; what I write sorts after all of them."""
        passed = self._inbox.pass_over(
            one for one in entry.since if one.origin not in self._returned
        )
        if passed:
            self._inbox.clock.saw(entry.lamport)
        return [KeepPlaces(passed)] if passed else []

    def sign_entry(self, newcomer: str, since: tuple[Position, ...]) -> Entry:
        """Sign what was said before a newcomer whom I have let in.

        Note it: they may be killed before they have shown it to anybody.
        """
        counter, epochs = self._stay.roll.counter(newcomer), self._inbox.epochs_told(SINCE)
        lamport = self._inbox.clock.now
        entry = Entry(self._stay.id, newcomer, counter, since, epochs, lamport=lamport)
        signed = sign_entry(self._stay.me, entry)
        self._entrances.hear(signed, self._heard())
        return signed

    def keep_entrance(self, member: str) -> list[Action]:
        """Put on disk from where on a member may read."""
        return self._keep_entrances((member,))
