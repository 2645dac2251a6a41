"""Keep what is announced on the network within bounds: anybody can announce anything."""

from typing import Final

from peer.core.reach.dial_policy import is_plausible
from shared.announcement import Announcement

NAMES_MOST: Final = 32  # that are looked at
DIALS_PER_HOST: Final = 4  # programs of one machine; nobody aims more dials at a third one
Place = tuple[str, int]


class Hearsay:
    """The announcements that were heard.

    `wanted`: the keys of which a user wants to hear.  Who says to have one of them is looked
    at although many others came first.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._counts = {True: 0, False: 0}  # by whether the key is wanted
        self._dialled: dict[str, set[Place]] = {}  # by host

    def add(self, said: Announcement) -> tuple[Place, ...]:
        """Take an announcement; return the addresses that are to be dialled for it, if any."""
        is_wanted = said.key in self._wanted
        if self._counts[is_wanted] >= NAMES_MOST:
            return ()
        self._counts[is_wanted] += 1
        places = [(host, said.port) for host in said.hosts if is_plausible(host, "")]
        return tuple(place for place in places if self._may_be_dialled(place))

    def _may_be_dialled(self, place: Place) -> bool:
        """Whether nobody has named it yet, and not too many others of that host."""
        known = self._dialled.setdefault(place[0], set())
        if place in known or len(known) >= DIALS_PER_HOST:
            return False
        known.add(place)
        return True
