"""Where I may be reached, and in which order others are dialled (`peer.core.reach.spots`)."""

import pytest

from peer.core.reach.spots import own_spots, spots_of_caller, spots_to_dial, spots_to_punch
from shared.messages.common import Status
from shared.messages.directory import Contact
from shared.messages.spots import SPOTS, Spot
from shared.spots import Interface

PORT = 40_112
BOTH = (("0.0.0.0", PORT), ("::", PORT))
HERE = (Interface("lo", "127.0.0.1", 8), Interface("wlan0", "192.168.1.20", 24))


def contact(*spots: Spot, host: str = "203.0.113.9", port: int = PORT, seen: str = "") -> Contact:
    return Contact(
        1, "dave", Status.ACTIVE, 0.0, bytes(32), bytes(32), bytes(64), host, port,
        seen=seen or host, spots=spots,
    )  # fmt: skip


# --- Mine -------------------------------------------------------------------------


def hosts(*interfaces: Interface) -> list[tuple[str, str]]:
    return [(spot.host, spot.kind) for spot in own_spots(interfaces, BOTH)]


def test_a_laptop_names_its_own_network_and_its_global_ipv6() -> None:
    assert hosts(
        *HERE, Interface("wlan0", "2001:db8::20", 64), Interface("wlan0", "fe80::20", 64),
        Interface("wlan0", "fd00::20", 64),
    ) == [("192.168.1.20", "LAN"), ("fd00::20", "LAN"), ("2001:db8::20", "GLOBAL6")]  # fmt: skip


def test_networks_within_the_machine_are_not_named() -> None:
    inner = ("docker0", "br-1a2b", "veth9", "virbr0", "cni0", "flannel.1")
    assert hosts(*(Interface(name, "172.17.0.1", 16) for name in inner)) == []


def test_a_public_ipv4_address_is_not_named_for_the_directory_sees_it() -> None:
    assert hosts(Interface("eth0", "203.0.113.5", 24)) == []


def test_a_random_ipv6_address_stands_for_the_one_that_names_the_machine() -> None:
    assert hosts(
        Interface("wlan0", "2001:db8::2ff:fe01:203", 64),
        Interface("wlan0", "2001:db8::9c41", 64, is_temporary=True),
        Interface("eth0", "2001:db8:1::5", 64),
    ) == [("2001:db8::9c41", "GLOBAL6"), ("2001:db8:1::5", "GLOBAL6")]


def test_without_ipv6_no_ipv6_is_named() -> None:
    interfaces = (Interface("wlan0", "fd00::20", 64), Interface("wlan0", "2001:db8::20", 64))
    assert own_spots((*HERE, *interfaces), BOTH[:1]) == (Spot("192.168.1.20", PORT, "LAN"),)


@pytest.mark.parametrize(
    ("lan", "everywhere", "wanted"),
    [(20, 20, (4, 4)), (20, 1, (7, 1)), (1, 20, (1, 7)), (20, 0, (8, 0))],
)
def test_a_machine_with_many_addresses_names_some_of_each_kind(
    lan: int, everywhere: int, wanted: tuple[int, int]
) -> None:
    spots = own_spots(
        [
            *(Interface("eth0", f"10.0.0.{number}", 24) for number in range(lan)),
            *(Interface("eth0", f"2001:db8::{number}", 64) for number in range(1, everywhere + 1)),
        ],
        BOTH,
    )
    kinds = [spot.kind for spot in spots]
    assert len(spots) <= SPOTS
    assert (kinds.count("LAN"), kinds.count("GLOBAL6")) == wanted


# --- Those of others --------------------------------------------------------------


def test_an_old_directory_gives_one_address() -> None:
    assert spots_to_dial(contact(), HERE) == (Spot("203.0.113.9", PORT, "SEEN"),)
    said = contact(host="dave.example", seen="203.0.113.9")
    assert spots_to_dial(said, HERE) == (Spot("dave.example", PORT, "SAID"),)


def test_neighbours_come_first_then_what_the_directory_names_first() -> None:
    mapped, seen = Spot("203.0.113.9", 40_113, "MAPPED"), Spot("203.0.113.9", PORT, "SEEN")
    far, near = Spot("10.9.0.5", PORT, "LAN"), Spot("192.168.1.30", PORT, "LAN")
    assert spots_to_dial(contact(mapped, seen, far, near), HERE) == (near, mapped, seen, far)
    near6 = Spot("fd00::30", PORT, "LAN")
    here = (*HERE, Interface("wlan0", "fd00::20%wlan0", 64))
    assert spots_to_dial(contact(seen, near6), here) == (near6, seen)


def test_what_is_no_address_or_of_an_unknown_kind_is_left_out() -> None:
    good = Spot("203.0.113.9", PORT, "SEEN")
    assert spots_to_dial(
        contact(
            Spot("victim.example", PORT, "LAN"), Spot("203.0.113.9", 0, "SEEN"),
            Spot("203.0.113.9", PORT, "TELEPATHY"), Spot("", PORT, "GLOBAL6"), good,
        ),
        HERE,
    ) == (good,)  # fmt: skip


# --- Those of a caller who knocks -------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1%.evil.example",
        "203.0.113.9%eth0",
        "2001:db8::9%\ncarol: the meeting is off",
        "2001:db8::9%" + "e" * 16,
        "2001:db8::9%",
        "fe80::1%a%b",
    ],
)
def test_no_address_is_a_name_in_disguise(host: str) -> None:
    """The system would ask a name server for it, and dial our own machine if that says so."""
    for kind in ("SEEN", "MAPPED", "LAN", "GLOBAL6"):
        spot = Spot(host, PORT, kind)
        assert spots_to_dial(contact(spot), HERE) == ()
        assert spots_of_caller([spot], host, HERE) == ()
        assert spots_to_punch([spot], "2001:db8::1" if ":" in host else "203.0.113.1", HERE) == ()


def test_an_address_on_my_own_cable_names_my_interface() -> None:
    spot = Spot("fe80::9%eth0.100", PORT, "SEEN")
    assert spots_to_dial(contact(spot), HERE) == (spot,)


def test_a_caller_is_dialled_where_the_directory_sees_them_and_as_a_neighbour() -> None:
    seen, mapped = Spot("203.0.113.9", PORT, "SEEN"), Spot("203.0.113.9", 40_113, "MAPPED")
    near = Spot("192.168.1.30", PORT, "LAN")
    assert spots_of_caller((mapped, seen, near), "203.0.113.9", HERE) == (near, mapped, seen)


@pytest.mark.parametrize(
    "spot",
    [
        Spot("203.0.113.5", 22, "SEEN"), Spot("203.0.113.5", 22, "MAPPED"),
        Spot("203.0.113.9", 0, "SEEN"), Spot("192.168.1.30", 0, "LAN"),
        Spot("10.9.0.5", 22, "LAN"), Spot("203.0.113.9", 22, "SAID"),
        Spot("2001:db8::5", 22, "GLOBAL6"), Spot("127.0.0.1", 22, "LAN"),
        Spot("victim.example", 22, "LAN"), Spot("203.0.113.9", 22, "LAN"),
    ],
)  # fmt: skip
def test_nothing_else_that_a_knock_says_is_dialled(spot: Spot) -> None:
    assert spots_of_caller((spot,), "203.0.113.9", HERE) == ()


def test_a_caller_whom_nobody_sees_is_not_dialled() -> None:
    assert spots_of_caller((Spot("", PORT, "SEEN"),), "", HERE) == ()


# --- Whom I meet halfway ----------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "192.168.1.1", "10.0.0.1", "::1", "ff02::1", "a.name", "", "::ffff:127.0.0.1",
    ],
)  # fmt: skip
def test_a_directory_aims_nobody_at_what_no_user_can_be(host: str) -> None:
    said = (Spot(host, PORT, "SEEN"), Spot(host, PORT, "LAN"))
    here = (Interface("wlan0", "172.16.5.20", 24),)
    assert spots_to_punch(said, "198.51.100.1", here) == ()
    assert spots_to_punch(said, "2001:db8::1", here) == ()


def test_one_seen_spot_is_dialled_and_neighbours() -> None:
    seen, other = Spot("203.0.113.9", 50_001, "SEEN"), Spot("203.0.113.10", 50_001, "SEEN")
    near, far = Spot("192.168.1.7", 50_001, "LAN"), Spot("192.168.2.7", 50_001, "LAN")
    said = (seen, other, near, far, Spot("203.0.113.9", 0, "SEEN"), Spot("203.0.113.9", 1, "SAID"))
    assert spots_to_punch(said, "198.51.100.1", HERE) == (near, seen)
    assert spots_to_punch((other, seen), "198.51.100.1", HERE) == (other,)
    assert spots_to_punch((Spot("203.0.113.9", 0, "SEEN"),), "198.51.100.1", HERE) == ()


def test_who_is_seen_inside_is_so_by_a_directory_that_is_there() -> None:
    inside, loopback = Spot("10.0.0.7", 50_001, "SEEN"), Spot("127.0.0.1", 50_001, "SEEN")
    assert spots_to_punch((inside,), "10.0.0.1", HERE) == (inside,)
    assert spots_to_punch((loopback,), "127.0.0.1", HERE) == (loopback,)
    assert spots_to_punch((loopback,), "10.0.0.1", HERE) == ()


def test_the_other_family_of_addresses_is_not_reached_from_there() -> None:
    six = Spot("2001:db8::9", 50_001, "SEEN")
    assert spots_to_punch((six,), "198.51.100.1", HERE) == ()
    assert spots_to_punch((six,), "2001:db8::1", HERE) == (six,)
