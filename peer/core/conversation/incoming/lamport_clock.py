"""The clock of a conversation (Lamport, 1978): an answer has a higher number.

Each text carries a number, and texts are ordered by their numbers.  A writer takes one
more than the highest number they have read.  A member who writes huge numbers must not
push the others to the end of all numbers, where nobody could write any more.  So one text
moves the clock by a bounded step, whatever its number.
"""

from shared.messages.common import COUNT_MOST

# More texts than are written while somebody is away, so no honest number is cut short.
# There are 2**31 such steps to the end, which nobody reaches.
STEP = 2**20
START_MOST = COUNT_MOST // 2  # for a conversation that I enter: the inviter chooses the start


class LamportClock:
    """A clock; `now` is the highest number seen, as far as it is believed."""

    def __init__(self, start: int = 0) -> None:
        self.now = min(start, START_MOST)

    def saw(self, lamport: int) -> None:
        self.now = max(self.now, min(lamport, self.reach))

    @property
    def reach(self) -> int:
        """The highest number to which one text may move the clock."""
        return min(self.now + STEP, COUNT_MOST)

    @property
    def next(self) -> int:
        """The number of my next text.  At the very end it repeats, and names decide the order."""
        return min(self.now + 1, COUNT_MOST)
