"""Decides which texts came so late that the reader must see when they were written.  A core.

A text carries the time of its writer's clock, which may be wrong by years where nothing
sets it.  So we subtract how far that clock was behind ours when the two programs linked.
"""

from typing import Final

from msgspec import Struct

from peer.core.local_time import local_time

LATE_SECONDS: Final = 60.0


class Lateness(Struct, frozen=True):
    """The times of a text that came more than a minute after writing; seconds since 1970."""

    written: float
    came: float

    def __str__(self) -> str:
        return f"(came {local_time(self.came):%H:%M})"


def late(written: float, now: float, behind: float) -> Lateness | None:
    """Return both times of a late text; None for one that came soon.

    `behind`: the seconds by which their clock is behind ours; 0 if unknown.
    """
    return Lateness(written, now) if now - written - behind > LATE_SECONDS else None
