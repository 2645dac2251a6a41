"""How hosts of directories are read."""

import pytest

from peer.core.reach.hosts import HOST_CHARACTERS, HOSTS_MOST, check_hosts, places, read_places
from shared.candidates import CANDIDATES_MOST
from shared.errors import Refused


@pytest.mark.parametrize(
    ("said", "kept", "found"),
    [
        ("dir1", "dir1", [("dir1", 5000)]),
        ("::1", "::1", [("::1", 5000)]),
        ("[::1]", "::1", [("::1", 5000)]),
        ("fe80::1%eth0", "fe80::1%eth0", [("fe80::1%eth0", 5000)]),
        ("dir1:5001", "dir1:5001", [("dir1", 5001)]),
        ("[::1]:5001", "[::1]:5001", [("::1", 5001)]),
        ("dir1, dir2:5001", "dir1,dir2:5001", [("dir1", 5000), ("dir2", 5001)]),
        ("::1,[::2]:7,dir1", "::1,[::2]:7,dir1", [("::1", 5000), ("::2", 7), ("dir1", 5000)]),
        ("dir1,dir1,dir1:5000", "dir1,dir1:5000", [("dir1", 5000)]),
    ],
)
def test_one_host_or_several(said: str, kept: str, found: list[tuple[str, int]]) -> None:
    assert check_hosts(said) == kept
    assert places(kept, 5000) == tuple(found)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "it is empty, or has characters that cannot be shown"),
        ("dir1\n", "it is empty, or has characters that cannot be shown"),
        ("dir1,", 'a host is missing in "dir1,"'),
        (",dir1", 'a host is missing in ",dir1"'),
        ("dir1:", '"" is not a port: a number from 1 to 65535'),
        ("dir1:0", '"0" is not a port: a number from 1 to 65535'),
        ("dir1,dir2:65536", '"65536" is not a port: a number from 1 to 65535'),
        ("[::1]:x", '"x" is not a port: a number from 1 to 65535'),
        ("[::1", '"[::1" is not HOST, HOST:PORT or [IPv6]:PORT'),
        ("h" * (HOST_CHARACTERS + 1), f"a host has {HOST_CHARACTERS} characters at most"),
        (",".join(f"dir{n}" for n in range(HOSTS_MOST + 1)), "these are 9 hosts: 8 at most"),
    ],
)
def test_what_is_wrong_is_said(said: str, why: str) -> None:
    with pytest.raises(Refused) as no:
        check_hosts(said)
    assert (str(no.value), no.value.code) == (why, "USAGE")


def test_all_hosts_can_be_asked_at_once() -> None:
    assert HOSTS_MOST <= CANDIDATES_MOST


def test_of_what_others_name_only_addresses_count() -> None:
    said = [
        "10.0.0.6:5000", "[::1]:5001", "dir2:5002", "dir2", "::1", "dir2:0", "dir2:99999",
        "dir2:5\n", "\x1b[2J:5000", "", ":5000", "[]:5000", "a:b:c",
    ]  # fmt: skip
    assert read_places(said) == [("10.0.0.6", 5000), ("::1", 5001), ("dir2", 5002)]
