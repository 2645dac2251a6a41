"""A peer behind a router finds its place from the directory and its connection to it."""

from typing import Any, cast

import pytest
from msgspec import Struct

from peer.core.myself import Registration
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.mapping.own_spots import OwnSpots
from peer.runtime.mapping.port_mapper import InnerPlace
from shared.messages.directory import Welcome
from shared.world import Address
from tests.kit.world import Hub

PORT = 40_112


class _Wire(Struct):
    local: Address


class _Link(Struct):
    wire: _Wire


class _Directory:
    def __init__(self, own: str) -> None:
        self.link: Any = _Link(_Wire(Address(own, 50_000)))


def place(own: str, seen: str, advertised: str = "") -> InnerPlace | None:
    network = Hub().network("192.168.1.20")
    network.listens_on = (Address("0.0.0.0", PORT),)
    registration = Registration("carol", host=advertised)
    spots = OwnSpots(network, registration, cast(DirectoryClient, _Directory(own)))
    return spots.place(Welcome("carol", seen, 0, 300.0))


@pytest.mark.parametrize("own", ["192.168.1.20", "::ffff:192.168.1.20"])
def test_a_router_is_asked_from_an_ipv4_address(own: str) -> None:
    """However the directory has named its own: a router reads nothing else."""
    assert place(own, "203.0.113.9") == InnerPlace("192.168.1.20", PORT)


@pytest.mark.parametrize(
    ("own", "seen", "advertised"),
    [
        ("192.168.1.20", "192.168.1.20", ""), ("192.168.1.20", "::ffff:192.168.1.20", ""),
        ("192.168.1.20", "nonsense", ""), ("2001:db8::1", "2001:db8::2", ""),
        ("192.168.1.20", "203.0.113.9", "me.lan"),
    ],
)  # fmt: skip
def test_where_nothing_translates_none_is_asked(own: str, seen: str, advertised: str) -> None:
    assert place(own, seen, advertised) is None
