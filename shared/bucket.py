"""A pace: so much a second, and a burst of it at once."""


class Bucket:
    """Slows somebody down to `rate` a second, after `burst` at once."""

    __slots__ = ("_burst", "_level", "_rate", "_since")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._since = burst, now

    def take(self, amount: float, now: float) -> float:
        """Take this much now; returns the seconds to wait before taking more."""
        refilled = self._level + (now - self._since) * self._rate
        self._level, self._since = min(self._burst, refilled) - amount, now
        return max(0.0, -self._level / self._rate)
