"""Which command would open my port."""

import pytest

from peer.core.doctor.firewall import hints, is_ufw_on
from shared.spots import Surroundings


@pytest.mark.parametrize(
    ("text", "is_on"),
    [
        ("", False), ("ENABLED=yes", True), ("ENABLED=no", False), ("# ENABLED=yes\n", False),
        ("# /etc/ufw/ufw.conf\n\nENABLED=yes\nLOGLEVEL=low\n", True), ('enabled = "YES"', True),
        ("ENABLED=yes\nENABLED=no", False), ("ENABLED=yes # since May", True), ("ENABLED", False),
        ("IPV6=yes", False), ("ENABLED='yes'\r\n", True), ("ENABLED=\0\x1b[2J", False),
    ],
)  # fmt: skip
def test_whether_ufw_is_on(text: str, *, is_on: bool) -> None:
    assert is_ufw_on(text) is is_on


def test_each_firewall_has_its_command() -> None:
    around = Surroundings("ENABLED=yes", has_firewalld=True, route="eth0")
    assert hints(around, 40_112, is_fixed=True) == (
        "ufw is active here: sudo ufw allow 40112/tcp.",
        "firewalld is active here: sudo firewall-cmd --add-port=40112/tcp.",
    )


def test_a_port_that_changes_at_each_start_is_to_be_named() -> None:
    (said,) = hints(Surroundings("ENABLED=yes"), 40_112, is_fixed=False)
    assert said.endswith("allow 40112/tcp (start with --listen 40112, so that it stays).")


@pytest.mark.parametrize("route", ["tun0", "wg0", "tailscale0"])
def test_a_vpn_is_named(route: str) -> None:
    (said,) = hints(Surroundings(route=route), 40_112, is_fixed=True)
    assert said == f"All goes out through {route}, a VPN: others would have to come in there."


def test_an_ordinary_machine_gets_no_hint() -> None:
    assert hints(Surroundings(route="wlan0"), 40_112, is_fixed=True) == ()
    assert hints(Surroundings(), 40_112, is_fixed=False) == ()
