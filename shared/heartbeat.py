"""Signs of life of the other side of a link: when it was heard, and how long a PING takes."""

from typing import Final

import trio

PING_AFTER: Final = 3.0  # seconds of silence on a link between peers
DEAD_AFTER: Final = 9.0  # without any byte: detects a pulled cable or a stopped process
STOPPED_FOR: Final = 1.0  # waking up this late means that we were stopped, not they


class Heartbeat:
    """`ping_after` and `dead_after` are seconds without any byte from the other side."""

    __slots__ = ("_answered", "_heard_at", "_pinged_at", "dead_after", "ping_after", "round_trip")

    def __init__(self, ping_after: float | None, dead_after: float) -> None:
        self.ping_after, self.dead_after = ping_after, dead_after
        self.round_trip: float | None = None  #: seconds, from the last PING
        self._heard_at = trio.current_time()
        self._pinged_at: float | None = None
        self._answered = trio.Event()

    def hear(self) -> None:
        """Note a byte from the other side, or excuse a silence that means nothing."""
        self._heard_at = trio.current_time()

    @property
    def silence(self) -> float:
        """Seconds since the last byte from the other side."""
        return trio.current_time() - self._heard_at

    @property
    def is_silent(self) -> bool:
        """Whether a PING is overdue: the link may be dead without our knowing yet."""
        return self.ping_after is not None and self.silence > 2 * self.ping_after

    def ping(self) -> None:
        """Note that a PING is sent."""
        if self._pinged_at is None:
            self._pinged_at = trio.current_time()

    def pong(self) -> None:
        if self._pinged_at is not None:
            self.round_trip = trio.current_time() - self._pinged_at
            self._pinged_at = None
            self._answered.set()

    def measure(self) -> trio.Event:
        """Return an event that is set at the next PONG."""
        self._answered = trio.Event()
        return self._answered

    async def wait_silent(self, pings: int) -> bool | None:
        """Wait for the next PING that is due, after `pings` in this silence.

        Return None when the other side was heard meanwhile, else whether it is dead.
        """
        heard = self._heard_at
        assert self.ping_after is not None
        wake = heard + min((pings + 1) * self.ping_after, self.dead_after)
        await trio.sleep_until(wake)
        if trio.current_time() - wake > STOPPED_FOR:
            self.hear()
        if self._heard_at != heard:
            return None
        return wake == heard + self.dead_after
