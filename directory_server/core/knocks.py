"""Decide how often users may make others dial them."""

from typing import Final

from directory_server.core.pair_limits import Limit, PairLimits

PAIR_SECONDS: Final = 5.0  # between two knocks of one user at another: a dial takes as long
CALLER_AT_ONCE: Final = 30  # of one user, at anybody; a newcomer to a group knocks at some
CALLER_SECONDS: Final = 2.0  # and then one in this time
CALLEE_AT_ONCE: Final = 60  # that one user hears
CALLEE_SECONDS: Final = 1.0
NETWORK_AT_ONCE: Final = 20  # that one user hears of one address: a class behind one router
NETWORK_SECONDS: Final = 3.0  # a third of what a user hears at most


class Knocks(PairLimits):
    def __init__(self) -> None:
        super().__init__(
            Limit(1, PAIR_SECONDS),
            Limit(CALLER_AT_ONCE, CALLER_SECONDS),
            Limit(CALLEE_AT_ONCE, CALLEE_SECONDS),
            Limit(NETWORK_AT_ONCE, NETWORK_SECONDS),
            refusal="that was knocked too often: wait a moment",
        )
