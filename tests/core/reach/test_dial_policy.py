"""Which address may be dialled when (`peer.core.reach.dial_policy`)."""

from itertools import pairwise

import pytest

from peer.core.reach.dial_policy import (
    AGAIN_MOST,
    CLAIMED_MOST,
    KNOCKED_MOST,
    NEVER,
    REMEMBERED,
    SEEN_MOST,
    DialPolicy,
    is_plausible,
)

THERE = ("10.0.0.7", 40_001)


def fails(dialling: DialPolicy, now: float, place: tuple[str, int] = THERE) -> float:
    """One try that proves nothing; or how long it must wait."""
    pause = dialling.begin(place, is_seen=True, now=now)
    if not pause:
        dialling.end(place, now)
    return pause


def test_one_dial_at_a_time_leads_to_one_address() -> None:
    dialling = DialPolicy()
    assert dialling.begin(THERE, is_seen=True, now=0.0) == 0.0
    assert dialling.begin(THERE, is_seen=True, now=9.0) == NEVER
    assert dialling.begin(("10.0.0.7", 40_002), is_seen=True, now=9.0) == 0.0


def test_what_proves_nothing_is_dialled_less_and_less() -> None:
    dialling = DialPolicy()
    now, tried = 0.0, []
    for _ in range(10):
        assert not fails(dialling, now)
        tried.append(now)
        now += fails(dialling, now)
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_was_proven_once_is_dialled_whenever_it_is_wanted() -> None:
    dialling = DialPolicy()
    assert not fails(dialling, 0.0)
    assert not dialling.begin(THERE, is_seen=False, now=1.0)
    dialling.proved(THERE)
    dialling.end(THERE, 1.0)
    for _ in range(2 * SEEN_MOST):
        assert not fails(dialling, 1.0)


def test_a_newcomer_dials_a_whole_group_at_once() -> None:
    dialling = DialPolicy()
    assert not any(fails(dialling, 0.0, ("10.0.0.7", port)) for port in range(49))
    claimed = [dialling.begin(("vpn", port), is_seen=False, now=0.0) for port in range(49)]
    assert not any(claimed)


@pytest.mark.parametrize(("is_seen", "most"), [(True, SEEN_MOST), (False, CLAIMED_MOST)])
def test_only_so_many_new_addresses_are_dialled_in_a_minute(is_seen: bool, most: int) -> None:
    dialling = DialPolicy()
    for port in range(most):
        assert not dialling.begin(("10.0.0.7", port), is_seen=is_seen, now=port / 10)
    assert dialling.begin(THERE, is_seen=is_seen, now=20.0) == 40.0
    assert dialling.begin(THERE, is_seen=not is_seen, now=20.0) == 0.0


def test_addresses_that_failed_leave_room_for_new_ones() -> None:
    dialling = DialPolicy()
    for port in range(AGAIN_MOST + 1):
        place = ("victim", port)
        assert not dialling.begin(place, is_seen=False, now=0.0)
        dialling.end(place, 0.0)
    again = [dialling.begin(("victim", port), is_seen=False, now=70.0) for port in range(31)]
    assert again == [0.0] * AGAIN_MOST + [60.0]
    assert not dialling.begin(("friend", 1), is_seen=False, now=70.0)


def test_the_memory_of_addresses_is_bounded() -> None:
    dialling = DialPolicy()
    assert not dialling.begin(("under way", 1), is_seen=True, now=0.0)
    assert not dialling.begin(THERE, is_seen=True, now=0.0)
    dialling.proved(THERE)
    dialling.end(THERE, 0.0)
    for number in range(REMEMBERED - 1):
        assert not fails(dialling, 61.0 * number, ("10.0.0.8", number))
    assert not fails(dialling, 1e6)
    assert fails(dialling, 1e6) == 1.0, "forgotten, as the one that was dialled longest ago"
    assert dialling.begin(("under way", 1), is_seen=True, now=0.0) == NEVER


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ("10.0.0.7", "10.0.0.8"),
        ("2001:db8::1", "10.0.0.8"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        ("::ffff:127.0.0.1", "::1"),
        ("169.254.1.1", "fe80::1%eth0"),
        ("a name", ""),
    ],
)
def test_where_somebody_may_be(host: str, seen: str) -> None:
    assert is_plausible(host, seen)


@pytest.mark.parametrize("seen", ["", "10.0.0.8", "vpn", "0.0.0.0", "224.0.0.1"])
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "169.254.1.1", "fe80::1%eth0",
        "224.0.0.1", "ff02::1", "::ffff:224.0.0.1", "0.0.0.0", "::",
    ],
)  # fmt: skip
def test_nobody_is_on_our_own_machine_or_cable_unless_they_are_seen_there(
    host: str, seen: str
) -> None:
    assert not is_plausible(host, seen)


def test_knocks_use_up_nothing_of_what_my_user_wants() -> None:
    dialling = DialPolicy()
    begun = [
        dialling.begin(("10.0.0.7", number), is_seen=True, is_knock=True, now=0.0)
        for number in range(1, KNOCKED_MOST + 2)
    ]
    assert begun == [0.0] * KNOCKED_MOST + [60.0]
    assert dialling.begin(("10.0.0.8", 1), is_seen=True, now=0.0) == 0.0
    assert dialling.begin(("10.0.0.9", 1), is_seen=False, now=0.0) == 0.0


def test_who_knocks_is_dialled_although_they_were_not_there_before() -> None:
    dialling = DialPolicy()
    for now in (0.0, 1.0, 3.0, 7.0):
        assert not fails(dialling, now)
    assert fails(dialling, 8.0) > 0.0
    assert dialling.begin(THERE, is_seen=True, is_knock=True, now=8.0) == 0.0
