"""Which lines to one user are on their way: so many that nobody's screen sets the pace.

A core.  An answer comes when a line stood on a screen and lies on a disk, so whoever waits
for each answer before the next line sends ten a second to a terminal that is drawn ten
times a second.
"""

from itertools import islice
from typing import Final

from msgspec import Struct

LINES: Final = 64  # on their way at once; who receives them holds twice as many
BYTES: Final = 64 * 1024  # of them, or one line: a slow network carries it in time
SECONDS: Final = 15.0  # from first try to the answer; then the sender is told

NEVER: Final = float("inf")


class _Line(Struct):
    bytes: int
    until: float = NEVER  # its time is over; it waits for its turn while that is not known
    link: object = None  # over which it went last


class LineWindow:
    """The lines to one user that are not over, known by their ids, in their order.

    `now`: seconds of any clock that only goes forward.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._sent = 0  # lines on their way, the first ones
        self._bytes = 0  # of these

    def add(self, id: str, bytes: int) -> None:
        self._lines[id] = _Line(bytes)

    def begin(self, now: float) -> float:
        """It is the turn of as many as there is room for; returns when the first must be over."""
        for line in islice(self._lines.values(), self._sent, LINES):
            if self._sent and self._bytes + line.bytes > BYTES:
                break
            line.until = now + SECONDS
            self._sent += 1
            self._bytes += line.bytes
        first = next(iter(self._lines.values()), None)
        return first.until if first else NEVER

    def to_post(self, link: object) -> list[str]:
        """Those whose turn it is, and that have not gone over this link; now they do."""
        found = []
        for id, line in islice(self._lines.items(), self._sent):
            if line.link is not link:
                line.link = link
                found.append(id)
        return found

    def is_on_way(self, id: str) -> bool:
        line = self._lines.get(id)
        return line is not None and line.link is not None

    def end(self, id: str) -> None:
        """It was answered, or given up."""
        line = self._lines.pop(id)
        if line.until < NEVER:
            self._sent -= 1
            self._bytes -= line.bytes
