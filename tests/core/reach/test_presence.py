"""Who is there, and which comings and goings are news."""

import pytest

from peer.core.myself import Registration
from peer.core.reach.presence import Presences
from shared.messages.common import Status
from shared.messages.directory import Presence


def one(name: str, status: Status = Status.ACTIVE) -> Presence:
    return Presence(name, status, 0.0)


@pytest.fixture
def known() -> Presences:
    """As carol knows it: Dave and erin are there, frank is not."""
    presences = Presences(Registration("Carol"))
    presences.registered(3)
    users = [one("carol"), one("Dave"), one("erin", Status.BUSY), one("frank", Status.OFFLINE)]
    presences.tell(users)
    return presences


def names(presences: Presences) -> list[str]:
    return [user.name for user in presences.all]


def test_who_comes_and_goes_is_news_but_not_oneself(known: Presences) -> None:
    assert known.came(one("frank"))
    assert known.went("frank", 9.0)
    assert not known.came(one("carol"))
    assert not known.went("CAROL", 9.0)
    assert known.all[-1] == Presence("frank", Status.OFFLINE, 9.0)


def test_who_was_there_before_an_outage_does_not_come_again(known: Presences) -> None:
    known.lost()
    assert not known.came(one("dave"))
    assert known.came(one("frank"))
    assert known.came(one("dave")), "he went meanwhile"
    assert known.settle() == ()  # erin is known to be there still


def test_who_has_not_come_back_has_gone_and_is_told_once(known: Presences) -> None:
    known.lost()
    known.tell([one("Dave", Status.OFFLINE), one("erin")])  # the directory lists them
    assert known.settle() == ("Dave",)
    assert known.settle() == ()
    assert known.came(one("Dave"))


def test_who_comes_back_and_goes_is_told_once(known: Presences) -> None:
    known.lost()
    assert known.went("Dave", 9.0)
    assert known.settle() == ()


def test_a_second_outage_forgets_nobody(known: Presences) -> None:
    known.lost()
    known.registered(1)
    known.tell([one("Dave", Status.OFFLINE)])
    known.lost()
    assert not known.came(one("Dave"))


def test_the_first_ones_back_still_expect_the_crowd(known: Presences) -> None:
    known.registered(10_000)
    known.lost()
    known.registered(1)
    known.listed(known.all, known.all)
    assert known.online == 10_000
    known.lost()
    assert known.online == 10_000
    known.settle()
    assert known.online == 3


def test_who_is_listed_no_more_gave_the_name_back(known: Presences) -> None:
    before = known.all
    known.tell([one("gina")])  # came after it was asked
    known.came(one("erin"))  # and this word is newer
    known.listed([one("carol"), one("Dave")], before)
    assert names(known) == ["carol", "Dave", "erin", "gina"]


def test_how_many_are_there_is_what_was_told_last(known: Presences) -> None:
    assert Presences(Registration("carol")).online == 0
    known.registered(1_000)
    assert known.online == 1_000
    known.listed(known.all, known.all)
    assert known.online == 3
    known.registered(0)
    assert known.online == 3
