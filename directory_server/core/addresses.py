"""Tell what an IP address says about its owner."""

import ipaddress
from functools import lru_cache
from typing import Final

from shared.spots import ip_of

REMEMBERED: Final = 4_096  # addresses, 1 MiB; each registration asks five times


@lru_cache(REMEMBERED)
def network_of(address: str) -> str:
    """Return the network that counts as one address: somebody who has one of it has all."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def are_the_same(one: str, other: str) -> bool:
    """Whether two addresses that we see are one, however they are written."""
    return (ip_of(one) or one) == (ip_of(other) or other)
