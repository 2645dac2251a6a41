"""Tell which IP addresses are good where: in one network only, or everywhere.

They are told by ranges that never change, and not by `ipaddress.is_private`, which says
something else in each version of Python.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

# Networks within this machine, of containers and virtual machines: others do not reach them.
_INNER: Final = ("docker", "br-", "veth", "virbr", "cni", "flannel")
# An interface of this machine: anything else behind a % makes a name of an address, and the system
# asks whoever serves that name where it is.
_SCOPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,15}")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE: Final = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
_OWN_CABLE: Final = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10"))
)
# RFC 6598, and an address that is not known yet: behind it there is another translator.
_BEHIND_ANOTHER: Final = tuple(map(ipaddress.ip_network, ("100.64.0.0/10", "0.0.0.0/8")))
_GLOBAL6: Final = (ipaddress.ip_network("2000::/3"),)


class Interface(NamedTuple):
    """One numeric address of an interface of this machine, and the size of its network."""

    name: str  #: of the interface; empty if unknown
    host: str
    prefix: int  #: bits of the address that are the same in the whole network
    is_temporary: bool = False  #: made at random by IPv6, so that it does not name the machine


def is_inner(interface: Interface) -> bool:
    """Whether only containers and virtual machines on this machine reach this interface."""
    return interface.name.startswith(_INNER)


class Surroundings(NamedTuple):
    """The word of this machine about its firewall and its way out, which everybody may read."""

    ufw: str = ""  #: the text of /etc/ufw/ufw.conf
    has_firewalld: bool = False
    route: str = ""  #: the interface of the default route; empty if unknown


def shown_place(host: str, port: int) -> str:
    """Return an address as people write it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ip_of(host: str) -> IpAddress | None:
    """Return the address that this text is, None if it is none; IPv4 within IPv6 as IPv4."""
    plain, percent, scope = host.partition("%")
    if percent and (":" not in plain or not _SCOPE.fullmatch(scope)):
        return None
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_lan(host: str) -> bool:
    """Whether this is an address of a network of its own: a home, an office."""
    return _is_in(host, _PRIVATE)


def is_inside(host: str) -> bool:
    """Whether only those of the same machine, cable or network can reach this address."""
    return _is_in(host, _PRIVATE) or _is_in(host, _OWN_CABLE)


def is_own_cable(host: str) -> bool:
    """Whether only those of the same machine or cable can reach this address."""
    return _is_in(host, _OWN_CABLE)


def is_outer(host: str) -> bool:
    """Whether a router that has this address is reached there from everywhere."""
    return ip_of(host) is not None and not is_inside(host) and not _is_in(host, _BEHIND_ANOTHER)


def is_global6(host: str) -> bool:
    """Whether this is an IPv6 address that is good everywhere."""
    return _is_in(host, _GLOBAL6)


def is_near(host: str, interfaces: Iterable[Interface]) -> bool:
    """Whether this address is in a network that this machine is in."""
    address = ip_of(host)
    return address is not None and any(address in _network(one) for one in interfaces)


def _network(interface: Interface) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    host = interface.host.partition("%")[0]
    return ipaddress.ip_network(f"{host}/{interface.prefix}", strict=False)


def _is_in(host: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    address = ip_of(host)
    return address is not None and any(address in one for one in networks)
