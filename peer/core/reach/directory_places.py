"""Decides which directory of our community is dialled next.

The user names some; each that we register at names others, which are kept for later starts.
A round tries each address once: first the one where we were last, then the rest in random
order, so that the users of a directory that dies spread over the others.

Addresses that directories name are hints, of whoever holds the community's key: nobody may
aim us at third parties with them.  So they are few, each must be plausible, and until a
directory of ours has answered there, `peer.core.reach.dial_policy` limits how often it is
dialled.  We say nothing there before the community's key was proved.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from peer.core.reach.dial_policy import DialPolicy, Place, is_plausible
from peer.core.reach.hosts import read_places

HINTS_MOST: Final = 16  # as many as one WELCOME names
HINT_SECONDS: Final = 30 * 24 * 3600.0  # after which one that nobody names any more is forgotten
NOTED_AGAIN: Final = 24 * 3600.0  # a hint is written to disk again only this much later


class DirectoryPlaces:
    """The addresses of our community's directories."""

    def __init__(self, named: Sequence[Place]) -> None:
        """`named`: by the user; at least one."""
        self.named = tuple(dict.fromkeys(named))
        self._hints: dict[Place, float] = {}  # when each was named, newest first
        self._policy = DialPolicy()
        self._last = self.named[0]  # where we were registered last
        self._round: list[Place] = []

    # --- Hints ---

    @property
    def hints(self) -> dict[Place, float]:
        """The addresses that directories named, and when, in seconds since 1970."""
        return dict(self._hints)

    def restore(self, hints: Iterable[tuple[str, float]], time: float) -> None:
        """Take the hints of an earlier start, instead of those that there are."""
        self._hints = {}
        for address, told in hints:
            for place in read_places([address]):
                self._hints[place] = min(told, time)
        self._tidy(time)

    def hint(self, addresses: Iterable[str], *, seen: str, time: float) -> bool:
        """Take what a directory names, whom we see at `seen`; return whether to write it down."""
        new = [place for place in read_places(addresses) if is_plausible(place[0], seen)]
        new = [place for place in new if place not in self.named][:HINTS_MOST]
        before = self._hints
        is_news = any(time - before.get(place, 0.0) > NOTED_AGAIN for place in new)
        told = {place: time if is_news else before[place] for place in new}
        self._hints = told | {place: when for place, when in before.items() if place not in told}
        self._tidy(time)
        return is_news or self._hints.keys() != before.keys()

    def _tidy(self, time: float) -> None:
        fresh = [(one, told) for one, told in self._hints.items() if time - told < HINT_SECONDS]
        fresh.sort(key=lambda hint: hint[1], reverse=True)
        self._hints = dict(fresh[:HINTS_MOST])

    # --- Rounds ---

    def begin_round(self, chance: Callable[[], float]) -> None:
        """Plan a try of each address; `chance` returns a random number."""
        rest = [one for one in {*self.named, *self._hints} if one != self._last]
        self._round = [self._last, *sorted(sorted(rest), key=lambda _: chance())]

    def next_place(self, now: float) -> Place | None:
        """Return where to dial now, None when the round is over; then call `ended`.

        `now`: seconds of a clock that only goes forward.
        """
        while self._round:
            place = self._round.pop(0)
            if self.may_dial(place, now):
                return place
        return None

    def may_dial(self, place: Place, now: float) -> bool:
        """Whether to dial this address, which a directory or the user named, now.

        If so, call `ended` when that is over.
        """
        return place in self.named or not self._policy.begin(place, is_seen=False, now=now)

    def ended(self, place: Place, now: float) -> None:
        """Note that the dial is over, or the connection."""
        if place not in self.named:
            self._policy.end(place, now)

    def proved(self, place: Place) -> None:
        """Note that a directory of our community answers there."""
        self._last = place
        if place not in self.named:
            self._policy.proved(place)
