"""Whom I watch in a crowd, and what the directory is told of it."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from peer.core.reach.watch_list import (
    ASKED_MOST,
    MET_MOST,
    Change,
    Interests,
    Talk,
    WatchList,
)
from shared.messages.common import Status
from shared.messages.directory import PAGE, WATCHED, WATCHED_AT_FIRST, Presence
from shared.names import fold


def many(word: str, count: int) -> tuple[str, ...]:
    return tuple(f"{word}{number:04}" for number in range(count))


def chosen(interests: Interests, *met: str, ignored: Sequence[str] = ()) -> WatchList:
    watch_list = WatchList()
    watch_list.meet(*met)
    watch_list.choose(interests, set(ignored), "carol")
    return watch_list


def all_told(watch_list: WatchList) -> list[Change]:
    """Tell the directory everything; return the changes."""
    changes = []
    while (change := watch_list.next_change()) is not None:
        changes.append(change)
        watch_list.told(change)
    return changes


# --- Whom I watch -----------------------------------------------------------------


def test_the_most_important_come_first_and_each_once() -> None:
    watch_list = chosen(
        Interests(
            members=("dave", "carol"),
            awaiting=("erin", "DAVE"),
            asked_for=("frank", "erin"),
            talks=(Talk("old", 1.0, True), Talk("new", 2.0, True), Talk("dave", 3.0, True)),
        ),
        "grace",
        "heidi",
    )
    expected = ("carol", "dave", "erin", "heidi", "grace", "frank", "new", "old")
    assert watch_list.introduce() == expected


def test_users_are_put_in_the_order_of_their_importance() -> None:
    watch_list = chosen(Interests(members=("dave",), awaiting=("erin",)))
    users = [Presence(name, Status.ACTIVE, 0.0) for name in ("zoe", "Erin", "dave", "amy")]
    ordered = [user.name for user in watch_list.by_importance(users)]
    assert ordered == ["dave", "Erin", "zoe", "amy"]  # strangers last, as they came


def test_the_ignored_are_never_watched_whatever_they_are() -> None:
    interests = Interests(("m",), ("a",), ("w",), (Talk("t", 1.0, True),))
    watch_list = chosen(interests, "met", ignored=["m", "a", "w", "t", "met"])
    assert watch_list.introduce() == ("carol",)


def test_what_is_no_name_is_not_watched() -> None:
    watch_list = chosen(Interests(members=("dave (ANOTHER KEY)", "", "x" * 33)), "e f", "dave")
    assert watch_list.introduce() == ("carol", "dave")


def test_whom_i_have_answered_comes_before_those_who_only_wrote_to_me() -> None:
    strangers = tuple(Talk(name, 9.0, is_answered=False) for name in many("mallory", WATCHED))
    watch_list = chosen(Interests(talks=(*strangers, Talk("dave", 1.0, is_answered=True))))
    assert watch_list.introduce()[:2] == ("carol", "dave")
    assert len(watch_list.names) == WATCHED


def test_whom_the_user_asked_for_always_finds_room() -> None:
    asked_for = many("friend", ASKED_MOST + 10)
    watch_list = chosen(Interests(members=many("member", WATCHED), asked_for=asked_for))
    assert len(watch_list.names) == WATCHED
    assert watch_list.names >= set(asked_for[:ASKED_MOST])
    assert not watch_list.names & set(asked_for[ASKED_MOST:])


def test_the_latest_whom_i_met_are_remembered_and_no_more_than_a_bound() -> None:
    watch_list = chosen(Interests(), "dave", *many("stranger", MET_MOST - 1), "Dave", "last")
    met = watch_list.introduce()
    assert met[:3] == ("carol", "last", "Dave")
    assert len(watch_list.names) == MET_MOST + 1
    assert "stranger0000" not in met


# --- What the directory is told ---------------------------------------------------


def test_a_new_registration_begins_with_the_first_names() -> None:
    watch_list = chosen(Interests(members=many("m", WATCHED)))
    assert len(watch_list.introduce()) == WATCHED_AT_FIRST
    assert watch_list.introduce(0) == ()


def test_all_are_asked_about_once_in_pages() -> None:
    watch_list = chosen(Interests(members=many("m", WATCHED)))
    watch_list.introduce()
    assert {len(change.names) for change in all_told(watch_list)} == {PAGE}
    assert watch_list.next_change() is None
    watch_list.ask_again()
    assert len(all_told(watch_list)) == WATCHED / PAGE


def test_only_what_has_changed_is_told() -> None:
    watch_list = chosen(Interests(members=("dave", "erin")))
    watch_list.introduce()
    all_told(watch_list)
    watch_list.choose(Interests(members=("erin", "Frank")), set(), "carol")
    assert all_told(watch_list) == [Change(("Frank",), ("dave",))]
    watch_list.choose(Interests(members=("erin", "frank")), set(), "carol")
    assert all_told(watch_list) == []


def test_who_was_named_in_iam_only_is_taken_away_too() -> None:
    watch_list = chosen(Interests(members=("dave",)))
    watch_list.introduce()
    watch_list.choose(Interests(), set(), "carol")
    assert watch_list.next_change() == Change(("carol",), ("dave",))


def test_the_list_is_stale_once_there_is_something_new() -> None:
    watch_list = WatchList()
    assert watch_list.is_stale
    watch_list.choose(Interests(), set(), "carol")
    assert not watch_list.is_stale
    watch_list.meet("dave")
    assert watch_list.is_stale
    watch_list.choose(Interests(), set(), "carol")
    watch_list.meet("DAVE")
    assert not watch_list.is_stale, "he is watched already"
    watch_list.ask_again()
    assert watch_list.is_stale


class Directory:
    """Keeps what a directory would: it refuses a peer that watches too many."""

    def __init__(self, names: tuple[str, ...]) -> None:
        assert len(names) <= WATCHED_AT_FIRST
        self.watched = set(map(fold, names))

    def hear(self, change: Change) -> None:
        assert len(change.names) <= PAGE
        assert len(change.no_more) <= PAGE
        self.watched -= set(map(fold, change.no_more))
        self.watched |= set(map(fold, change.names))
        assert len(self.watched) <= WATCHED


@given(st.lists(st.tuples(st.integers(0, 1_500), st.integers(0, 1_200)), min_size=1, max_size=6))
def test_the_directory_never_hears_of_too_many_and_ends_up_with_all(
    spans: list[tuple[int, int]],
) -> None:
    everybody = many("m", 3_000)
    watch_list = WatchList()
    watch_list.choose(Interests(members=everybody[:1_000]), set(), "carol")
    directory = Directory(watch_list.introduce())
    for begin, count in spans:
        watch_list.choose(Interests(members=everybody[begin : begin + count]), set(), "carol")
        for change in all_told(watch_list):
            directory.hear(change)
        assert directory.watched == watch_list.names
