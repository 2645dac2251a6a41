"""A pace: a rate per second, with a burst at once."""


class TokenBucket:
    """A limit of `rate` per second, after `burst` at once."""

    __slots__ = ("_burst", "_level", "_rate", "_since")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._since = burst, now

    def take(self, amount: float, now: float) -> float:
        """Take this much now; returns the seconds to wait before taking more."""
        refilled = self._level + (now - self._since) * self._rate
        self._level, self._since = min(self._burst, refilled) - amount, now
        return max(0.0, -self._level / self._rate)


class Brakes:
    """A bucket for each name: after `take` its owner should wait for `pause`."""

    def __init__(self, rate: float, burst: float, most: int = 1_000) -> None:
        """`most`: how many names are remembered, the latest ones."""
        self._rate, self._burst, self._most = rate, burst, most
        self._buckets: dict[str, tuple[TokenBucket, float]] = {}  # and until when to wait

    def take(self, name: str, amount: float, now: float) -> None:
        bucket, _ = self._buckets.pop(name, (TokenBucket(self._rate, self._burst, now), 0.0))
        self._buckets[name] = bucket, now + bucket.take(amount, now)
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]

    def pause(self, name: str, now: float) -> float:
        """Return the seconds for which the owner of this name should wait."""
        _, until = self._buckets.get(name, (None, 0.0))
        return max(0.0, until - now)
