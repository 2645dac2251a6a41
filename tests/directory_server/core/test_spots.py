"""Which spots of a user are kept, and who is told which of them."""

import pytest

from directory_server.core.registry import Place
from directory_server.core.spots import (
    MAPPED_FROM,
    are_in_one_house,
    kept,
    may_meet,
    of_caller,
    of_contact,
    of_meeting,
)
from shared.messages.spots import SPOTS, Spot
from shared.spots import is_global6, is_inside, is_lan

HOME = "203.0.113.9"  # the address of carol's router
OUTSIDE = "198.51.100.7"
PORT = 40_112
LAN = Spot("192.168.1.20", PORT, "LAN")
GLOBAL6 = Spot("2001:db8::20", PORT, "GLOBAL6")
MAPPED = Spot("", 40_113, "MAPPED")
SEEN = Spot(HOME, PORT, "SEEN")


def at(seen: str, *spots: Spot, advertised: str = "") -> Place:
    return Place(seen, PORT, advertised, kept(spots))


# --- What is kept -----------------------------------------------------------------


@pytest.mark.parametrize(
    "spot",
    [
        Spot("0.0.0.0", PORT, "LAN"), Spot("224.0.0.1", PORT, "LAN"), Spot("", PORT, "LAN"),
        Spot("127.0.0.1", PORT, "LAN"), Spot("169.254.169.254", PORT, "LAN"),
        Spot("203.0.113.5", PORT, "LAN"), Spot("router.home", PORT, "LAN"),
        Spot("192.168.1.20", 0, "LAN"), Spot("fe80::1", PORT, "LAN"),
        Spot("::ffff:203.0.113.5", PORT, "LAN"), Spot("100.64.1.1", PORT, "LAN"),
        Spot("ff02::1", PORT, "GLOBAL6"), Spot("::1", PORT, "GLOBAL6"),
        Spot("fd00::20", PORT, "GLOBAL6"), Spot("203.0.113.5", PORT, "GLOBAL6"),
        Spot("2001:db8::20", 0, "GLOBAL6"), Spot("victim.example", PORT, "GLOBAL6"),
        Spot("203.0.113.5", 22, "MAPPED"), Spot("203.0.113.5", PORT, "SEEN"),
        Spot("203.0.113.5", PORT, "SAID"), Spot("192.168.1.20", PORT, "BETTER"),
    ],
)  # fmt: skip
def test_what_leads_to_others_or_nowhere_is_not_kept(spot: Spot) -> None:
    assert kept([spot]) == ()


def test_what_is_kept_is_spelled_in_one_way_and_each_once() -> None:
    assert kept([LAN, LAN, Spot("2001:DB8:0::20", PORT, "GLOBAL6"), GLOBAL6]) == (LAN, GLOBAL6)
    assert kept([Spot("victim.example", MAPPED_FROM, "MAPPED")]) == (
        Spot("", MAPPED_FROM, "MAPPED"),
    )
    many = [Spot(f"10.0.0.{number}", PORT, "LAN") for number in range(SPOTS + 1)]
    assert kept(many) == tuple(many[:SPOTS])


# --- Who is told ------------------------------------------------------------------


def test_no_local_address_leaves_the_house() -> None:
    carol = at(HOME, LAN, GLOBAL6)
    assert of_contact(carol, HOME, OUTSIDE) == (GLOBAL6, SEEN)
    assert of_contact(carol, HOME, "10.0.0.9") == (GLOBAL6, SEEN)
    assert of_contact(carol, HOME, "2001:db8::9") == (GLOBAL6, SEEN)
    assert of_caller(carol, HOME, OUTSIDE) == (SEEN,)


def test_those_behind_the_same_router_dial_each_other_inside() -> None:
    carol = at(HOME, LAN, GLOBAL6)
    assert of_contact(carol, HOME, HOME) == (LAN, GLOBAL6, SEEN)
    assert of_caller(carol, HOME, HOME) == (LAN, SEEN)


def test_on_the_network_of_the_directory_the_address_it_sees_comes_first() -> None:
    carol = at("10.0.0.7", Spot("10.0.0.7", PORT, "LAN"), LAN, GLOBAL6)
    seen = Spot("10.0.0.7", PORT, "SEEN")
    assert of_contact(carol, "10.0.0.7", "10.0.3.9") == (seen, LAN, GLOBAL6)
    assert of_contact(carol, "10.0.0.7", "127.0.0.1") == (seen, LAN, GLOBAL6)
    assert of_contact(carol, "10.0.0.7", OUTSIDE) == (seen, GLOBAL6)
    assert of_caller(carol, "10.0.0.7", "10.0.3.9") == (seen,), "what she says is not needed"


def test_a_mapped_port_is_at_the_address_that_the_directory_sees() -> None:
    carol = at(HOME, Spot(OUTSIDE, 40_113, "MAPPED"))
    mapped = Spot(HOME, 40_113, "MAPPED")
    assert of_contact(carol, HOME, OUTSIDE) == (mapped, SEEN)
    assert of_caller(carol, HOME, OUTSIDE) == (mapped, SEEN)


def test_who_advertises_an_address_is_dialled_there_only_but_dialled_back_where_seen() -> None:
    carol = at(HOME, LAN, GLOBAL6, advertised="victim.example")
    assert of_contact(carol, HOME, HOME) == (Spot("victim.example", PORT, "SAID"),)
    assert of_caller(carol, HOME, HOME) == (LAN, SEEN)
    assert of_caller(carol, HOME, OUTSIDE) == (SEEN,)


def test_never_more_are_told_than_a_message_holds() -> None:
    many = [Spot(f"10.0.0.{number}", PORT, "LAN") for number in range(SPOTS)]
    assert len(of_contact(at(HOME, *many), HOME, HOME)) == SPOTS


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (HOME, HOME, True), (HOME, OUTSIDE, False), (HOME, "10.0.0.7", False),
        ("10.0.0.7", "192.168.1.1", True), ("127.0.0.1", "10.0.0.7", True),
        ("2001:db8:1:2::3", "2001:db8:1:2::4", True), ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("fd00::1", "192.168.1.1", True), (f"::ffff:{HOME}", HOME, True), ("nonsense", HOME, False),
    ],
)  # fmt: skip
def test_who_is_in_one_house(one: str, other: str, same: bool) -> None:
    assert are_in_one_house(one, other) is same
    assert are_in_one_house(other, one) is same


def test_the_ranges() -> None:
    assert is_lan("172.31.255.255")
    assert not is_lan("172.32.0.0")
    assert is_lan("fd12::1%eth0")
    assert is_inside("::1")
    assert is_inside("fe80::1%2")
    assert not is_inside("100.64.0.1")
    assert is_global6("2001:db8::1")
    assert not is_global6("2.3.4.5")
    assert not is_global6("no:address")
    assert not is_global6("::ffff:2.3.4.5")


# --- Who comes to a meeting -------------------------------------------------------


def test_who_meets_another_is_at_the_port_of_that_connection() -> None:
    seen = Spot(HOME, 50_001, "SEEN")
    assert of_meeting(at(HOME, LAN, MAPPED, GLOBAL6), seen, 0, OUTSIDE) == (seen,)
    near, inner = Spot(LAN.host, 50_001, "LAN"), Spot(LAN.host, 50_002, "LAN")
    assert of_meeting(at(HOME, LAN), seen, 0, HOME) == (seen, near)
    assert of_meeting(at(HOME, LAN), seen, 50_002, HOME) == (seen, inner)
    inside = Spot(LAN.host, 50_001, "SEEN")
    assert of_meeting(at(LAN.host, LAN), inside, 0, "192.168.1.21") == (inside,)


def test_who_is_seen_at_one_address_meets_inside_or_not_at_all() -> None:
    assert may_meet(at(HOME), at(OUTSIDE))
    assert may_meet(at(HOME, LAN), at(HOME, LAN))
    assert not may_meet(at(HOME, LAN), at(HOME))
    assert not may_meet(at(HOME), at(HOME, LAN))
    assert not may_meet(at("127.0.0.1", LAN), at("127.0.0.1", LAN)), "on one machine all can dial"
