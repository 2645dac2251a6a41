"""The clock of a conversation (Lamport, 1978): what answers has a higher number.

Each text carries a number, and the order of all texts is that of the numbers.  Whoever
writes takes one more than the highest that they have read.  A member who writes huge
numbers must not push the others to the end of all numbers: there nobody could write
any more.  So one text moves the clock by a bounded step, whatever it says.
"""

from shared.messages import COUNT_MOST

# More texts than are written while somebody is away, and so no honest one is cut short.
# There are 2**31 such steps to the end, which is reached by nobody.
STEP = 2**20
START_MOST = COUNT_MOST // 2  # of a conversation that is entered: the inviter's word


class LamportClock:
    """`now`: the highest number that was seen, as far as it is believed."""

    def __init__(self, start: int = 0) -> None:
        self.now = min(start, START_MOST)

    def saw(self, lamport: int) -> None:
        self.now = max(self.now, min(lamport, self.now + STEP, COUNT_MOST))

    @property
    def next(self) -> int:
        """For a text of mine.  At the very end numbers repeat, and names decide the order."""
        return min(self.now + 1, COUNT_MOST)
