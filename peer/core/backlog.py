"""Keeps what I could not send yet: decides which goes next, and how much may wait.

Each receiver has a queue, in the order of writing.  Letters need the directory; a private
line needs it only when nobody knows where its receiver is.  So a line may overtake letters
while the directory is away; lines do not overtake lines, nor letters letters.
"""

from bisect import insort
from enum import Enum, auto
from operator import attrgetter
from typing import Final

from msgspec import Struct

from shared.errors import KeyChanged, ParleyError, ProtocolError, Refused
from shared.names import fold

MIB: Final = 1024 * 1024
# The directory's own limits: it would refuse more, days after they were written.
RECEIVER_MOST: Final = 100  # for one receiver
RECEIVER_BYTES: Final = MIB
MOST: Final = 1_000  # in all
MOST_BYTES: Final = 8 * MIB


class Late(Struct, frozen=True):
    """A private line, or a letter, that waits.  `order` counts up as they are written."""

    order: int
    to: str
    id: str
    time: float
    text: str
    is_letter: bool

    @property
    def size(self) -> int:
        return len(self.text.encode(errors="surrogatepass"))


class End(Enum):
    """The place where a line or letter ended up when all went well."""

    DELIVERED = auto()  #: its receiver has it
    LEFT = auto()  #: the directory has it
    KEPT = auto()  #: it waits on my disk


class Verdict(Enum):
    """The consequence of a failure for the line or letter that was tried."""

    STAYS = auto()  #: it is tried again
    LEAVE = auto()  #: a line that did not reach its receiver becomes a letter
    FAILS = auto()  #: it can never be sent
    ALL_FAIL = auto()  #: nothing for this receiver can ever be sent


def verdict(failure: ParleyError, late: Late, *, directory: bool) -> Verdict:
    """Return what this failure means.  `directory`: whether the directory is there."""
    match failure:
        case KeyChanged() | Refused(code="NOBODY"):
            return Verdict.ALL_FAIL
        case Refused() | ProtocolError():
            return Verdict.FAILS
    return Verdict.LEAVE if directory and not late.is_letter else Verdict.STAYS


class Backlog:
    def __init__(self) -> None:
        self._queues: dict[str, list[Late]] = {}  # by folded name
        self._ids: set[str] = set()
        self._size = 0

    def restore(self, late: Late) -> None:
        """Add one that is on disk already, so no limit applies.  A known one stays as it is."""
        if late.id not in self._ids:
            self._ids.add(late.id)
            self._size += late.size
            insort(self._queues.setdefault(fold(late.to), []), late, key=attrgetter("order"))

    def add(self, late: Late) -> None:
        """Add one; raise Refused when too much waits.  A known one stays as it is."""
        if late.id not in self._ids:
            self._check_room(late)
            self.restore(late)

    def _check_room(self, late: Late) -> None:
        queue = self._queues.get(fold(late.to), [])
        if len(queue) >= RECEIVER_MOST:
            raise _full(late, f"{RECEIVER_MOST} messages for {late.to}")
        if sum(one.size for one in queue) + late.size > RECEIVER_BYTES:
            raise _full(late, f"{RECEIVER_BYTES // MIB} MiB for {late.to}")
        if len(self._ids) >= MOST:
            raise _full(late, f"{MOST:,} messages")
        if self._size + late.size > MOST_BYTES:
            raise _full(late, f"{MOST_BYTES // MIB} MiB")

    def has(self, id: str) -> bool:
        return id in self._ids

    def blocks(self, to: str, *, is_letter: bool) -> bool:
        """Whether something written earlier must go to this user before a new one."""
        return any(is_letter or not one.is_letter for one in self._queues.get(fold(to), ()))

    def next(self, to: str, *, directory: bool) -> Late | None:
        """Return what to try now for this receiver.  `directory`: whether it is there."""
        queue = self._queues.get(fold(to), ())
        return next((one for one in queue if directory or not one.is_letter), None)

    def remove(self, late: Late) -> None:
        """Remove one that was sent, or can never be."""
        queue = self._queues[fold(late.to)]
        queue.remove(late)
        self._ids.remove(late.id)
        self._size -= late.size
        if not queue:
            del self._queues[fold(late.to)]

    def waiting_for(self, to: str) -> tuple[Late, ...]:
        """Return all for this receiver, in the order of writing."""
        return tuple(self._queues.get(fold(to), ()))

    @property
    def receivers(self) -> tuple[str, ...]:
        return tuple(queue[0].to for queue in self._queues.values())


def _full(late: Late, waiting: str) -> Refused:
    return Refused(
        f"Not kept for {late.to}: {waiting} wait for the directory already, and it takes no more.",
        "FULL",
    )
