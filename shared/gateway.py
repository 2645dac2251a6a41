"""Find the router through which this machine reaches others."""

from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

ROUTES: Final = Path("/proc/net/route")  # Linux; elsewhere a router is not guessed
ROUTES_BYTES: Final = 64 * 1024  # a thousand routes
_UP, _GATEWAY = 0x1, 0x2  # flags of a route: linux/route.h


def default_gateway() -> str | None:
    """Return the IPv4 address of the default route's gateway; None if there is none."""
    try:
        with ROUTES.open("rb") as file:
            return gateway_in(file.read(ROUTES_BYTES).decode("ascii", "replace"))
    except OSError:
        return None  # another system, or a machine without a network


def gateway_in(routes: str) -> str | None:
    """Return the gateway of the default route with the lowest metric, from proc_net_route."""
    found: list[tuple[int, str]] = []
    for line in routes.splitlines()[1:]:
        match line.split():
            case [_, "00000000", gateway, flags, _, _, metric, "00000000", *_]:
                try:
                    wanted = int(flags, 16) & _GATEWAY and int(flags, 16) & _UP
                    host = str(IPv4Address(int(gateway, 16).to_bytes(4, "little")))
                    found += [(int(metric), host)] if wanted else []
                except (ValueError, OverflowError):
                    continue  # a line that is not what the kernel writes
    return min(found)[1] if found else None
