"""What is heard on the network is bounded, whoever speaks."""

from peer.core.discovery.hearsay import DIALS_PER_HOST, NAMES_MOST, Hearsay
from shared.announcement import Announcement

MINE = "a" * 32
OTHER = "b" * 32


def said(name: str, *hosts: str, port: int = 5000, key: str = OTHER) -> Announcement:
    return Announcement(name, hosts or ("10.0.0.5",), port, key)


def test_each_address_is_dialled_once() -> None:
    heard = Hearsay(frozenset())
    assert heard.add(said("lab", "10.0.0.5", "fd00::5")) == (("10.0.0.5", 5000), ("fd00::5", 5000))
    assert heard.add(said("lab", "10.0.0.5", "10.0.0.6")) == (("10.0.0.6", 5000),)


def test_nobody_aims_many_dials_at_a_third_machine() -> None:
    heard = Hearsay(frozenset())
    dialled = [place for port in range(1, 30) for place in heard.add(said("x", port=port))]
    assert dialled == [("10.0.0.5", port) for port in range(1, DIALS_PER_HOST + 1)]


def test_what_lies_on_this_machine_or_is_no_host_is_not_dialled() -> None:
    heard = Hearsay(frozenset())
    assert heard.add(said("lab", "127.0.0.1", "224.0.0.1", "169.254.0.1", "10.0.0.5")) == (
        ("10.0.0.5", 5000),
    )


def test_a_flood_is_bounded_and_hides_no_directory_with_a_key_of_mine() -> None:
    heard = Hearsay(frozenset({MINE}))
    looked_at = [
        number
        for number in range(1_000)
        if heard.add(said(f"x{number}", f"10.0.{number // 250}.{number % 250 + 1}"))
    ]
    assert looked_at == list(range(NAMES_MOST))
    assert heard.add(said("lab", "10.9.9.9", key=MINE)) == (("10.9.9.9", 5000),)
    mine = [
        heard.add(said(f"y{n}", f"10.1.{n // 250}.{n % 250 + 1}", key=MINE)) for n in range(999)
    ]
    assert len([places for places in mine if places]) == NAMES_MOST - 1
