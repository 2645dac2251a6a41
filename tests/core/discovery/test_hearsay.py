"""However many speak on the network, little of it is kept and dialled."""

from peer.core.discovery.hearsay import DIALS_MOST, DIALS_PER_HOST, NAMES_MOST, Hearsay
from shared.announcement import ADDRESSES_MOST, Announcement
from shared.spots import Interface

MINE = "a" * 32
OTHER = "b" * 32
CABLE = (Interface("eth0", "203.0.113.20", 24), Interface("eth0", "2001:db8::20", 64))


def said(name: str, *hosts: str, port: int = 5000, key: str = OTHER) -> Announcement:
    return Announcement(name, hosts or ("10.0.0.5",), port, key)


def test_each_address_is_dialled_once() -> None:
    heard = Hearsay(frozenset(), CABLE)
    assert heard.add(said("lab", "10.0.0.5", "fd00::5")) == (("10.0.0.5", 5000), ("fd00::5", 5000))
    assert heard.add(said("lab", "10.0.0.5", "10.0.0.6")) == (("10.0.0.6", 5000),)


def test_nobody_aims_many_dials_at_a_third_machine() -> None:
    heard = Hearsay(frozenset(), CABLE)
    dialled = [place for port in range(1, 30) for place in heard.add(said("x", port=port))]
    assert dialled == [("10.0.0.5", port) for port in range(1, DIALS_PER_HOST + 1)]


def test_what_lies_on_this_machine_or_is_no_host_is_not_dialled() -> None:
    heard = Hearsay(frozenset(), CABLE)
    assert heard.add(said("lab", "127.0.0.1", "224.0.0.1", "169.254.0.1", "10.0.0.5")) == (
        ("10.0.0.5", 5000),
    )


def test_a_flood_is_bounded_and_hides_no_directory_with_a_key_of_mine() -> None:
    heard = Hearsay(frozenset({MINE}), CABLE)
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


def test_nobody_on_the_network_aims_dials_at_machines_elsewhere() -> None:
    heard = Hearsay(frozenset({MINE}), CABLE)
    for key in (MINE, OTHER):
        assert heard.add(said("x", "8.8.8.8", "2001:4860::1", "100.64.0.1", key=key)) == ()
    near = ("203.0.113.5", "2001:db8::5", "192.168.77.5", "fd00::5")
    assert heard.add(said("lab", *near)) == tuple((host, 5000) for host in near)


def test_many_addresses_of_many_names_are_few_dials() -> None:
    heard = Hearsay(frozenset({MINE}), CABLE)

    def flood(key: str, net: int) -> int:
        hosts = ([f"10.{net}.{n}.{m}" for m in range(ADDRESSES_MOST)] for n in range(100))
        return sum(len(heard.add(said(f"{key}{n}", *of, key=key))) for n, of in enumerate(hosts))

    assert flood(OTHER, 1) == DIALS_MOST
    assert flood(MINE, 2) == DIALS_MOST
