"""Finds newcomers who pass over texts of mine, and say to have them, because of a false entry.

Who lets a newcomer in signs how far everything was said before.  They knew no more of mine
than I had written when I heard of the newcomer: an entry that names more is false.
"""

from collections.abc import Iterable
from typing import NamedTuple

from peer.core.conversation.actions import Action, Hand, KeepAcknowledged
from peer.core.conversation.members.entrances import NOTHING, Entrances
from peer.core.conversation.members.mesh import Mesh
from peer.core.conversation.outbox import Outbox
from shared.messages.peers import Entry, Origin, Position


class _Range(NamedTuple):
    """The texts of an epoch that they pass over: after `known`, to `upto`."""

    epoch: str
    known: int
    upto: int


class Misled:
    def __init__(self, me: str, mesh: Mesh, entrances: Entrances, outbox: Outbox) -> None:
        self._me, self._mesh, self._entrances, self._outbox = me, mesh, entrances, outbox
        self._ranges: dict[str, _Range] = {}  # by member

    def restore(self, epoch: str) -> None:
        """Take up what an earlier run knew of the epoch in which it wrote."""
        of = self._me, epoch
        for member in self._mesh:
            entry, known = self._entrances.entry_of(member), self._entrances.had_come(member, of)
            upto = _named(entry, of) if entry is not None else NOTHING
            if known < upto:
                self._outbox.came_in(member, epoch, known)
                known = max(known, self._outbox.has(member, epoch))
                if entry is not None and known < upto:
                    self._ranges[member] = _Range(epoch, known, upto)

    def lacks(self, member: str, epoch: str, seq: int) -> bool:
        """Whether they lack this text, whatever they say."""
        found = self._ranges.get(member)
        return found is not None and epoch == found.epoch and found.known < seq <= found.upto

    def hand_back(self, to: str) -> list[Action]:
        """Hand texts of an earlier run to a member who does not know that they lack them."""
        found = self._ranges.get(to)
        if found is None or found.epoch != self._outbox.epoch or not self._outbox.is_behind(to):
            return []
        return [Hand(to, Position(self._me, found.epoch, found.known))]

    def entered(self, entry: Entry) -> list[Action]:
        """Note an entry that a member shows for the first time."""
        by, came_after = entry.member, self._outbox.came_after(entry.member)
        if came_after is None:
            return []
        epoch, known = came_after
        upto = _named(entry, (self._me, epoch))
        if upto > known:
            self._ranges[by] = _Range(epoch, known, upto)
            if self._outbox.has(by, epoch) == upto:  # they have said so, through another member
                self._outbox.take_back(by, epoch, known)
                return [KeepAcknowledged(by, epoch, known)]
        return []

    def is_of_the_future(self, by: str, have: Iterable[Position], epoch: str, last: int) -> bool:
        """Whether a member says, through another one, to have texts that I have not written.

        `last`: what I have written in this epoch.
        """
        future = [one.seq for one in have if one.origin == (self._me, epoch) and one.seq > last]
        of, known = self._outbox.came_after(by) or ("", 0)
        if future and of == epoch:
            before = self._ranges.get(by)
            if before is None or before.epoch != epoch:
                known = max(known, self._outbox.has(by, epoch))
            else:
                known = before.known
            self._ranges[by] = _Range(epoch, known, future[0])
        return bool(future)

    def only_repeats(self, by: str, there: Position) -> bool:
        """Whether a member says what the entry made them believe, and nothing of their own."""
        found = self._ranges.get(by)
        if found is None or there.origin != (self._me, found.epoch):
            return False
        if there.seq < found.upto:
            del self._ranges[by]  # they have gone back, and are right from now on
        return there.seq == found.upto

    def taken_from_mailbox(self, by: str, epoch: str, seq: int) -> None:
        """Note that a copy of this text is on their disk."""
        found = self._ranges.get(by)
        if found is not None and (found.epoch, found.known) == (epoch, seq - 1):
            self._ranges[by] = found._replace(known=seq)

    def forget(self, member: str) -> None:
        """Forget all of a member who comes in anew."""
        self._ranges.pop(member, None)


def _named(entry: Entry, of: Origin) -> int:
    """Return how far an entry names an origin."""
    return max((one.seq for one in entry.since if one.origin == of), default=0)
