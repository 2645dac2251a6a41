"""Who may declare others dead, and whose clock decides."""

from directory_server.core.cluster.lease import (
    FRESH_SECONDS,
    LEASE_SECONDS,
    DatabaseClock,
    Lease,
)


def steady(until: float) -> Lease:
    lease = Lease()
    for second in range(0, int(until) + 1, 2):
        lease.renewed(float(second))
    return lease


def test_a_new_directory_sweeps_nobody_until_it_has_lived_for_a_lease() -> None:
    assert not Lease().may_sweep(100)
    assert not steady(4).may_sweep(4)
    assert steady(8).may_sweep(8)


def test_who_could_not_reach_the_database_begins_anew() -> None:
    lease = steady(8)
    lease.failed()
    assert not lease.may_sweep(8)
    lease.renewed(9)
    assert not lease.may_sweep(9)
    lease.renewed(14)
    lease.renewed(16)
    assert lease.may_sweep(16)


def test_who_was_stopped_for_a_while_begins_anew() -> None:
    lease = steady(8)
    assert not lease.may_sweep(8 + LEASE_SECONDS + 1), "its own lease is over"
    lease.renewed(8 + LEASE_SECONDS + 1)
    assert not lease.may_sweep(8 + LEASE_SECONDS + 1)


def test_the_quickest_answer_tells_the_time_best() -> None:
    clock = DatabaseClock()
    clock.read(asked=10, answered=11, time=1_010.5)
    assert clock.at(20) == 1_020
    clock.read(asked=12, answered=16, time=1_015.5)  # slow, and says nothing else
    assert clock.at(20) == 1_020
    clock.read(asked=17, answered=17.1, time=1_017.1)
    assert abs(clock.at(20) - 1_020.05) < 1e-9


def test_an_old_reading_and_one_of_another_clock_are_replaced() -> None:
    clock = DatabaseClock()
    clock.read(asked=10, answered=10, time=1_010)
    clock.read(asked=11, answered=12, time=2_011.5)  # another machine's, or somebody has set it
    assert clock.at(20) == 2_020
    late = 13 + FRESH_SECONDS
    clock.read(asked=late, answered=late + 2, time=late + 2_001.5)
    assert clock.at(20) == 2_020.5
