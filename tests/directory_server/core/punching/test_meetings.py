"""Two users meet once, and nobody else does (`directory_server.core.punching.meetings`)."""

import pytest

from directory_server.core.punching import meetings as core
from directory_server.core.punching.meetings import (
    AT_ONCE,
    MEETING_SECONDS,
    Meetings,
    Sight,
    first_of,
)
from shared.errors import Refused

CAROL, DAVE, MALLORY = 1, 2, 3
ONE, OTHER = b"1" * 16, b"2" * 16
HERE, THERE = Sight("198.51.100.1", 40_001), Sight("198.51.100.2", 40_002)


def begun() -> Meetings:
    meetings = Meetings()
    meetings.begin(ONE, CAROL, DAVE, 0.0)
    return meetings


def test_the_smaller_name_comes_first() -> None:
    assert first_of("carol", "Dave") == first_of("Dave", "carol") == "carol"


def test_a_meeting_takes_place_when_both_are_there() -> None:
    meetings = begun()
    assert meetings.come(ONE, DAVE, THERE, 1.0) is None
    meeting = meetings.come(ONE, CAROL, HERE, 2.0)
    assert meeting is not None
    assert meeting.came == {CAROL: HERE, DAVE: THERE}
    assert (meeting.other_than(CAROL), meeting.other_than(DAVE)) == (DAVE, CAROL)


def test_a_token_is_good_once_and_for_its_two_users() -> None:
    meetings = begun()
    for user, token in ((MALLORY, ONE), (CAROL, OTHER)):
        with pytest.raises(Refused, match="no such meeting"):
            meetings.come(token, user, HERE, 1.0)
    meetings.come(ONE, CAROL, HERE, 1.0)
    with pytest.raises(Refused, match="already"):
        meetings.come(ONE, CAROL, HERE, 1.0)
    meetings.come(ONE, DAVE, THERE, 1.0)
    for user in (CAROL, DAVE):
        with pytest.raises(Refused, match="no such meeting"):
            meetings.come(ONE, user, HERE, 1.0)


def test_a_meeting_is_over_after_a_while() -> None:
    meetings = begun()
    meetings.begin(OTHER, DAVE, CAROL, 5.0)
    assert meetings.find(ONE, MEETING_SECONDS - 0.1) is not None
    assert meetings.find(ONE, MEETING_SECONDS) is None
    assert meetings.find(OTHER, MEETING_SECONDS) is not None


def test_what_is_heard_again_changes_nothing() -> None:
    meetings = begun()
    meetings.come(ONE, CAROL, HERE, 1.0)
    meetings.begin(ONE, CAROL, DAVE, 2.0)
    assert meetings.come(ONE, DAVE, THERE, 2.0) is not None


def test_one_user_waits_for_a_few_at_once() -> None:
    meetings = Meetings()
    for number in range(AT_ONCE):
        meetings.check_room(CAROL, 0.0)
        meetings.begin(bytes([number]) * 16, CAROL, 10 + number, float(number))
    with pytest.raises(Refused) as refusal:
        meetings.check_room(CAROL, 3.0)
    assert refusal.value.code == "LIMIT"
    meetings.check_room(DAVE, 3.0)
    meetings.check_room(CAROL, MEETING_SECONDS)
    meetings.begin(OTHER, CAROL, DAVE, MEETING_SECONDS)
    meetings.come(OTHER, CAROL, HERE, MEETING_SECONDS)
    assert meetings.come(OTHER, DAVE, THERE, MEETING_SECONDS) is not None
    meetings.check_room(CAROL, MEETING_SECONDS)


def test_there_are_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "REMEMBERED", 2)
    meetings = begun()
    for number in (5, 6):
        meetings.begin(bytes([number]) * 16, number, DAVE, 1.0)
    assert meetings.find(ONE, 1.0) is None
    assert meetings.find(bytes([6]) * 16, 1.0) is not None
