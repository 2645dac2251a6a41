"""Connections of which nobody knows yet who they are.

Silent connections cost memory, and somebody who opens thousands must not lock out
honest programs: when there are too many, the oldest is cut, because an honest one
identifies itself within moments.  The newcomer is never refused.
"""

from collections.abc import Callable

from msgspec import Struct


class Stranger(Struct, eq=False):
    address: str
    cut: Callable[[], None]


class Strangers:
    """A set of at most `most` strangers, and `most_per_address` from one IP address."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most, self._most_per_address = most, most_per_address
        # Dicts as ordered sets: the oldest first, and each removal costs the same.
        self._all: dict[Stranger, None] = {}
        self._by_address: dict[str, dict[Stranger, None]] = {}

    def enter(self, address: str, cut: Callable[[], None]) -> Stranger:
        """Add a newcomer; `cut` ends its connection, and is called at most once."""
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
        """Remove one who is identified or gone; a second call does nothing."""
        if stranger in self._all:
            del self._all[stranger]
            here = self._by_address[stranger.address]
            del here[stranger]
            if not here:
                del self._by_address[stranger.address]

    def has(self, address: str) -> bool:
        """Whether one of them is at this address."""
        return address in self._by_address

    def _evict(self, stranger: Stranger) -> None:
        self.leave(stranger)
        stranger.cut()

    def __len__(self) -> int:
        return len(self._all)
