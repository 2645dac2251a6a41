"""When to try again to reach a directory that is gone."""

import pytest

from peer.core.reach.back_off import grace, longest, pause


@pytest.mark.parametrize(
    ("online", "seconds"),
    [(1, 4.0), (3, 4.0), (400, 4.0), (1_000, 10.0), (6_000, 60.0), (10_000, 60.0), (2**52, 60.0)],
)
def test_few_return_at_once_and_a_crowd_within_a_minute(online: int, seconds: float) -> None:
    assert longest(online) == seconds


def test_where_the_directory_told_no_number_a_crowd_is_expected() -> None:
    assert longest(0) == 60.0


def test_pauses_grow_up_to_the_longest() -> None:
    assert [pause(tries, 10_000) for tries in range(4)] == [1.0, 1.5, 2.25, 3.375]
    assert pause(50, 10_000) == pause(10**9, 10_000) == 60.0
    assert [pause(tries, 3) for tries in (0, 1, 3, 4, 50)] == [1.0, 1.5, 3.375, 4.0, 4.0]


@pytest.mark.parametrize("online", [0, 3, 1_000, 10_000])
def test_everybody_has_returned_before_the_grace_is_over(online: int) -> None:
    assert grace(online) > pause(50, online) + 5
