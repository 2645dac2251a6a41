"""Decide how often users may make others do something.

Many names of one machine must not use up what one user hears: then nobody else could reach them.
"""

from typing import Final, NamedTuple

from directory_server.core.addresses import network_of
from directory_server.core.quotas import Pace
from shared.errors import Refused

_ROUNDING: Final = 1e-6  # seconds: of sums of floating-point numbers


class Limit(NamedTuple):
    """So many at once, and then one in so many seconds."""

    at_once: int
    seconds: float


class PairLimits:
    """The limits of each pair, of each caller, of each callee, and of one network at a callee."""

    def __init__(
        self, pair: Limit, caller: Limit, callee: Limit, network: Limit, *, refusal: str
    ) -> None:
        limits = (pair, caller, callee, network)
        self._paces = tuple(Pace(one.seconds, one.at_once) for one in limits)
        self._refusal = refusal

    def take(self, caller: str, address: str, callee: str, now: float) -> None:
        """Count one of a caller at this address.  Raises Refused for one too many."""
        keys = (f"{caller} {callee}", caller, callee, f"{network_of(address)} {callee}")
        taken = tuple(zip(self._paces, keys, strict=True))
        if any(pace.wait(key, now) > _ROUNDING for pace, key in taken):
            raise Refused(self._refusal, "LIMIT")
        for pace, key in taken:
            pace.take(key, now)
