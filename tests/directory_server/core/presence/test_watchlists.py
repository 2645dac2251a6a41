"""Who wants news of whom, and how much of that one may want."""

import pytest

from directory_server.core.limits import WATCHED_FOR_OLD
from directory_server.core.presence.watchlists import Watchlists
from shared.errors import Refused
from shared.messages.directory import WATCHED

PLENTY = 1_000_000


def watchlists(most: int = PLENTY, **of: list[str] | None) -> Watchlists[str]:
    """Watchlists of these links, each from a network of its own."""
    made = Watchlists[str](most)
    for link, names in of.items():
        made.join(link, f"network of {link}", names)
    return made


def many(count: int, prefix: str = "user") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def test_watchers_of_a_name_are_those_who_named_it() -> None:
    lists = watchlists(carol=["dave", "erin"], frank=["erin"], old=None)
    assert list(lists.watchers("erin")) == ["carol", "frank"]
    assert list(lists.watchers("dave")) == ["carol"]
    assert list(lists.watchers("nobody")) == []
    assert list(lists.links) == ["carol", "frank", "old"]
    assert [lists.chooses(link) for link in ("carol", "old", "gone")] == [True, False, False]


def test_what_is_named_twice_is_watched_once() -> None:
    lists = watchlists(carol=["dave", "dave"])
    lists.change("carol", ["dave", "erin", "erin"], [])
    assert lists.total == 2
    lists.change("carol", [], ["dave", "dave", "nobody"])
    assert (list(lists.watchers("dave")), lists.total) == ([], 1)


def test_what_is_taken_off_and_put_on_at_once_stays_on() -> None:
    lists = watchlists(carol=["dave"])
    lists.change("carol", ["dave"], ["dave"])
    assert list(lists.watchers("dave")) == ["carol"]


def test_a_link_that_leaves_is_on_no_list_any_more_and_comes_on_none_again() -> None:
    lists = watchlists(carol=["dave", "erin"], frank=["erin"])
    lists.leave("carol")
    lists.leave("carol")
    lists.change("carol", ["dave"], [])
    lists.notice("carol", "dave")
    assert list(lists.watchers("dave")) == []
    assert list(lists.watchers("erin")) == ["frank"]
    assert (list(lists.links), lists.total) == (["frank"], 1)


def test_one_name_too_many_changes_nothing() -> None:
    lists = watchlists(carol=many(WATCHED))
    with pytest.raises(Refused, match="you can watch 1,000 users at once, and no more") as no:
        lists.change("carol", ["one-more", "and-more"], ["user0"])
    assert no.value.code == "FULL"
    assert list(lists.watchers("user0")) == ["carol"]
    assert list(lists.watchers("one-more")) == []
    lists.change("carol", ["one-more", "user5"], ["user0"])
    assert lists.total == WATCHED


def test_all_together_watch_no_more_than_there_is_room_for() -> None:
    lists = watchlists(8, carol=many(5), dave=many(9))
    assert lists.total == 8
    with pytest.raises(Refused, match="watches nobody more for you") as no:
        lists.change("carol", ["erin"], [])
    assert no.value.code == "FULL"
    lists.change("carol", ["erin"], ["user0"])  # no more than before
    lists.change("carol", [], ["user1", "user2"])
    lists.change("dave", ["erin"], [])
    assert lists.total == 7


def test_no_network_gets_most_of_the_room_once_it_becomes_little() -> None:
    lists = Watchlists[str](80)
    for link in many(10, "flood"):
        lists.join(link, "one network", many(10, link))
    assert lists.total == 60
    lists.join("carol", "another", ["dave"])
    assert list(lists.watchers("dave")) == ["carol"]


def test_for_an_old_program_the_newest_are_watched() -> None:
    lists = watchlists(old=None)
    for name in many(WATCHED_FOR_OLD):
        lists.notice("old", name)
    lists.notice("old", "user0")
    lists.notice("old", "one-more")
    assert [list(lists.watchers(name)) for name in ("user0", "user1", "one-more")] == [
        ["old"],
        [],
        ["old"],
    ]
    assert lists.total == WATCHED_FOR_OLD


def test_who_chooses_is_watched_for_no_more() -> None:
    lists = watchlists(carol=[], old=None)
    lists.notice("carol", "dave")
    assert lists.total == 0
    lists.notice("old", "dave")
    lists.change("old", ["erin"], [])
    lists.notice("old", "frank")
    assert [list(lists.watchers(name)) for name in ("dave", "erin", "frank")] == [
        ["old"],
        ["old"],
        [],
    ]


def test_for_an_old_program_nobody_is_watched_where_there_is_no_room() -> None:
    lists = watchlists(1, carol=["dave"], old=None)
    lists.notice("old", "dave")
    assert list(lists.watchers("dave")) == ["carol"]
