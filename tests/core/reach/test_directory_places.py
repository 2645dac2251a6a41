"""Which directory is dialled next, and which hints are believed."""

import random

import pytest

from peer.core.reach.dial_policy import CLAIMED_MOST, Place
from peer.core.reach.directory_places import (
    HINT_SECONDS,
    HINTS_MOST,
    NOTED_AGAIN,
    DirectoryPlaces,
)

ONE, TWO, THREE = ("10.0.0.1", 5000), ("10.0.0.2", 5000), ("10.0.0.3", 5000)
NOW = 1e9
SEEN = "10.0.0.1"


def said(*places: Place) -> list[str]:
    return [f"{host}:{port}" for host, port in places]


def one_round(places: DirectoryPlaces, now: float = 0.0, seed: int = 0) -> list[Place]:
    """Try each, and fail."""
    places.begin_round(random.Random(seed).random)
    tried = []
    while (place := places.next_place(now)) is not None:
        tried.append(place)
        places.ended(place, now)
    return tried


def test_the_first_round_begins_with_the_first_named() -> None:
    places = DirectoryPlaces([ONE, TWO, THREE, TWO])
    rounds = [one_round(places, seed=seed) for seed in range(20)]
    assert {tuple(tried) for tried in rounds} == {(ONE, TWO, THREE), (ONE, THREE, TWO)}


def test_a_round_begins_where_we_were_last() -> None:
    places = DirectoryPlaces([ONE, TWO])
    places.proved(TWO)
    assert one_round(places) == [TWO, ONE]


def test_hints_are_tried_with_the_rest_and_where_one_answered_first() -> None:
    places = DirectoryPlaces([ONE])
    assert places.hint(said(TWO), seen=SEEN, time=NOW)
    assert one_round(places, 0.0) == [ONE, TWO]
    assert one_round(places, 0.5) == [ONE], "nobody has answered there: not at once again"
    assert one_round(places, 1.5) == [ONE, TWO]
    assert places.may_dial(TWO, 10.0)
    places.proved(TWO)
    places.ended(TWO, 10.0)
    assert one_round(places, 10.0) == one_round(places, 10.0) == [TWO, ONE]


def test_a_hint_is_dialled_once_at_a_time() -> None:
    places = DirectoryPlaces([ONE])
    places.hint(said(TWO), seen=SEEN, time=NOW)
    assert places.may_dial(TWO, 0.0)
    assert not places.may_dial(TWO, 100.0)
    assert places.may_dial(ONE, 0.0)
    assert places.may_dial(ONE, 0.0)


def test_changing_hints_aim_nobody_at_others() -> None:
    """A dishonest directory names sixteen new addresses each time that we come."""
    places, dialled = DirectoryPlaces([ONE]), 0
    for number in range(600):  # ten times in a second, for a minute
        named = [(f"10.{number // 250}.{number % 250}.{n}", 80) for n in range(HINTS_MOST)]
        places.hint(said(*named), seen=SEEN, time=NOW)
        assert len(places.hints) <= HINTS_MOST
        dialled += len(one_round(places, number / 10)) - 1
    assert dialled <= CLAIMED_MOST


@pytest.mark.parametrize(
    ("hint", "seen", "is_taken"),
    [
        ("10.0.0.2:5000", SEEN, True),
        ("dir2:5000", SEEN, True),
        ("127.0.0.1:5000", SEEN, False),
        ("127.0.0.1:5000", "127.0.0.1", True),
        ("169.254.0.9:80", SEEN, False),
        ("[::1]:5000", SEEN, False),
        ("224.0.0.1:5000", "224.0.0.1", False),
        ("0.0.0.0:5000", "127.0.0.1", False),
        ("10.0.0.2:0", SEEN, False),
        ("10.0.0.2", SEEN, False),
    ],
)
def test_an_address_must_be_plausible(hint: str, seen: str, *, is_taken: bool) -> None:
    places = DirectoryPlaces([ONE])
    assert places.hint([hint], seen=seen, time=NOW) is is_taken
    assert bool(places.hints) is is_taken


def test_what_the_user_named_is_no_hint() -> None:
    places = DirectoryPlaces([ONE, TWO])
    assert not places.hint(said(ONE, TWO), seen=SEEN, time=NOW)
    assert places.hints == {}


def test_hints_are_written_down_when_they_change_and_once_a_day() -> None:
    places = DirectoryPlaces([ONE])
    assert places.hint(said(TWO), seen=SEEN, time=NOW)
    assert not places.hint(said(TWO), seen=SEEN, time=NOW + 60)
    assert not places.hint([], seen=SEEN, time=NOW + 60), "it was away just then"
    assert places.hint(said(THREE), seen=SEEN, time=NOW + 60)
    assert places.hints == {THREE: NOW + 60, TWO: NOW}
    assert places.hint(said(TWO), seen=SEEN, time=NOW + NOTED_AGAIN + 1)
    assert places.hints == {TWO: NOW + NOTED_AGAIN + 1, THREE: NOW + 60}


def test_the_newest_hints_stay() -> None:
    places = DirectoryPlaces([ONE])
    first = [(f"10.0.1.{n}", 5000) for n in range(HINTS_MOST)]
    places.hint(said(*first), seen=SEEN, time=NOW)
    places.hint(said(TWO), seen=SEEN, time=NOW + 1)
    assert list(places.hints) == [TWO, *first[:-1]]
    assert places.hint([], seen=SEEN, time=NOW + HINT_SECONDS), "the old ones are forgotten"
    assert places.hints == {TWO: NOW + 1}


def test_hints_come_back_at_the_next_start() -> None:
    places = DirectoryPlaces([ONE])
    kept = [*((place, NOW) for place in said(TWO)), ("nonsense", NOW), (said(THREE)[0], 0.0)]
    places.restore(kept, NOW + 1)
    assert places.hints == {TWO: NOW}
    places.restore([(said(THREE)[0], NOW + 1e9)], NOW)
    assert places.hints == {THREE: NOW}, "of another community; and no clock keeps one for ever"
