"""A log that an attacker cannot fill."""

from directory_server.core.alarm import Alarm


def test_the_first_time_is_told_at_once_and_the_rest_once_a_minute() -> None:
    alarm = Alarm()
    assert [alarm.ring(now) for now in (0, 1, 59, 60, 61)] == [1, 0, 0, 3, 0]
