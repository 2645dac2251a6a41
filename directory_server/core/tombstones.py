"""Names that nobody owns any more, while a certificate for them is still valid.

Certificates cannot be revoked.  So until the last one ends, a name that was given back or
has expired goes only to the key that had it: others could not tell a new owner from the
old one.
"""

from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Final

from shared.identity import CERTIFICATE_DAYS
from shared.names import fold

TOMBSTONES: Final = 100_000  # as many as names; 300 bytes each
DAY: Final = 86_400.0
SPARE_DAYS: Final = 1  # so that a program that asks every hour costs one write a day


@dataclass(frozen=True, slots=True)
class Validity:
    """The times until which certificates of a name are valid.

    One is by the time of day, as others judge it, one by the directory's age: a clock that was
    wrong once neither frees a name early nor forgets what was signed while it was ahead.
    """

    time: float = 0.0
    age: float = 0.0

    @classmethod
    def of_new(cls, time: float, age: float) -> "Validity":
        """Return the validity of a certificate that is issued now, or within a day."""
        seconds = (CERTIFICATE_DAYS + SPARE_DAYS) * DAY
        return cls(time + seconds, age + seconds)

    def covers_new(self, time: float, age: float) -> bool:
        """Whether a certificate issued now would end before this does."""
        seconds = CERTIFICATE_DAYS * DAY
        return self.time >= time + seconds and self.age >= age + seconds

    def with_other(self, other: "Validity") -> "Validity":
        """Return the validity that covers the certificates of both."""
        return Validity(max(self.time, other.time), max(self.age, other.age))

    def is_over(self, time: float, age: float) -> bool:
        return time > self.time and age > self.age


NO_CERTIFICATE: Final = Validity()
NOBODY: Final = b""  # the key in the tombstone of a name that nobody may have


@dataclass(frozen=True, slots=True)
class Tombstone:
    name: str  # as it was registered
    key: bytes  # which may have the name again
    used: float  # seconds, see Usage
    certified: Validity

    def with_certified(self, other: Validity) -> "Tombstone":
        """Return a tombstone that also covers the certificates of this validity."""
        return replace(self, certified=self.certified.with_other(other))


class Tombstones:
    def __init__(self, most: int = TOMBSTONES) -> None:
        self._most = most
        self._all: dict[str, Tombstone] = {}  # by folded name

    def bury(self, tombstone: Tombstone) -> None:
        self._all[fold(tombstone.name)] = tombstone

    def lift(self, name: str) -> None:
        """Drop the tombstone: the name has an owner again, or no certificate is valid any more."""
        self._all.pop(fold(name), None)

    def find(self, name: str, time: float, age: float) -> Tombstone | None:
        """Return the tombstone of a name, while a certificate of its owner is valid."""
        found = self._all.get(fold(name))
        if found is None or found.certified.is_over(time, age):
            return None
        return found

    def sweep(self, time: float, age: float) -> list[str]:
        """Forget the tombstones that are over, or too many; return their names.

        Those of little-used names go first, so nobody can make room for an impostor by
        registering names only to give them back.
        """
        gone = [one.name for one in self._all.values() if one.certified.is_over(time, age)]
        for name in gone:
            self.lift(name)
        excess = nsmallest(
            len(self._all) - self._most, self._all.values(), key=lambda one: one.used
        )
        for one in excess:
            self.lift(one.name)
        return gone + [one.name for one in excess]

    def __len__(self) -> int:
        return len(self._all)
