"""Decide how much of the directory one address may take.

An address is an IPv4 address, or a /64 of IPv6: somebody who has one address of such a
network has all of them.
"""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final

from directory_server.core.addresses import network_of

ADDRESSES: Final = 10_000  # whose pace is remembered; together 2 MiB
NEARLY_FULL: Final = 3 / 4  # of all places: above it a holder's share is limited
MOST_OF_ONE: Final = 1 / 2  # of all places: the most for one address, from then on
WRONG_TOKEN_SECONDS: Final = 1.0  # the price of a wrong token

_ROUNDING: Final = 1e-6  # seconds: of sums of floating-point numbers


class Pace:
    """A limit for each address: `at_once` immediately, and then one every `seconds`."""

    def __init__(self, seconds: float, at_once: int, addresses: int = ADDRESSES) -> None:
        self._seconds, self._patience = seconds, seconds * at_once
        self._addresses = addresses
        # For each address the time at which it has made up for all that it took, in the order of
        # the last `take`.
        self._paid: OrderedDict[str, float] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Return the seconds until this address may take one more; 0: now."""
        paid = self._paid.get(network_of(address), now)
        return max(0.0, max(paid, now) + self._seconds - self._patience - now)

    def take(self, address: str, now: float) -> None:
        """Count one for this address, whether or not it may have it."""
        network = network_of(address)
        self._paid[network] = max(self._paid.get(network, now), now) + self._seconds
        self._paid.move_to_end(network)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._paid:
            oldest = next(iter(self._paid))
            if self._paid[oldest] > now and len(self._paid) <= self._addresses:
                return
            del self._paid[oldest]


def take_all(taken: Sequence[tuple[Pace, str]], now: float) -> bool:
    """Count one at each of these paces; return False, and count nothing, if one has no room."""
    if any(pace.wait(key, now) > _ROUNDING for pace, key in taken):
        return False
    for pace, key in taken:
        pace.take(key, now)
    return True


class Shares:
    """Count each holder's places: nobody gets most of them once they become few."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._held: Counter[Hashable] = Counter()
        self.taken = 0

    def add(self, holder: Hashable) -> None:
        self._held[holder] += 1
        self.taken += 1

    def remove(self, holder: Hashable) -> None:
        self._held[holder] -= 1
        self.taken -= 1
        if not self._held[holder]:
            del self._held[holder]

    @property
    def is_full(self) -> bool:
        return self.taken >= self._places

    def is_too_much(self, holder: Hashable) -> bool:
        """Whether one more for this holder would be more than a fair share."""
        nearly_full = self.taken >= self._places * NEARLY_FULL
        return nearly_full and self._held[holder] >= self._places * MOST_OF_ONE
