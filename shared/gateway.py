"""Find the router through which this machine reaches others."""

from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from shared.spots import Surroundings

ROUTES: Final = Path("/proc/net/route")  # Linux; elsewhere a router is not guessed
ROUTES_BYTES: Final = 64 * 1024  # a thousand routes
UFW: Final = Path("/etc/ufw/ufw.conf")
UFW_BYTES: Final = 16 * 1024  # as written by ufw it has 0.3 KiB
FIREWALLD: Final = Path("/run/firewalld")
_EVERYWHERE: Final = {"00000000", "00000080"}  # masks; a VPN may take all in two halves
_UP, _GATEWAY = 0x1, 0x2  # flags of a route: linux/route.h


def default_gateway() -> str | None:
    """Return the IPv4 address of the default route's gateway; None if there is none."""
    return gateway_in(_beginning_of(ROUTES, ROUTES_BYTES))


def surroundings() -> Surroundings:
    """Return what can be read about the firewall and the way out; nothing elsewhere."""
    has_firewalld = FIREWALLD.exists()
    route = interface_in(_beginning_of(ROUTES, ROUTES_BYTES))
    return Surroundings(_beginning_of(UFW, UFW_BYTES), has_firewalld, route)


def _beginning_of(path: Path, most: int) -> str:
    """Return the first bytes of a file, as text; nothing if there is no such file for us."""
    try:
        with path.open("rb") as file:
            return file.read(most).decode("utf-8", "replace")
    except OSError:
        return ""  # another system, a machine without a network, or nothing for our eyes


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


def interface_in(routes: str) -> str:
    """Return the interface of the default route, the most specific and nearest one; or "".

    Two routes, each to a half of all addresses, are what a VPN puts in front of the default one.
    """
    found: list[tuple[bool, int, str]] = []
    for line in routes.splitlines()[1:]:
        match line.split():
            case [name, "00000000", _, flags, _, _, metric, mask, *_] if mask in _EVERYWHERE:
                try:
                    is_up = int(flags, 16) & _UP
                    found += [(mask == "00000000", int(metric), name)] if is_up else []
                except ValueError:
                    continue  # a line that is not what the kernel writes
    return min(found)[2] if found else ""
