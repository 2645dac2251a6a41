"""Read where directories are: the hosts that a user names, and addresses that directories name.

dir1                      dir1,dir2:5001,[::1]:5002
"""

import re
from collections.abc import Iterable
from typing import Final

from shared.errors import Refused

HOSTS_MOST: Final = 8  # which a start may ask at once who they are
HOST_CHARACTERS: Final = 255  # longer ones no name server knows
PORTS: Final = range(1, 65_536)

Place = tuple[str, int]  # host and port

_ONE = re.compile(
    r"\[([^\[\]]+)\](?::(.*))?"  # an IPv6 address in brackets, as it is shown everywhere
    r"|([0-9a-fA-F.]*(?::[0-9a-fA-F.]*){2,}(?:%\w+)?)"  # without brackets, so without a port
    r"|([^:\[\]]+)(?::(.*))?"
)


def check_hosts(text: str) -> str:
    """Return the hosts as they are remembered and shown.  Raises Refused, with what is wrong."""
    hosts = _hosts(text)
    if len(hosts) == 1 and hosts[0][1] is None:
        return hosts[0][0]
    return ",".join(dict.fromkeys(map(_shown, hosts)))


def places(text: str, port: int) -> tuple[Place, ...]:
    """Return each address once; `port` is for hosts without one.  Raises Refused."""
    return tuple(dict.fromkeys((host, own or port) for host, own in _hosts(text)))


def read_places(addresses: Iterable[str]) -> list[Place]:
    """Return those of these addresses of others that are a host and a port."""
    found = [_ONE.fullmatch(one) for one in addresses if one.isprintable()]
    pairs = [(one[1] or one[4], _port(one[2] or one[5] or "")) for one in found if one is not None]
    return [(host, port) for host, port in pairs if host and port is not None]


def _hosts(text: str) -> list[tuple[str, int | None]]:
    if not text or not text.isprintable():
        raise Refused("it is empty, or has characters that cannot be shown", "USAGE")
    hosts = [_host(one.strip(), text) for one in text.split(",")]
    if len(hosts) > HOSTS_MOST:
        raise Refused(f"these are {len(hosts)} hosts: {HOSTS_MOST} at most", "USAGE")
    return hosts


def _host(one: str, text: str) -> tuple[str, int | None]:
    if not one:
        raise Refused(f'a host is missing in "{text}"', "USAGE")
    found = _ONE.fullmatch(one)
    if found is None:
        raise Refused(f'"{one}" is not HOST, HOST:PORT or [IPv6]:PORT', "USAGE")
    host, said = found[1] or found[3] or found[4], found[2] if found[1] else found[5]
    if len(host) > HOST_CHARACTERS:
        raise Refused(f"a host has {HOST_CHARACTERS} characters at most", "USAGE")
    if said is None:
        return host, None
    port = _port(said)
    if port is None:
        raise Refused(f'"{said}" is not a port: a number from 1 to 65535', "USAGE")
    return host, port


def _port(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) in PORTS:
        return int(text)
    return None


def _shown(host: tuple[str, int | None]) -> str:
    name = f"[{host[0]}]" if ":" in host[0] and host[1] is not None else host[0]
    return name if host[1] is None else f"{name}:{host[1]}"
