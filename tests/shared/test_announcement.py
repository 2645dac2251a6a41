"""A directory announces itself where others reach it; little is believed of what others say."""

import pytest

from shared.announced_name import NAME_BYTES, clean_name
from shared.announcement import (
    ADDRESSES_MOST,
    INTERFACES_MOST,
    Announcement,
    announced,
    read,
    spoken_on,
    texts,
)
from shared.spots import Interface

KEY = "3f2a 99c1 0000 1111 2222 3333 4444 5555"
DIGITS = KEY.replace(" ", "")
EVERYWHERE = ("0.0.0.0", "::")
CABLE = Interface("eth0", "10.0.0.5", 24)
CABLE6 = Interface("eth0", "fd00::5", 64)
ODD = [
    Interface("lo", "127.0.0.1", 8),
    Interface("lo", "::1", 128),
    Interface("eth0", "169.254.7.7", 16),
    Interface("eth0", "fe80::7", 64),
    Interface("eth0", "fd00::77", 64, is_temporary=True),
    Interface("docker0", "172.17.0.1", 16),
    Interface("br-0a1b", "172.18.0.1", 16),
    Interface("veth9", "172.19.0.1", 16),
    Interface("virbr0", "192.168.122.1", 24),
    Interface("cni0", "10.244.0.1", 24),
    Interface("flannel.1", "10.244.1.0", 32),
]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lab", "lab"),
        ("the lab of floor 2", "the lab of floor 2"),
        ("lab.example.org", "lab-example-org"),
        (" lab\n\t two\\ ", "lab two-"),
        ("\x1b[31mlab", "␛[31mlab"),
        ('h" at [fd00::1]:1, key 3f2a 99c1', "h' at [fd00::1]:1, key 3f2a 99c1"),
        ("h\u201d at \u201eh\uff02", "h' at 'h'"),
        ("", "directory"),
        (" \n", "directory"),
        ("é" * 40, "é" * 31),
        ("a" * 62 + " b", "a" * 62),
    ],
)
def test_a_name_is_one_label_and_harmless(text: str, name: str) -> None:
    assert clean_name(text) == name
    assert clean_name(name) == name
    assert len(name.encode()) <= NAME_BYTES


# --- What is said ---


@pytest.mark.parametrize("needs_token", [False, True])
def test_what_is_said_is_read_again(needs_token: bool) -> None:
    said = {
        key.encode(): value.encode() for key, value in texts(KEY, needs_token=needs_token).items()
    }
    found = read("lab", ["10.0.0.5", "fd00::5"], 5000, said)
    assert found == Announcement("lab", ("10.0.0.5", "fd00::5"), 5000, DIGITS, needs_token)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({}, ""),
        ({b"key": None}, ""),
        ({b"key": DIGITS.upper().encode()}, DIGITS),
        ({b"key": DIGITS[:31].encode()}, ""),
        ({b"key": b"x" * 32}, ""),
        ({b"key": b"\xff" * 32}, ""),
    ],
)
def test_a_key_is_a_key_or_not_there(said: dict[bytes, bytes | None], key: str) -> None:
    found = read("lab", ["10.0.0.5"], 5000, {b"v": b"1", **said})
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize(
    ("hosts", "port", "version"),
    [
        (["10.0.0.5"], 5000, b"2"),
        (["10.0.0.5"], 5000, None),
        (["10.0.0.5"], None, b"1"),
        (["10.0.0.5"], 0, b"1"),
        (["10.0.0.5"], 65_536, b"1"),
        ([], 5000, b"1"),
        (
            ["127.0.0.1", "::1", "169.254.1.1", "fe80::1%eth0", "224.0.0.251", "0.0.0.0", "me"],
            5,
            b"1",
        ),
    ],
)
def test_what_is_of_no_use_is_passed_over(
    hosts: list[str], port: int | None, version: bytes | None
) -> None:
    assert read("lab", hosts, port, {b"v": version}) is None


def test_of_many_addresses_the_first_count_each_once() -> None:
    hosts = ["10.0.0.1", *(f"10.0.0.{number}" for number in range(1, 100))]
    found = read("\x1b" * 99, hosts, 5000, {b"v": b"1"})
    assert found is not None
    assert found.hosts == tuple(f"10.0.0.{number}" for number in range(1, ADDRESSES_MOST + 1))
    assert "\x1b" not in found.name


# --- Where ---


def test_addresses_that_others_do_not_reach_are_not_announced() -> None:
    assert announced(EVERYWHERE, [*ODD, CABLE, CABLE6]) == (CABLE, CABLE6)
    assert announced(EVERYWHERE, ODD) == ()
    assert announced(EVERYWHERE, [Interface("eth0", "odd", 0)]) == ()


def test_only_what_is_listened_on_is_announced() -> None:
    assert announced(["0.0.0.0"], [CABLE, CABLE6]) == (CABLE,)
    assert announced(["::"], [CABLE, CABLE6]) == (CABLE6,)
    assert announced(["127.0.0.1"], [*ODD, CABLE, CABLE6]) == ()
    assert announced(["10.0.0.5"], [*ODD, CABLE, CABLE6]) == (CABLE,)


def test_who_names_an_address_gets_it_announced_whatever_the_interface() -> None:
    docker = next(one for one in ODD if one.name == "docker0")
    assert announced(["172.17.0.1"], [*ODD, CABLE]) == (docker,)


def test_many_addresses_are_announced_up_to_a_bound() -> None:
    many = [Interface(f"eth{number}", f"10.0.{number}.1", 24) for number in range(99)]
    assert announced(EVERYWHERE, many) == tuple(many[:ADDRESSES_MOST])
    assert spoken_on(many) == tuple(one.host for one in many[:INTERFACES_MOST])


def test_each_interface_is_spoken_on_once_in_ipv4_if_it_can() -> None:
    six = Interface("wlan0", "fd00:1::5", 64)
    also = Interface("eth0", "10.0.0.6", 24)
    assert spoken_on([CABLE6, CABLE, also, six]) == ("10.0.0.5", "fd00:1::5")
