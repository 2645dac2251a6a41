"""How long a name is kept without use."""

from directory_server.core.usage import DAY, Usage


def test_a_name_that_was_hardly_used_expires_after_a_week() -> None:
    usage = Usage(last=0.0)
    usage.arrive(10)
    usage.leave(10 + 3_599)
    assert not usage.is_over(10 + 3_599 + 7 * DAY)
    assert usage.is_over(10 + 3_600 + 7 * DAY)


def test_one_that_was_used_for_an_hour_in_all_stays_for_a_year() -> None:
    usage = Usage()
    for start in (0, 10_000):
        usage.arrive(start)
        usage.leave(start + 1_800)
    assert not usage.is_over(11_800 + 365 * DAY)
    assert usage.is_over(11_801 + 365 * DAY)


def test_whoever_is_here_keeps_the_name() -> None:
    usage = Usage()
    usage.arrive(0)
    usage.arrive(100)  # another program of theirs took over
    assert not usage.is_over(1_000 * DAY)
    usage.leave(4_000)
    usage.leave(9_000)  # gone already
    assert (usage.seconds, usage.last) == (4_000, 4_000)


def test_an_age_that_fell_back_by_a_crash_takes_nothing_away() -> None:
    usage = Usage(seconds=5_000, here_since=100)
    usage.leave(80)
    assert usage.seconds == 5_000


def test_of_two_directories_the_one_that_knows_of_more_use_counts() -> None:
    usage = Usage(seconds=10, last=5, here_since=100)
    usage.merge(Usage(seconds=20, last=3, here_since=None))
    assert usage == Usage(seconds=20, last=5, here_since=100)
