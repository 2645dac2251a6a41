"""Decide how often users may make others open a way to them."""

from typing import Final

from directory_server.core.pair_limits import Limit, PairLimits

PAIR_AT_ONCE: Final = 3  # of one user for another,
PAIR_SECONDS: Final = 20.0  # and then one in this time: 6 in the first minute
CALLER_AT_ONCE: Final = 15  # of one user, for anybody,
CALLER_SECONDS: Final = 4.0  # 30 in the first minute
CALLEE_AT_ONCE: Final = 15  # that one user hears: each costs them a connection
CALLEE_SECONDS: Final = 4.0
NETWORK_AT_ONCE: Final = 5  # that one user hears of one address
NETWORK_SECONDS: Final = 12.0  # a third of what a user hears at most


class CallLimits(PairLimits):
    def __init__(self) -> None:
        super().__init__(
            Limit(PAIR_AT_ONCE, PAIR_SECONDS),
            Limit(CALLER_AT_ONCE, CALLER_SECONDS),
            Limit(CALLEE_AT_ONCE, CALLEE_SECONDS),
            Limit(NETWORK_AT_ONCE, NETWORK_SECONDS),
            refusal="that was tried too often: wait a moment",
        )
