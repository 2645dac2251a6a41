"""Decides when to try again to reach a directory that is gone.

With few users nobody waits long: all of them together are no load for a directory that is
just back.  A crowd spreads its tries over a minute.
"""

from typing import Final

FIRST: Final = 1.0  # seconds
FACTOR: Final = 1.5
FEW_MOST: Final = 4.0  # with the dial itself everybody is back within 5 s
CROWD_MOST: Final = 60.0
RETURNS_A_SECOND: Final = 100  # a directory registers four times as many
TO_SETTLE: Final = 2.0  # for the last ones to register, and for that news to arrive


def longest(online: int) -> float:
    """Return the longest pause between two tries; `online`: users the directory had, 0: unknown."""
    if online < 1:
        return CROWD_MOST
    return min(max(online / RETURNS_A_SECOND, FEW_MOST), CROWD_MOST)


def pause(tries: int, online: int) -> float:
    """Return the longest pause after `tries` failures; chance shortens it by up to half."""
    return min(FIRST * FACTOR ** min(tries, 20), longest(online))


def grace(online: int) -> float:
    """Return how long after our own return all others have had time to come back."""
    return 2 * longest(online) + TO_SETTLE
