"""The router of this machine is read from the kernel's table of routes."""

from pathlib import Path

import pytest

from shared import gateway
from shared.gateway import default_gateway, gateway_in, interface_in, surroundings
from shared.spots import Surroundings

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
LAN = "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
WLAN = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
CABLE = "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"


@pytest.mark.parametrize(
    ("routes", "found"),
    [
        (HEAD + WLAN + LAN, "192.168.1.1"),
        (HEAD + WLAN + CABLE, "192.0.2.1"),  # the one that the kernel prefers
        (HEAD + LAN, None),
        (HEAD + "tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n", None),
        (HEAD + "eth0\t00000000\t0102\t000x\t0\t0\t100\t00000000\t0\t0\t0\n", None),
        (HEAD + "eth0\t00000000\t010200C0FF\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", None),
        (HEAD + "eth0\t00000000\n\n", None),
        ("", None),
    ],
)
def test_the_default_route_names_it(routes: str, found: str | None) -> None:
    assert gateway_in(routes) == found


def test_without_a_table_it_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "ROUTES", tmp_path / "none")
    assert default_gateway() is None
    (tmp_path / "some").write_text(HEAD + CABLE)
    monkeypatch.setattr(gateway, "ROUTES", tmp_path / "some")
    assert default_gateway() == "192.0.2.1"


TUN = "tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n"
HALF = "wg0\t00000000\t00000000\t0001\t0\t0\t900\t00000080\t0\t0\t0\n"
DOWN = "tun1\t00000000\t00000000\t0000\t0\t0\t1\t00000000\t0\t0\t0\n"


@pytest.mark.parametrize(
    ("routes", "found"),
    [
        (HEAD + WLAN + LAN, "wlan0"), (HEAD + WLAN + CABLE, "eth0"), (HEAD + CABLE + TUN, "tun0"),
        (HEAD + CABLE + HALF, "wg0"), (HEAD + CABLE + DOWN, "eth0"), (HEAD + LAN, ""), ("", ""),
        (HEAD + "tun0\t00000000\t0\t000x\t0\t0\t50\t00000000\n" + WLAN, "wlan0"),
    ],
)  # fmt: skip
def test_the_interface_of_the_default_route(routes: str, found: str) -> None:
    assert interface_in(routes) == found


def test_what_everybody_may_read_of_a_firewall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROUTES", "UFW", "FIREWALLD"):
        monkeypatch.setattr(gateway, name, tmp_path / name)
    assert surroundings() == Surroundings()
    (tmp_path / "ROUTES").write_text(HEAD + WLAN)
    (tmp_path / "UFW").write_bytes(b"ENABLED=yes\n\xff" + bytes(10**6))
    (tmp_path / "FIREWALLD").mkdir()
    around = surroundings()
    assert around.ufw.startswith("ENABLED=yes\n")
    assert len(around.ufw) <= gateway.UFW_BYTES
    assert around[1:] == (True, "wlan0")
