"""When to try again to reach a directory that is gone.

With few users nobody waits long: all together are no load for a directory that has just
come back.  A crowd spreads over a minute.
"""

from typing import Final

FIRST: Final = 1.0  # seconds
FACTOR: Final = 1.5
FEW_MOST: Final = 4.0  # with the dial itself everybody is back within 5 s
CROWD_MOST: Final = 60.0
RETURNS_A_SECOND: Final = 100  # a directory registers four times as many
TO_SETTLE: Final = 2.0  # for the last ones to register, and for the news of it


def longest(online: int) -> float:
    """The longest pause between two tries, by how many users the directory had; 0: unknown."""
    if online < 1:
        return CROWD_MOST
    return min(max(online / RETURNS_A_SECOND, FEW_MOST), CROWD_MOST)


def pause(tries: int, online: int) -> float:
    """The pause after so many tries in vain, at most: chance takes up to half of it away."""
    return min(FIRST * FACTOR ** min(tries, 20), longest(online))


def grace(online: int) -> float:
    """So long after our own return all others had time to come back."""
    return 2 * longest(online) + TO_SETTLE
