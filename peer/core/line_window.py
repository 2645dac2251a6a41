"""Decides which lines to one user are on their way: enough that no screen sets the pace.

A core.  A line is answered when it was shown on a screen and is on disk.  A sender that
waited for each answer before the next line would send ten a second to a terminal that is
drawn ten times a second.
"""

from itertools import islice
from typing import Final

from msgspec import Struct

LINES: Final = 64  # on their way at once; the receiver holds twice as many
BYTES: Final = 64 * 1024  # of these, or one longer line: a slow network carries it in time
SECONDS: Final = 15.0  # from the first try to the answer; then the sender is told

NEVER: Final = float("inf")


class _Line(Struct):
    bytes: int
    until: float = NEVER  # when its time is over; NEVER while it waits for its turn
    link: object = None  # the one that carried it last


class LineWindow:
    """The unanswered lines to one user, by id, in their order.

    `now`: seconds of any clock that only goes forward.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._sent = 0  # how many lines, from the first on, are on their way
        self._bytes = 0  # of these

    def add(self, id: str, bytes: int) -> None:
        self._lines[id] = _Line(bytes)

    def begin(self, now: float) -> float:
        """Start the lines for which there is room; return the deadline of the first."""
        for line in islice(self._lines.values(), self._sent, LINES):
            if self._sent and self._bytes + line.bytes > BYTES:
                break
            line.until = now + SECONDS
            self._sent += 1
            self._bytes += line.bytes
        first = next(iter(self._lines.values()), None)
        return first.until if first else NEVER

    def to_post(self, link: object) -> list[str]:
        """Return the started lines that were not sent over this link yet, and mark them as sent."""
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
        """Remove a line that was answered or given up."""
        line = self._lines.pop(id)
        if line.until < NEVER:
            self._sent -= 1
            self._bytes -= line.bytes
