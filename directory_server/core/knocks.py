"""Decide how often users may make others dial them.

Many names of one machine must not use up what one user hears: then nobody else could knock.
"""

from typing import Final

from directory_server.core.addresses import network_of
from directory_server.core.quotas import Pace
from shared.errors import Refused

PAIR_SECONDS: Final = 5.0  # between two knocks of one user at another: a dial takes as long
CALLER_AT_ONCE: Final = 30  # of one user, at anybody; a newcomer to a group knocks at some
CALLER_SECONDS: Final = 2.0  # and then one in this time
CALLEE_AT_ONCE: Final = 60  # that one user hears
CALLEE_SECONDS: Final = 1.0
NETWORK_AT_ONCE: Final = 20  # that one user hears of one address: a class behind one router
NETWORK_SECONDS: Final = 3.0  # a third of what a user hears at most

_ROUNDING: Final = 1e-6  # seconds: of sums of floating-point numbers


class Knocks:
    def __init__(self) -> None:
        self._pairs = Pace(PAIR_SECONDS, 1)
        self._callers = Pace(CALLER_SECONDS, CALLER_AT_ONCE)
        self._callees = Pace(CALLEE_SECONDS, CALLEE_AT_ONCE)
        self._networks = Pace(NETWORK_SECONDS, NETWORK_AT_ONCE)

    def take(self, caller: str, address: str, callee: str, now: float) -> None:
        """Count a knock of a caller at this address.  Raises Refused for one too many."""
        limits = (
            (self._pairs, f"{caller} {callee}"),
            (self._callers, caller),
            (self._callees, callee),
            (self._networks, f"{network_of(address)} {callee}"),
        )
        if any(pace.wait(key, now) > _ROUNDING for pace, key in limits):
            raise Refused("that was knocked too often: wait a moment", "LIMIT")
        for pace, key in limits:
            pace.take(key, now)
