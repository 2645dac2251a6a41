"""How often users may make others open a way to them."""

from directory_server.core.punching.call_limits import (
    CALLEE_AT_ONCE,
    CALLER_AT_ONCE,
    NETWORK_AT_ONCE,
    PAIR_AT_ONCE,
    PAIR_SECONDS,
    CallLimits,
)
from shared.errors import Refused

HERE = "198.51.100.1"
MINUTE = [float(second) for second in range(60)]


def is_taken(limits: CallLimits, caller: str, callee: str, now: float, at: str = HERE) -> bool:
    try:
        limits.take(caller, at, callee, now)
    except Refused as no:
        return no.code != "LIMIT"
    return True


def test_a_pair_has_three_at_once_and_six_in_a_minute() -> None:
    limits = CallLimits()
    assert [is_taken(limits, "carol", "dave", 100.0) for _ in range(5)].count(True) == PAIR_AT_ONCE
    assert is_taken(limits, "dave", "carol", 100.0), "the other direction is another pair"
    assert not is_taken(limits, "carol", "dave", 100.0 + PAIR_SECONDS - 0.1)
    assert is_taken(limits, "carol", "dave", 100.0 + PAIR_SECONDS)
    anew = CallLimits()
    assert sum(is_taken(anew, "carol", "dave", now) for now in MINUTE for _ in range(9)) <= 6


def test_one_user_calls_thirty_in_a_minute() -> None:
    limits = CallLimits()
    taken = [is_taken(limits, "mallory", f"user{number}", 0.0) for number in range(10_000)]
    assert sum(taken) == CALLER_AT_ONCE
    anew = CallLimits()
    names = [f"user{number}" for number in range(100)]
    assert sum(is_taken(anew, "mallory", name, now) for now in MINUTE for name in names) <= 30
    assert is_taken(limits, "carol", "dave", 0.0)


def test_many_names_of_one_machine_do_not_keep_others_from_calling() -> None:
    limits = CallLimits()
    taken = [is_taken(limits, f"mallory{number}", "dave", 0.0) for number in range(1_000)]
    assert sum(taken) == NETWORK_AT_ONCE
    assert is_taken(limits, "carol", "dave", 0.0, at="198.51.100.2")


def test_nobody_hears_more_than_a_program_can_answer() -> None:
    limits = CallLimits()
    taken = [is_taken(limits, f"user{n}", "dave", 0.0, at=f"10.0.0.{n}") for n in range(200)]
    assert sum(taken) == CALLEE_AT_ONCE
