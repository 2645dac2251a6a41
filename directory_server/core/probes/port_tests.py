"""Decide how often users may let the directory dial back, and what it has found there."""

from typing import Final

from directory_server.core.addresses import network_of
from directory_server.core.quotas import Pace, take_all
from shared.errors import NotOurs, ProtocolError, Refused, Unreachable
from shared.identity import read_certificate
from shared.messages.probes import Outcome

AT_ONCE: Final = 4  # in the whole directory: each may hold a socket for three seconds
USER_AT_ONCE: Final = 4  # of one user; a person who tries a firewall asks some times,
USER_SECONDS: Final = 30.0  # and then one in this time: six in any minute
NETWORK_AT_ONCE: Final = 20  # of one address, whatever its names: a class behind one router,
NETWORK_SECONDS: Final = 3.0  # of which nobody probes the ports of the others for long


class PortTests:
    def __init__(self) -> None:
        self._users = Pace(USER_SECONDS, USER_AT_ONCE)
        self._networks = Pace(NETWORK_SECONDS, NETWORK_AT_ONCE)
        self._running = 0

    def begin(self, user: str, address: str, now: float) -> None:
        """Count a test for a user at this address.  Raises Refused for one too many."""
        if self._running >= AT_ONCE:
            raise Refused("the directory tests the ports of others just now: try again", "LIMIT")
        limits = ((self._users, user), (self._networks, network_of(address)))
        if not take_all(limits, now):
            raise Refused("your port was tested too often: wait a moment", "LIMIT")
        self._running += 1

    def end(self) -> None:
        """Note that a test which was begun is over."""
        self._running -= 1


def met(certificate: bytes | None, authority: bytes, key: bytes) -> Outcome:
    """Return whom we met who proved to own this certificate."""
    try:
        subject = read_certificate(certificate or b"", authority, now=0)  # whatever the date
    except ProtocolError:
        return Outcome.OTHER
    is_user = subject.name is not None and subject.key == key
    return Outcome.OPEN if is_user else Outcome.OTHER


def not_met(failure: Unreachable) -> Outcome:
    """Return what it means that a dial has failed before the deadline."""
    # A firewall that rejects says so in many ways: a reset, or that there is no host or no route.
    return Outcome.OTHER if isinstance(failure, NotOurs) else Outcome.REFUSED
