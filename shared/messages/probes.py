"""Messages, and two datagrams, with which a user finds out how they can be reached.

The directory dials back only where it sees the very connection that asks, and answers only
datagrams whose cookie was given to a user whom it sees at the address that they come from: so
nobody makes it send anything to somebody else.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from shared.messages.common import Answer, Count, Port, Request, Word

COOKIE_BYTES: Final = 16
NONCE_BYTES: Final = 8
REQUEST_BYTES: Final = 64  # no answer is longer: nobody makes the directory send more than they do
Cookie = Annotated[bytes, Meta(max_length=COOKIE_BYTES)]  # empty: there are no ports to probe
ProbePorts = Annotated[tuple[Port, ...], Meta(max_length=2)]


class Outcome(StrEnum):
    """A result of dialling the port of a user.  Others are as if nothing was said."""

    OPEN = "OPEN"  #: their program, with their key
    REFUSED = "REFUSED"  #: a machine, or a firewall, that says no
    SILENT = "SILENT"  #: nothing, within the deadline
    OTHER = "OTHER"  #: somebody else


class TestPort(Request, frozen=True, tag="TEST"):
    """Dial my port, at the address where you see me.  Answered by TESTED."""

    __test__ = False  # pytest shall not take it for a test


class PortTested(Answer, frozen=True, tag="TESTED"):
    outcome: Word
    milliseconds: Count


def request(cookie: bytes, nonce: bytes) -> bytes:
    """Return the datagram that asks a probe port where it comes from."""
    return (cookie + nonce).ljust(REQUEST_BYTES, b"\0")


def read_request(datagram: bytes) -> tuple[bytes, bytes] | None:
    """Return the cookie and the nonce; None for what is no such datagram."""
    if len(datagram) != REQUEST_BYTES:
        return None
    return datagram[:COOKIE_BYTES], datagram[COOKIE_BYTES:][:NONCE_BYTES]


def answer(nonce: bytes, port: int) -> bytes:
    """Return what a probe port says: from which port the request came."""
    return nonce + port.to_bytes(2, "big")


def read_answer(datagram: bytes, nonce: bytes) -> int | None:
    """Return the port from which the directory saw our request; None for anything else."""
    if len(datagram) != NONCE_BYTES + 2 or datagram[:NONCE_BYTES] != nonce:
        return None
    return int.from_bytes(datagram[NONCE_BYTES:], "big")
