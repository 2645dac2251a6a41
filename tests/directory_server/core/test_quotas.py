"""How much one address may take."""

import pytest

from directory_server.core.addresses import network_of
from directory_server.core.quotas import Pace, Shares


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.5", "10.0.0.5"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somewhere", "somewhere"),
    ],
)
def test_a_network_of_ipv6_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_so_many_at_once_and_then_one_after_the_other() -> None:
    pace = Pace(20, 3)
    for _ in range(3):
        assert pace.wait("10.0.0.5", 0) == 0
        pace.take("10.0.0.5", 0)
    assert pace.wait("10.0.0.5", 0) == 20
    assert pace.wait("10.0.0.5", 15) == 5
    assert pace.wait("10.0.0.6", 0) == 0
    pace.take("10.0.0.5", 20)
    assert pace.wait("10.0.0.5", 20) == 20
    assert pace.wait("10.0.0.5", 1_000) == 0


def test_whoever_rests_gets_no_more_at_once_than_anybody() -> None:
    pace = Pace(20, 2)
    pace.take("a", 0)
    for _ in range(2):
        assert pace.wait("a", 1_000) == 0
        pace.take("a", 1_000)
    assert pace.wait("a", 1_000) == 20


def test_memory_of_addresses_is_bounded() -> None:
    pace = Pace(20, 1, addresses=3)
    for number in range(10):
        pace.take(f"10.0.0.{number}", 0)
    assert [pace.wait(f"10.0.0.{number}", 0) for number in (0, 6, 7, 9)] == [0, 0, 20, 20]
    pace.take("10.0.0.99", 100)
    assert len(pace._paid) == 1, "what is made up for is forgotten"


def test_without_a_pace_nobody_waits_and_nobody_is_remembered() -> None:
    pace = Pace(0, 1)
    for _ in range(3):
        assert pace.wait("10.0.0.5", 0) == 0
        pace.take("10.0.0.5", 0)
    assert not pace._paid


def test_one_holder_may_have_any_place_until_they_become_few() -> None:
    shares = Shares(8)
    for _ in range(6):
        assert not shares.is_too_much("one")
        shares.add("one")
    assert shares.is_too_much("one")
    assert not shares.is_too_much("other")
    shares.add("other")
    shares.add("other")
    assert shares.is_full
    shares.remove("one")
    assert not shares.is_full
    assert shares.is_too_much("one")
    for _ in range(2):
        shares.remove("one")
        shares.add("third")
    assert not shares.is_too_much("one")
    shares.remove("third")
    assert shares.taken == 6
