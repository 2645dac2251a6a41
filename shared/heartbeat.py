"""Signs of life of the other side of a link: when it was heard, and how long a PING takes."""

import math
from typing import Final

import trio

PING_AFTER: Final = 3.0  # seconds of silence on a link between peers
DEAD_AFTER: Final = 9.0  # without any byte: detects a pulled cable or a stopped process
#: For a byte, once a user calls to whom there is a link.  It is over before they open a way from
#: both sides (peer.core.reach.ladder), and leaves two thirds of their wait for our dial.
DOUBT_SECONDS: Final = 1.0
STOPPED_FOR: Final = 1.0  # waking up this late means that we were stopped, not they

_NEVER: Final = math.inf


class Heartbeat:
    """`ping_after` and `dead_after` are seconds without any byte from the other side."""

    __slots__ = (
        "_answered", "_doubt_ends", "_heard_at", "_pinged_at",
        "dead_after", "ping_after", "round_trip",
    )  # fmt: skip

    def __init__(self, ping_after: float | None, dead_after: float) -> None:
        self.ping_after, self.dead_after = ping_after, dead_after
        self.round_trip: float | None = None  #: seconds, from the last PING
        self._heard_at = trio.current_time()
        self._pinged_at: float | None = None
        self._doubt_ends = _NEVER  # no doubt
        self._answered = trio.Event()

    def hear(self) -> None:
        """Note a byte from the other side, or excuse a silence that means nothing."""
        self._heard_at = trio.current_time()
        self._doubt_ends = _NEVER

    @property
    def silence(self) -> float:
        """Seconds since the last byte from the other side."""
        return trio.current_time() - self._heard_at

    @property
    def is_silent(self) -> bool:
        """Whether a PING is overdue: the link may be dead without our knowing yet."""
        if trio.current_time() >= self._doubt_ends:
            return True
        return self.ping_after is not None and self.silence > 2 * self.ping_after

    def doubt(self) -> bool:
        """Note a reason to doubt that the other side lives; return whether to send a PING.

        One PING serves all doubts until a byte comes.
        """
        if self._doubt_ends != _NEVER:
            return False
        self._doubt_ends = trio.current_time() + DOUBT_SECONDS
        return True

    async def wait_doubt(self) -> bool:
        """Return, once a PING has had its time, whether a byte came after the doubt."""
        ends = self._doubt_ends
        await trio.sleep_until(ends)
        return self._doubt_ends != ends

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
