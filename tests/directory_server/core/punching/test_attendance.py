"""How many connections may be there for meetings."""

import pytest

from directory_server.core.punching.attendance import IN_ALL, OF_ONE, Attendance
from shared.errors import Refused


def test_one_user_has_a_few() -> None:
    attendance = Attendance()
    for _ in range(OF_ONE):
        attendance.enter(1)
    with pytest.raises(Refused) as no:
        attendance.enter(1)
    assert no.value.code == "LIMIT"
    attendance.enter(2)
    attendance.leave(1)
    attendance.enter(1)


def test_all_together_have_so_many() -> None:
    attendance = Attendance()
    for user in range(IN_ALL):
        attendance.enter(user)
    with pytest.raises(Refused):
        attendance.enter(IN_ALL)
    attendance.leave(0)
    attendance.enter(IN_ALL)
