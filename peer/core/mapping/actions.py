"""The actions of a port mapping; its shell performs them."""

from enum import Enum

from msgspec import Struct


class Why(Enum):
    """The reason for which there is no mapping."""

    SILENT = "no answer to PCP and NAT-PMP"
    ALL_SILENT = "no answer to PCP, NAT-PMP and UPnP"
    REFUSED = "the router refuses it"
    SECOND_ROUTER = "there is a second router behind this one"
    USELESS = "the router offers a port that does not help"


class Send(Struct, frozen=True):
    """Send this to the router."""

    datagram: bytes


class Mapped(Struct, frozen=True):
    """This port of the router leads to me from now on."""

    port: int


class NotMapped(Struct, frozen=True):
    """No port of the router leads to me, or none any more."""

    why: Why


class AskUpnp(Struct, frozen=True):
    """Look for a router that speaks UPnP, and ask it for this port, or another one."""

    wanted: int
    lifetime: int  # seconds


class ReturnUpnp(Struct, frozen=True):
    """Give this port back, by UPnP."""

    port: int


Action = Send | AskUpnp | ReturnUpnp | Mapped | NotMapped
