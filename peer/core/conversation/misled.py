"""Finds newcomers who pass over texts of mine, and say to have them, because of a false entry.

The member who lets a newcomer in signs how far everything was said before.  They knew no more of
mine than I had written when I heard of the newcomer: an entry that names more is false.
"""

from collections.abc import Iterable

from msgspec import Struct

from peer.core.conversation.actions import Action, KeepAcknowledged
from peer.core.conversation.outbox import Outbox
from shared.messages.peers import Entry, Origin, Position


class _Range(Struct, frozen=True):
    """The texts that they pass over: after `known`, to `upto`."""

    known: int
    upto: int


class Misled:
    """The misled newcomers.  All of it is about the epoch in which I write."""

    def __init__(self, me: str, outbox: Outbox) -> None:
        self._me, self._outbox = me, outbox
        self._ranges: dict[str, _Range] = {}  # by member

    @property
    def _origin(self) -> Origin:
        return self._me, self._outbox.epoch

    def forget(self, member: str) -> None:
        """Forget all of a member who comes in anew."""
        self._ranges.pop(member, None)

    def lacks(self, member: str, epoch: str, seq: int) -> bool:
        """Whether they lack this text, whatever they say."""
        found = self._ranges.get(member)
        return found is not None and epoch == self._outbox.epoch and found.known < seq <= found.upto

    def is_guess(self, member: str) -> bool:
        """Whether a newcomer has not said yet, over a link with me, what they have of mine."""
        return self._outbox.is_assumed(member)

    def entered(self, entry: Entry) -> list[Action]:
        """Note an entry that is seen for the first time."""
        by, known = entry.member, self._outbox.came_after(entry.member)
        mine = [one.seq for one in entry.since if one.origin == self._origin]
        if mine and known is not None and mine[0] > known:
            self._ranges[by] = _Range(known, mine[0])
            if self._outbox.has(by) == mine[0]:  # they have said so, through another member
                self._outbox.take_back(by, known)
                return [KeepAcknowledged(by, self._outbox.epoch, known)]
        return []

    def is_of_the_future(self, by: str, have: Iterable[Position]) -> bool:
        """Whether a member says to have texts that I have not written; note it of a newcomer."""
        mine, last = self._origin, self._outbox.last
        future = [there.seq for there in have if there.origin == mine and there.seq > last]
        known = self._outbox.came_after(by)
        if future and known is not None:
            before = self._ranges.get(by)
            known = before.known if before else max(known, self._outbox.has(by))
            self._ranges[by] = _Range(known, future[0])
        return bool(future)

    def only_repeats(self, by: str, there: Position) -> bool:
        """Whether a member says what the entry made them believe, and nothing of their own.

        They may believe another entry than the one that I was shown.
        """
        self.is_of_the_future(by, (there,))
        found = self._ranges.get(by)
        if found is None or there.origin != self._origin:
            return False
        if there.seq < found.upto:
            del self._ranges[by]  # they have gone back, and are right from now on
        return there.seq == found.upto

    def taken_from_mailbox(self, by: str, epoch: str, seq: int) -> None:
        """Note that a copy of this text is on their disk."""
        found = self._ranges.get(by)
        if found is not None and (epoch, found.known) == (self._outbox.epoch, seq - 1):
            self._ranges[by] = _Range(seq, found.upto)
