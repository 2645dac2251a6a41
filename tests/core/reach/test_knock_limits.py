"""Which knocks are answered (`peer.core.reach.knock_limits`)."""

from peer.core.reach.knock_limits import AT_ONCE, PAIR_SECONDS, REMEMBERED, KnockLimits


def test_one_user_is_answered_once_in_a_while() -> None:
    limits = KnockLimits(0.0)
    assert limits.allow("carol", 0.0)
    assert not limits.allow("CAROL", PAIR_SECONDS - 0.1)
    assert limits.allow("dave", 0.0)
    assert limits.allow("carol", PAIR_SECONDS)


def test_a_directory_that_knocks_all_the_time_is_answered_a_few_times() -> None:
    limits = KnockLimits(0.0)
    names = [f"user{number}" for number in range(1_000)]
    assert sum(limits.allow(name, 0.0) for name in names) <= AT_ONCE + 1
    in_an_hour = sum(limits.allow(f"{name}b", 3.6 * n) for n, name in enumerate(names, start=1))
    assert in_an_hour == len(names), "slow enough"


def test_few_users_are_remembered() -> None:
    limits = KnockLimits(0.0)
    for number in range(REMEMBERED + 1):
        assert limits.allow(f"user{number}", 2.0 * number)
    assert len(limits._last) == REMEMBERED
