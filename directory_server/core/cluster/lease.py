"""Decide which directories are alive, by the database's clock, the only one they all share."""

from typing import Final

RENEW_SECONDS: Final = 2.0
LEASE_SECONDS: Final = 7.0  # without a renewal, then the others delete a directory
FRESH_SECONDS: Final = 60.0  # for which one reading of the database's clock is believed


class Lease:
    """Judge whether this directory may delete others that have not renewed theirs.

    When the database was away, nobody could renew.  Whoever reaches it again first must not
    take that for the fault of the others: so it deletes nobody until it has renewed its own
    lease for as long as theirs last, without a gap.
    """

    def __init__(self) -> None:
        self._steady_since: float | None = None
        self._renewed = float("-inf")

    def renewed(self, now: float) -> None:
        if self._steady_since is None or now > self._renewed + LEASE_SECONDS:
            self._steady_since = now
        self._renewed = now

    def failed(self) -> None:
        """Note that the database could not be reached."""
        self._steady_since = None

    def may_sweep(self, now: float) -> bool:
        return (
            self._steady_since is not None
            and now <= self._renewed + LEASE_SECONDS
            and now >= self._steady_since + LEASE_SECONDS
        )


class DatabaseClock:
    """Know the database's clock, as exactly as its answers came quickly.

    Two directories compare by it who of two programs has registered later, even if they
    can tell the database so only long afterwards.
    """

    def __init__(self) -> None:
        self._offset = 0.0
        self._width = float("inf")  # between the question and the answer
        self._read = float("-inf")

    def read(self, asked: float, answered: float, time: float) -> None:
        """Note the time that the database said between two moments of our monotonic clock."""
        offset, width = time - (asked + answered) / 2, answered - asked
        is_exact = width <= self._width
        is_old = answered > self._read + FRESH_SECONDS
        was_set = abs(offset - self._offset) > (width + self._width) / 2  # or is another machine's
        if is_exact or is_old or was_set:
            self._offset, self._width, self._read = offset, width, answered

    def at(self, moment: float) -> float:
        """Return the database's time at a moment of our monotonic clock."""
        return moment + self._offset
