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


def test_the_end_of_a_stay_that_was_not_announced_is_no_news(known: Presences) -> None:
    assert not known.went("frank", 9.0)
    assert known.went("script", 9.0)  # as far as we know they were there
    known.listed(known.all, known.all)
    assert not known.went("another", 9.0)


def test_an_end_that_was_not_announced_yet_is_news_once(known: Presences) -> None:
    known.tell([one("Dave", Status.OFFLINE)])
    assert known.went("dave", 9.0)
    assert not known.went("dave", 9.0)
    known.asked(["erin"], [])
    assert known.went("erin", 9.0)
    assert known.came(one("frank"))
    known.listed([one("carol")], known.all)
    known.tell([one("frank"), one("frank", Status.OFFLINE)])
    assert known.went("frank", 9.0)
    assert not known.went("frank", 9.0)


def test_an_end_that_was_told_after_an_outage_is_not_told_again(known: Presences) -> None:
    known.lost()
    known.tell([one("Dave", Status.OFFLINE), one("erin")])
    assert known.settle() == ("Dave",)
    assert not known.went("dave", 9.0)


def test_who_was_there_before_an_outage_does_not_come_again(known: Presences) -> None:
    known.lost()
    assert not known.came(one("dave"))
    assert known.came(one("frank"))
    assert not known.came(one("dave")), "nobody comes who is here"
    assert known.went("Dave", 9.0)
    assert known.came(one("dave"))
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


def test_who_is_online_and_was_not_known_to_be_is_returned(known: Presences) -> None:
    told = [one("carol"), one("frank"), one("grace", Status.BUSY), one("heidi", Status.OFFLINE)]
    assert known.tell(told) == ["frank", "grace"]
    assert known.tell(told) == []


# --- In a crowd -------------------------------------------------------------------


@pytest.fixture
def crowd(known: Presences) -> Presences:
    """As carol knows it in a crowd: of dave, grace and herself the directory tells."""
    known.watch({"carol", "dave", "grace"}, {"dave", "grace"})
    known.crowded(4_211, is_crowd=True)
    return known


def test_in_a_crowd_only_those_are_known_whom_i_watch(crowd: Presences) -> None:
    assert names(crowd) == ["carol", "Dave"]
    assert crowd.online == 4_211
    crowd.tell([one("mallory"), one("grace", Status.OFFLINE)])
    assert not crowd.came(one("erin")), "nobody asked for that"
    assert not crowd.went("frank", 9.0)
    assert crowd.came(one("grace"))
    assert names(crowd) == ["carol", "Dave", "grace"]


def test_a_list_of_all_keeps_nobody_in_a_crowd_and_does_not_count(crowd: Presences) -> None:
    before = crowd.all
    crowd.tell([one("carol"), one("Dave"), one("erin")])
    crowd.listed([one("carol"), one("Dave"), one("erin")], before)
    assert names(crowd) == ["carol", "Dave"]
    assert not crowd.is_complete
    assert crowd.online == 4_211


def test_when_the_crowd_is_over_all_are_known_again(crowd: Presences) -> None:
    crowd.crowded(79, is_crowd=False)
    assert crowd.online == 79
    crowd.tell([one("mallory")])
    assert "mallory" in names(crowd)


def test_who_is_watched_no_more_is_forgotten_in_a_crowd_and_only_there(known: Presences) -> None:
    known.watch({"carol", "dave"}, set())
    assert "erin" in names(known)
    known.crowded(200, is_crowd=True)
    assert names(known) == ["carol", "Dave"]
    known.watch({"carol"}, set())
    assert names(known) == ["carol"]


def test_who_is_not_watched_is_not_awaited_either(known: Presences) -> None:
    known.watch({"carol", "dave"}, set())
    known.lost()
    known.registered(4_211, is_crowd=True)
    assert known.settle() == (), "of erin nobody tells"
    known.lost()
    known.tell([one("Dave", Status.OFFLINE)])
    assert known.settle() == ("Dave",)


def test_after_an_outage_in_a_crowd_those_who_were_unheard_are_no_news(crowd: Presences) -> None:
    crowd.lost()
    crowd.registered(1)  # the first of them all: the directory tells of each who follows
    assert not crowd.came(one("mallory"))
    assert not crowd.came(one("Dave"))
    assert crowd.came(one("grace")), "I watch that name, which nobody had"
    crowd.settle()
    assert crowd.came(one("frank"))


def test_a_watched_name_that_nobody_has_is_not_known(crowd: Presences) -> None:
    crowd.tell([one("grace")])
    crowd.asked(["dave", "grace"], [one("grace")])
    assert names(crowd) == ["carol", "grace"]


def test_no_more_are_kept_than_a_directory_holds(
    known: Presences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peer.core.reach.presence.KNOWN_MOST", 5)
    known.tell([one("grace"), one("heidi"), one("Dave", Status.BUSY)])
    assert names(known) == ["carol", "Dave", "erin", "frank", "grace"]
    assert known.all[1].status is Status.BUSY


# --- Users about whom I asked to hear ---------------------------------------------


def test_who_is_here_already_is_noticed_once_for_each_stay(known: Presences) -> None:
    known.watch(set(), {"dave", "frank"})
    assert known.unnoticed() == ("Dave",)
    assert known.unnoticed() == ()
    assert known.came(one("frank"))
    assert known.unnoticed() == (), "that was told"
    known.went("Dave", 9.0)
    known.tell([one("Dave")])
    assert known.unnoticed() == ("Dave",)


def test_what_the_user_knows_is_not_told_again(known: Presences) -> None:
    known.watch(set(), {"dave"})
    known.noticed("DAVE")
    known.noticed("erin")
    assert known.is_asked_for("Dave")
    assert not known.is_asked_for("erin")
    assert known.unnoticed() == ()
    known.watch(set(), set())
    known.watch(set(), {"dave"})
    assert known.unnoticed() == ("Dave",), "he was asked for anew"


def test_an_outage_tells_nobody_anew_unless_they_went_meanwhile(known: Presences) -> None:
    known.watch(set(), {"dave", "erin"})
    known.unnoticed()
    known.lost()
    known.tell([one("Dave", Status.OFFLINE), one("erin", Status.OFFLINE)])
    assert not known.came(one("dave"))
    assert known.settle() == ("erin",)
    known.tell([one("erin")])
    assert known.unnoticed() == ("erin",)


# --- Moving to another directory ---


def test_who_came_while_we_moved_is_told_once(known: Presences) -> None:
    known.listed(known.all, known.all)
    known.moved()
    known.tell([one("Frank"), one("gina"), one("Hugo"), one("Dave"), one("carol")])
    assert known.came(one("gina")), "and that was announced"
    known.went("hugo", 9.0)
    known.tell([one("erin", Status.OFFLINE)])
    assert known.settle() == ("erin",)
    assert known.newcomers() == ("Frank",)
    assert known.newcomers() == ()


def test_who_never_knew_all_does_not_know_who_came_while_moving(known: Presences) -> None:
    known.moved()
    known.tell([one("gina")])
    assert known.newcomers() == ()


def test_whose_coming_i_read_already_is_not_told_again(known: Presences) -> None:
    known.registered(3, is_crowd=True)
    known.watch({"frank", "gina"}, {"frank"})
    known.moved()
    known.tell([one("frank"), one("gina")])
    assert known.unnoticed() == ("frank",)
    assert known.newcomers() == ("gina",)


def test_in_a_crowd_the_directory_counts_and_says_so_now_and_then() -> None:
    presences = Presences(Registration("Carol"))
    presences.registered(4_211, is_crowd=True)
    presences.counted(4_300)
    assert presences.online == 4_300
    presences.counted(0)  # an old directory does not tell
    assert presences.online == 4_300
