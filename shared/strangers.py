"""Who has connected and not yet said who it is.

Silent connections cost memory, and whoever opens thousands must not lock out
the honest: when there are too many, the oldest makes room, because an honest one
identifies itself within moments.  The newcomer is never refused.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(eq=False)
class Stranger:
    address: str
    cut: Callable[[], None]


class Strangers:
    """At most `most` at once, and `most_per_address` from one IP address."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most, self._most_per_address = most, most_per_address
        # Dicts as ordered sets: the oldest first, and leaving costs the same for all.
        self._all: dict[Stranger, None] = {}
        self._by_address: dict[str, dict[Stranger, None]] = {}

    def enter(self, address: str, cut: Callable[[], None]) -> Stranger:
        """A newcomer; `cut` ends its connection, and is called at most once."""
        here = self._by_address.get(address, {})
        if len(here) >= self._most_per_address:
            self._evict(next(iter(here)))
        elif len(self._all) >= self._most:
            self._evict(next(iter(self._all)))
        stranger = Stranger(address, cut)
        self._all[stranger] = None
        self._by_address.setdefault(address, {})[stranger] = None
        return stranger

    def leave(self, stranger: Stranger) -> None:
        """It has said who it is, or is gone; a second call does nothing."""
        if stranger in self._all:
            del self._all[stranger]
            here = self._by_address[stranger.address]
            del here[stranger]
            if not here:
                del self._by_address[stranger.address]

    def _evict(self, stranger: Stranger) -> None:
        self.leave(stranger)
        stranger.cut()

    def __len__(self) -> int:
        return len(self._all)
