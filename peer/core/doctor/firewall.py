"""Decide which command would open my port, from what everybody may read on this machine."""

from typing import Final

from shared.spots import Surroundings

_VPN: Final = ("tun", "wg", "tailscale")  # how their interfaces are called
_WORD: Final = 15  # characters of the name of an interface, for Linux


def hints(around: Surroundings, port: int, *, is_fixed: bool) -> tuple[str, ...]:
    """Return what to do about a port to which nothing comes through.

    `is_fixed`: the port is the same at each start, because --listen names it.
    """
    stays = "" if is_fixed else f" (start with --listen {port}, so that it stays)"
    found = []
    if is_ufw_on(around.ufw):
        found.append(f"ufw is active here: sudo ufw allow {port}/tcp{stays}.")
    if around.has_firewalld:
        found.append(f"firewalld is active here: sudo firewall-cmd --add-port={port}/tcp{stays}.")
    if around.route.startswith(_VPN):
        name = around.route[:_WORD]
        found.append(f"All goes out through {name}, a VPN: others would have to come in there.")
    return tuple(found)


def is_ufw_on(text: str) -> bool:
    """Whether this text of ufw.conf switches it on; its last word counts."""
    said = ""
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip().upper() == "ENABLED":
            said = value.partition("#")[0].strip().strip("\"'").lower()
    return said == "yes"
