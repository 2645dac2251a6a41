"""How often users may make others dial them."""

import pytest

from directory_server.core.knocks import (
    CALLEE_AT_ONCE,
    CALLER_AT_ONCE,
    CALLER_SECONDS,
    NETWORK_AT_ONCE,
    NETWORK_SECONDS,
    PAIR_SECONDS,
    Knocks,
)
from shared.errors import Refused

HERE = "198.51.100.1"


def is_taken(knocks: Knocks, caller: str, callee: str, now: float, at: str = HERE) -> bool:
    try:
        knocks.take(caller, at, callee, now)
    except Refused as no:
        return no.code != "LIMIT"
    return True


def test_a_pair_knocks_once_in_a_while() -> None:
    knocks = Knocks()
    assert is_taken(knocks, "carol", "dave", 0.0)
    assert not is_taken(knocks, "carol", "dave", PAIR_SECONDS - 0.1)
    assert is_taken(knocks, "dave", "carol", 1.0), "the other direction is another pair"
    assert is_taken(knocks, "carol", "erin", 1.0)
    assert is_taken(knocks, "carol", "dave", PAIR_SECONDS)


def test_the_first_knock_is_taken_at_any_time() -> None:
    for now in (0.1, 3.3, 1234.5678, 174243.6515696978):
        assert is_taken(Knocks(), "carol", "dave", now)


def test_one_user_knocks_at_some_and_then_slowly() -> None:
    knocks = Knocks()
    taken = [is_taken(knocks, "mallory", f"user{number}", 0.0) for number in range(10_000)]
    assert sum(taken) == CALLER_AT_ONCE
    assert is_taken(knocks, "mallory", "dave", CALLER_SECONDS)
    assert not is_taken(knocks, "mallory", "erin", CALLER_SECONDS)
    assert is_taken(knocks, "carol", "erin", 0.0)


def test_many_names_of_one_machine_do_not_drown_the_knocks_of_others() -> None:
    knocks = Knocks()
    taken = [is_taken(knocks, f"mallory{number}", "dave", 0.0) for number in range(1_000)]
    assert sum(taken) == NETWORK_AT_ONCE
    assert is_taken(knocks, "carol", "dave", 0.0, at="198.51.100.2")
    assert is_taken(knocks, "mallory1", "dave", NETWORK_SECONDS + PAIR_SECONDS)


def test_nobody_hears_more_than_a_program_can_answer() -> None:
    knocks = Knocks()
    taken = [
        is_taken(knocks, f"user{number}", "dave", 0.0, at=f"10.0.{number // 250}.{number % 250}")
        for number in range(1_000)
    ]
    assert sum(taken) == CALLEE_AT_ONCE


def test_a_knock_that_is_refused_costs_nothing() -> None:
    knocks = Knocks()
    for _ in range(100):
        is_taken(knocks, "carol", "dave", 0.0)
    knocks.take("carol", HERE, "dave", PAIR_SECONDS)
    with pytest.raises(Refused, match="too often"):
        knocks.take("carol", HERE, "dave", PAIR_SECONDS)
