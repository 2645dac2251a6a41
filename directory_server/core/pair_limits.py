"""Decide how often users may make others do something.

Many names of one machine must not use up what one user hears: then nobody else could reach them.
"""

from typing import NamedTuple

from directory_server.core.addresses import network_of
from directory_server.core.quotas import Pace, take_all
from shared.errors import Refused


class Limit(NamedTuple):
    """A number that is allowed at once; then one more is, each time these seconds have passed."""

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
        if not take_all(tuple(zip(self._paces, keys, strict=True)), now):
            raise Refused(self._refusal, "LIMIT")
