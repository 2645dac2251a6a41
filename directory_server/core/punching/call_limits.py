"""Decide how often users may make others open a way to them."""

from typing import Final

from directory_server.core.addresses import network_of
from directory_server.core.quotas import Pace
from shared.errors import Refused

PAIR_AT_ONCE: Final = 3  # of one user for another,
PAIR_SECONDS: Final = 20.0  # and then one in this time: 6 in the first minute
CALLER_AT_ONCE: Final = 15  # of one user, for anybody,
CALLER_SECONDS: Final = 4.0  # 30 in the first minute
CALLEE_AT_ONCE: Final = 15  # that one user hears: each costs them a connection
CALLEE_SECONDS: Final = 4.0
NETWORK_AT_ONCE: Final = 5  # that one user hears of one address
NETWORK_SECONDS: Final = 12.0  # a third of what a user hears at most

_ROUNDING: Final = 1e-6  # seconds: of sums of floating-point numbers


class CallLimits:
    def __init__(self) -> None:
        self._pairs = Pace(PAIR_SECONDS, PAIR_AT_ONCE)
        self._callers = Pace(CALLER_SECONDS, CALLER_AT_ONCE)
        self._callees = Pace(CALLEE_SECONDS, CALLEE_AT_ONCE)
        self._networks = Pace(NETWORK_SECONDS, NETWORK_AT_ONCE)

    def take(self, caller: str, address: str, callee: str, now: float) -> None:
        """Count a call of a user at this address.  Raises Refused for one too many."""
        limits = (
            (self._pairs, f"{caller} {callee}"),
            (self._callers, caller),
            (self._callees, callee),
            (self._networks, f"{network_of(address)} {callee}"),
        )
        if any(pace.wait(key, now) > _ROUNDING for pace, key in limits):
            raise Refused("that was tried too often: wait a moment", "LIMIT")
        for pace, key in limits:
            pace.take(key, now)
