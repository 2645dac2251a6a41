"""Keep what is announced on the network within bounds: anybody can announce anything."""

from collections.abc import Sequence
from typing import Final

from peer.core.reach.dial_policy import is_plausible
from shared.announcement import Announcement
from shared.spots import Interface, is_lan, is_near

NAMES_MOST: Final = 32  # that are looked at
DIALS_PER_HOST: Final = 4  # programs of one machine; nobody aims more dials at a third one
DIALS_MOST: Final = 64  # in all: two for each name
Place = tuple[str, int]


class Hearsay:
    """The announcements that were heard.

    `wanted`: the keys of which a user wants to hear.  Who says to have one of them is looked
    at although many others came first.  `interfaces`: mine; who is announced on my network is
    in it, or in another one of the same house.
    """

    def __init__(self, wanted: frozenset[str], interfaces: Sequence[Interface]) -> None:
        self._wanted, self._interfaces = wanted, interfaces
        self._counts = {True: 0, False: 0}  # names, by whether the key is wanted
        self._dials = {True: 0, False: 0}
        self._dialled: dict[str, set[Place]] = {}  # by host

    def add(self, said: Announcement) -> tuple[Place, ...]:
        """Take an announcement; return the addresses that are to be dialled for it, if any."""
        is_wanted = said.key in self._wanted
        if self._counts[is_wanted] >= NAMES_MOST:
            return ()
        self._counts[is_wanted] += 1
        places = [(host, said.port) for host in said.hosts if self._is_of_this_house(host)]
        room = DIALS_MOST - self._dials[is_wanted]
        dialled = tuple(place for place in places[:room] if self._may_be_dialled(place))
        self._dials[is_wanted] += len(dialled)
        return dialled

    def _is_of_this_house(self, host: str) -> bool:
        """Whether this can be on my network: nobody there aims me at somebody far away."""
        return is_plausible(host, "") and (is_lan(host) or is_near(host, self._interfaces))

    def _may_be_dialled(self, place: Place) -> bool:
        """Whether nobody has named it yet, and not too many others of that host."""
        known = self._dialled.setdefault(place[0], set())
        if place in known or len(known) >= DIALS_PER_HOST:
            return False
        known.add(place)
        return True
