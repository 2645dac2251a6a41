"""The addresses of this machine's own interfaces."""

import socket
import struct
import sys

import pytest

from shared import interfaces
from shared.interfaces import own_interfaces
from shared.spots import Interface

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="netlink is of Linux")


@linux
def test_this_machine_knows_its_own_loopback() -> None:
    assert Interface("lo", "127.0.0.1", 8) in own_interfaces()


@linux
def test_no_address_that_it_tells_is_of_somebody_else() -> None:
    for one in own_interfaces():
        if not one.host.startswith("fe80"):
            family = socket.AF_INET6 if ":" in one.host else socket.AF_INET
            with socket.socket(family) as probe:
                probe.bind((one.host, 0))


def test_other_systems_tell_what_they_would_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "other")
    for one in own_interfaces():
        assert (one.name, one.prefix) in {("", 24), ("", 64)}


def test_a_system_that_tells_nothing_has_no_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> None:
        raise PermissionError

    monkeypatch.setattr(interfaces, "_from_netlink", refuses)
    monkeypatch.setattr(interfaces, "_by_routes", refuses)
    assert own_interfaces() == ()


# --- What the kernel says --------------------------------------------------------


def told(flags: int, *attributes: tuple[int, bytes], family: int = socket.AF_INET6) -> bytes:
    header = struct.pack("=BBBBI", family, 64, flags & 0xFF, 0, 1)
    return header + b"".join(
        struct.pack("=HH", 4 + len(value), kind) + value for kind, value in attributes
    )


GLOBAL = socket.inet_pton(socket.AF_INET6, "2001:db8::20")


@linux
@pytest.mark.parametrize(
    ("body", "found"),
    [
        (told(0x80, (1, GLOBAL)), Interface("lo", "2001:db8::20", 64)),
        (told(0x81, (1, GLOBAL)), Interface("lo", "2001:db8::20", 64, is_temporary=True)),
        (told(0, (1, GLOBAL), (8, struct.pack("=I", 0x101))),
         Interface("lo", "2001:db8::20", 64, is_temporary=True)),
        (told(0x20, (1, GLOBAL)), None),  # deprecated
        (told(0x40, (1, GLOBAL)), None),  # tentative: another machine may have it
        (told(0), None),
        (told(0, (1, GLOBAL), family=socket.AF_UNIX), None),
        # of a line from point to point, `local` is ours
        (told(0, (1, bytes([10, 0, 0, 1])), (2, bytes([10, 0, 0, 2])), family=socket.AF_INET),
         Interface("lo", "10.0.0.2", 64)),
    ],
)  # fmt: skip
def test_one_address(body: bytes, found: Interface | None) -> None:
    assert interfaces._interface(body) == found


@linux
def test_an_interface_that_is_gone_is_none() -> None:
    gone = struct.pack("=BBBBI", socket.AF_INET6, 64, 0, 0, 2**31 - 1)
    assert interfaces._interface(gone + struct.pack("=HH", 20, 1) + GLOBAL) is None


def test_pieces_that_lie_about_their_length_end_the_reading() -> None:
    assert list(interfaces._pieces(struct.pack("=HH", 2, 1) + b"more", "=HH", 4)) == []
