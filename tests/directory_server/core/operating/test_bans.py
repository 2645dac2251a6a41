"""Bans: of a key, under whatever name it comes, and of all addresses of a network."""

import pytest

from directory_server.core.operating import bans as module
from directory_server.core.operating.bans import (
    ADDRESS,
    USER,
    Ban,
    Bans,
    parse_network,
    spell_network,
)
from shared.errors import Refused

CAROL = b"c" * 32
DAVE = b"d" * 32
OF_CAROL = Ban(USER, CAROL.hex(), "Carol", since=10.0, until=100.0, reason="being rude")
OF_NETWORK = Ban(ADDRESS, "10.0.0.0/24", since=5.0)


def test_a_banned_key_is_refused_from_anywhere_until_the_ban_is_over() -> None:
    bans = Bans([OF_CAROL])
    for address in ("10.0.0.1", "192.0.2.7", "no address"):
        with pytest.raises(Refused) as no:
            bans.check(CAROL, address, 99.9)
        assert no.value.code == "BANNED"
    bans.check(CAROL, "10.0.0.1", 100.0)
    bans.check(DAVE, "10.0.0.1", 50.0)


@pytest.mark.parametrize(
    ("banned", "inside", "outside"),
    [
        ("10.0.0.0/24", "10.0.0.255", "10.0.1.0"),
        ("10.0.0.0/24", "::ffff:10.0.0.9", "::ffff:10.0.1.9"),
        ("::ffff:10.0.0.0/120", "10.0.0.9", "10.0.1.9"),
        ("10.0.0.7", "10.0.0.7", "10.0.0.8"),
        ("2001:db8::/32", "2001:db8:1::5%eth0", "2001:db9::1"),
        ("0.0.0.0/0", "192.0.2.7", "2001:db8::1"),
    ],
)
def test_a_banned_network_holds_its_addresses(banned: str, inside: str, outside: str) -> None:
    bans = Bans([Ban(ADDRESS, banned)])
    assert bans.find(DAVE, inside, 0) is not None
    assert bans.find(DAVE, outside, 0) is None
    assert bans.find(DAVE, "no address", 0) is None


def test_a_ban_that_is_over_hides_no_wider_one() -> None:
    narrow = Ban(ADDRESS, "10.0.0.7", until=10.0, reason="narrow")
    bans = Bans([OF_NETWORK, narrow])
    assert bans.find(DAVE, "10.0.0.7", 9) == narrow
    assert bans.find(DAVE, "10.0.0.7", 10) == OF_NETWORK


def test_the_banned_one_is_told_the_reason_and_the_end() -> None:
    assert OF_CAROL.sentence() == (
        "You are banned from this directory until 1970-01-01 00:01 UTC: being rude"
    )
    assert OF_NETWORK.sentence() == "Your address (10.0.0.0/24) is banned from this directory."


def test_a_user_is_banned_before_the_address() -> None:
    bans = Bans([OF_NETWORK, OF_CAROL])
    assert bans.find(CAROL, "10.0.0.1", 0) == OF_CAROL


def test_bans_are_listed_named_and_removed() -> None:
    bans = Bans([OF_CAROL, OF_NETWORK])
    assert bans.all(0) == [OF_NETWORK, OF_CAROL]
    assert bans.all(100) == [OF_NETWORK]
    assert bans.over(100) == [OF_CAROL]
    assert bans.named("cAROL", 0) == [OF_CAROL]
    assert bans.named("10.0.0.5/24", 0) == [OF_NETWORK]
    assert bans.named("dave", 0) == []
    assert [ban.whom for ban in bans.all(0)] == ["10.0.0.0/24", "Carol"]
    for ban in (OF_CAROL, OF_CAROL, OF_NETWORK, OF_NETWORK, Ban(ADDRESS, "nothing")):
        bans.remove(ban)
    assert bans.all(0) == []
    bans.add(Ban(ADDRESS, "nothing"))
    assert bans.all(0) == []


def test_a_second_ban_of_the_same_user_replaces_the_first() -> None:
    bans = Bans([OF_CAROL])
    bans.add(OF_CAROL._replace(until=None))
    assert [ban.until for ban in bans.all(0)] == [None]


def test_bans_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BANS", 2)
    bans = Bans([OF_CAROL])
    bans.check_room()
    bans.add(OF_NETWORK)
    with pytest.raises(Refused, match="there are 2 bans already"):
        bans.check_room()


def test_a_name_is_no_network() -> None:
    assert parse_network("carol") is None
    assert str(parse_network("10.0.0.9/8")) == "10.0.0.0/8"
    assert str(parse_network("::ffff:0:0/90")) == "::ffc0:0:0/90"


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.0.0.7", "2001:db8::/32", "::1"])
def test_a_network_is_written_as_it_is_read(text: str) -> None:
    network = parse_network(text)
    assert network is not None
    assert spell_network(network) == text
