"""Who is registered, where, and in what status."""

import pytest

from directory_server.core.registry import NOWHERE, News, Place, Registry, User
from shared.errors import Refused
from shared.messages.common import Status
from shared.messages.directory import Presence
from shared.messages.spots import Spot, SpotKind

ACTIVE, BUSY, INACTIVE, OFFLINE = Status.ACTIVE, Status.BUSY, Status.INACTIVE, Status.OFFLINE
HOME = Place("10.0.0.5", 7)


def user(name: str, number: int = 1, key: bytes = b"k") -> User:
    return User(number, name, key, b"", b"", since=0.0)


def registry(**how: object) -> tuple[Registry, User]:
    """A registry that knows carol."""
    registry = Registry(idle_after=300, **how)  # type: ignore[arg-type]
    carol = user("Carol")
    registry.know(carol)
    return registry, carol


def arrive(registry: Registry, who: User, time: float = 1, **how: object) -> None:
    options: dict[str, object] = {"place": HOME, "status": ACTIVE, "by_hand": False} | how
    place, status = options.pop("place"), options.pop("status")
    registry.arrive(who, place, status, time=time, now=time, **options)  # type: ignore[arg-type]


def test_a_name_is_found_in_any_spelling() -> None:
    known, carol = registry()
    assert known.find("cAROL") is carol
    assert known.look_up("CAROL") is carol
    assert known.find_all(["CAROL", "dave"]) == [carol]
    assert known.find("dave") is None


def test_who_is_unknown_does_not_exist() -> None:
    known, _ = registry()
    with pytest.raises(Refused, match=r"User dave does not exist!") as no:
        known.look_up("dave")
    assert no.value.code == "NOBODY"


def test_a_name_that_was_given_back_is_free() -> None:
    known, carol = registry()
    arrive(known, carol)
    known.take_news(9)
    known.forget(carol, 5)
    assert known.find("carol") is None
    assert known.take_news(9) == News(["Carol"], [], [])
    known.know(again := user("carol", 2))
    known.forget(again, 6)
    assert known.take_news(9) == News([], [], [])


def test_there_is_room_for_so_many_names() -> None:
    known, carol = registry(names=1)
    with pytest.raises(Refused, match="full: it knows 1 names") as no:
        known.check_names(b"")
    assert no.value.code == "LIMIT"
    known.forget(carol, 5)
    known.check_names(b"")


def test_no_address_gets_most_names_once_they_become_few() -> None:
    known = Registry(idle_after=300, names=8)
    for number in range(6):
        known.know(User(number, f"user{number}", b"k", b"", b"", 0, origin=b"one"))
    with pytest.raises(Refused, match="half of its names came from your address") as no:
        known.check_names(b"one")
    assert no.value.code == "LIMIT"
    known.check_names(b"other")


def test_there_is_room_for_so_many_users() -> None:
    known, carol = registry(places=1)
    dave = user("dave", 2)
    known.check_room(carol, "10.0.0.5")
    arrive(known, carol)
    known.check_room(carol, "10.0.0.6")  # she has a place
    with pytest.raises(Refused, match="full: 1 users are here") as no:
        known.check_room(dave, "10.0.0.6")
    assert no.value.code == "LIMIT"


def test_no_address_gets_most_places_once_they_become_few() -> None:
    known = Registry(idle_after=300, places=4)
    users = [user(f"user{number}", number) for number in range(4)]
    for one in users[:3]:
        known.check_room(one, "10.0.0.5")
        arrive(known, one)
    with pytest.raises(Refused, match="half of its users came from your address") as no:
        known.check_room(users[3], "10.0.0.5")
    assert no.value.code == "LIMIT"
    known.check_room(users[3], "10.0.0.6")
    arrive(known, users[0], place=Place("10.0.0.7", 1))
    arrive(known, users[1], place=Place("10.0.0.8", 1))  # they moved
    known.check_room(users[3], "10.0.0.5")


def test_a_page_goes_on_after_a_name_even_when_that_is_gone() -> None:
    known, carol = registry()
    for number, name in enumerate(("dave", "Alice", "bob", "erin"), start=2):
        known.know(user(name, number))
    users, more = known.page("", 3)
    assert ([one.name for one in users], more) == (["Alice", "bob", "Carol"], True)
    known.forget(carol, 0)
    users, more = known.page("CAROL", 3)
    assert ([one.name for one in users], more) == (["dave", "erin"], False)


def test_a_page_of_those_who_are_here_leaves_the_others_out() -> None:
    known, carol = registry()
    for number, name in enumerate(("Cora", "cosima", "dave"), start=2):
        known.know(one := user(name, number))
        if name != "cosima":
            arrive(known, one)
    assert known.page("", 3, prefix="CO", here=True) == ([known.look_up("cora")], False)
    assert known.page("", 1, here=True) == ([known.look_up("cora")], True)
    assert [one.name for one in known.page("Cora", 3, prefix="c")[0]] == ["cosima"]
    known.leave(known.look_up("cora"), 5)
    arrive(known, carol)
    arrive(known, carol, status=BUSY)
    assert known.page("", 3, prefix="c", here=True) == ([carol], False)
    known.forget(carol, 6)
    assert known.page("", 3, prefix="c", here=True) == ([], False)


def test_who_came_and_went_is_news_if_a_list_has_shown_them() -> None:
    known, carol = registry()
    arrive(known, carol)
    known.leave(carol, 2)
    known.encoded(carol)
    assert known.take_news(9) == News([], [], [])
    arrive(known, carol)
    known.encoded(carol)
    known.leave(carol, 4)
    assert known.take_news(9) == News(["Carol"], [], [])
    arrive(known, carol)
    known.leave(carol, 6)
    assert known.take_news(9) == News([], [], [])


def test_an_encoded_presence_is_never_out_of_date() -> None:
    known, carol = registry()
    assert b"OFFLINE" in known.encoded(carol)
    assert known.encoded(carol) is known.encoded(carol)
    arrive(known, carol)
    assert known.encoded(carol) == b'{"name":"Carol","status":"ACTIVE","since":1}'


def test_everybody_is_known_in_order() -> None:
    known, carol = registry()
    arrive(known, carol)
    known.know(user("bob", 2))
    assert [user.name for user in known.everybody()] == ["bob", "Carol"]
    assert known.names == 2


def test_rules_may_change_while_users_are_here() -> None:
    known, carol = registry()
    arrive(known, carol)
    dave, erin = user("dave", 2), user("erin", 3)
    known.know(dave)
    known.set_rules(idle_after=10, one_per_address=True)
    with pytest.raises(Refused, match="Carol has done so"):
        known.check_address(dave, HOME.address)
    assert known.fall_idle(time=11, now=11.0) == [carol]
    known.set_rules(idle_after=10, one_per_address=False)
    known.check_address(erin, HOME.address)


def test_one_per_address_means_one_who_is_here() -> None:
    known, carol = registry(one_per_address=True)
    known.know(dave := user("dave", 2))
    arrive(known, carol)
    known.check_address(carol, "10.0.0.5")
    for other in (dave, None):
        with pytest.raises(Refused, match="Carol has done so") as no:
            known.check_address(other, "10.0.0.5")
        assert no.value.code == "ADDRESS"
    arrive(known, carol, place=Place("10.0.0.6", 7))  # she moved
    known.check_address(dave, "10.0.0.5")
    known.leave(carol, 9)
    known.check_address(dave, "10.0.0.6")


def test_a_takeover_is_neither_arrival_nor_departure() -> None:
    known, carol = registry()
    arrive(known, carol, time=1)
    assert known.take_news(9) == News([], [Presence("Carol", ACTIVE, 1)], [])
    arrive(known, carol, time=5, place=Place("10.0.0.6", 8))
    assert (known.here, carol.since, carol.place.port) == (1, 1, 8)
    assert known.take_news(9) == News([], [], [])
    arrive(known, carol, time=6, status=BUSY)
    assert known.take_news(9) == News([], [], [Presence("Carol", BUSY, 6)])


def test_a_note_is_news_of_its_own_and_goes_with_its_user() -> None:
    known, carol = registry()
    arrive(known, carol, note="at my desk")
    assert known.take_news(9) == News([], [Presence("Carol", ACTIVE, 1, "at my desk")], [])
    assert b"at my desk" in known.encoded(carol)
    known.set_status(carol, ACTIVE, by_hand=True, note="back at five", time=2, now=2)
    assert known.take_news(9) == News([], [], [Presence("Carol", ACTIVE, 1, "back at five")])
    assert b"back at five" in known.encoded(carol)
    known.set_status(carol, ACTIVE, by_hand=True, note="lunch", time=3, now=3)
    known.set_status(carol, ACTIVE, by_hand=True, note="back at five", time=4, now=4)
    assert known.take_news(9) == News([], [], [])
    known.leave(carol, 5)
    assert carol.note == ""
    assert b"note" not in known.encoded(carol)


def test_a_note_stays_while_its_user_falls_idle_and_wakes() -> None:
    known, carol = registry()
    arrive(known, carol, note="at my desk")
    assert known.fall_idle(time=301, now=301) == [carol]
    assert carol.presence() == Presence("Carol", INACTIVE, 301, "at my desk")
    assert known.stir(carol, time=302, now=302)
    assert carol.presence() == Presence("Carol", ACTIVE, 302, "at my desk")


def test_who_leaves_is_nowhere() -> None:
    known, carol = registry()
    arrive(known, carol, by_hand=True)
    known.leave(carol, 5)
    assert (carol.status, carol.since, carol.place, carol.by_hand) == (OFFLINE, 5, NOWHERE, False)
    assert known.here == 0


def test_news_is_a_net_difference_and_comes_in_pieces() -> None:
    known, carol = registry()
    known.know(dave := user("dave", 2))
    known.know(erin := user("erin", 3))
    arrive(known, carol)
    known.leave(carol, 2)
    arrive(known, dave)
    arrive(known, erin)
    assert known.has_news
    assert known.take_news(2) == News([], [Presence("dave", ACTIVE, 1)], [])
    assert known.has_news
    assert known.take_news(2) == News([], [Presence("erin", ACTIVE, 1)], [])
    assert not known.has_news


# --- Idle ---


def test_who_gives_no_sign_falls_idle_and_wakes_at_the_next() -> None:
    known, carol = registry()
    arrive(known, carol, time=1)
    assert known.fall_idle(time=300, now=300) == []
    assert known.fall_idle(time=301, now=301) == [carol]
    assert (carol.status, carol.since) == (INACTIVE, 301)
    assert known.fall_idle(time=900, now=900) == []
    assert known.stir(carol, time=901, now=901)
    assert (carol.status, carol.since) == (ACTIVE, 901)
    assert not known.stir(carol, time=1_000, now=1_000)
    assert known.fall_idle(time=1_299, now=1_299) == []
    assert known.fall_idle(time=1_300, now=1_300) == [carol]


def test_who_stirs_goes_to_the_end_of_the_line() -> None:
    known, carol = registry()
    known.know(dave := user("dave", 2))
    arrive(known, carol, time=0)
    arrive(known, dave, time=10)
    known.stir(carol, time=20, now=20)
    assert known.fall_idle(time=310, now=310) == [dave]
    assert known.fall_idle(time=320, now=320) == [carol]


@pytest.mark.parametrize(
    ("status", "by_hand"), [(BUSY, False), (BUSY, True), (ACTIVE, True), (INACTIVE, True)]
)
def test_a_status_by_hand_and_busy_are_left_alone(status: Status, by_hand: bool) -> None:
    known, carol = registry()
    arrive(known, carol, time=0)
    known.set_status(carol, status, by_hand=by_hand, time=1, now=1)
    assert known.fall_idle(time=9_999, now=9_999) == []
    assert not known.stir(carol, time=9_999, now=9_999)
    assert carol.status is status


def test_idling_begins_when_one_is_active_again() -> None:
    known, carol = registry()
    arrive(known, carol, time=0, status=BUSY)
    known.set_status(carol, ACTIVE, by_hand=False, time=1_000, now=1_000)
    assert known.fall_idle(time=1_299, now=1_299) == []
    assert known.fall_idle(time=1_300, now=1_300) == [carol]


def test_nobody_chooses_to_be_offline() -> None:
    known, carol = registry()
    arrive(known, carol)
    with pytest.raises(Refused, match="choose ACTIVE, BUSY or INACTIVE"):
        known.set_status(carol, OFFLINE, by_hand=True, time=2, now=2)
    assert carol.status is ACTIVE


def test_without_a_limit_nobody_falls_idle() -> None:
    known = Registry(idle_after=0)
    known.know(carol := user("carol"))
    arrive(known, carol)
    assert known.fall_idle(time=1e9, now=1e9) == []


# --- Users of other directories ---

AWAY = Place("10.0.0.9", 8)


def test_a_user_of_another_directory_is_here_and_takes_no_place() -> None:
    known, carol = registry(places=1, one_per_address=True)
    known.touched = set()
    known.see(carol, AWAY, BUSY, 5, "till five")
    assert (known.here, carol.place, carol.is_elsewhere) == (1, AWAY, True)
    assert known.take_news(9).came == [Presence("Carol", BUSY, 5, "till five")]
    assert not known.touched, "whose word it is has told the others"
    dave = user("dave", 2)
    known.know(dave)
    with pytest.raises(Refused, match="only one user"):
        known.check_address(dave, AWAY.address)
    known.check_room(dave, HOME.address)
    arrive(known, dave)
    with pytest.raises(Refused, match="is full"):
        known.check_room(carol, AWAY.address)
    known.lose(carol, 9)
    assert (known.here, carol.status, carol.since, carol.place) == (1, OFFLINE, 9, NOWHERE)
    known.check_address(dave, AWAY.address)
    assert known.touched == {2}


def test_a_user_moves_between_directories_without_being_away() -> None:
    known, carol = registry(places=1)
    arrive(known, carol)
    known.take_news(9)
    known.see(carol, AWAY, ACTIVE, 1)
    assert known.take_news(9) == News([], [], [])
    assert known.fall_idle(time=999, now=999) == [], "that is for the other directory to say"
    arrive(known, carol, time=7)
    assert not carol.is_elsewhere
    known.leave(carol, 8)
    assert known.take_news(9) == News(["Carol"], [], [])
    known.see(carol, AWAY, ACTIVE, 9)
    known.forget(carol, 10)
    assert (known.here, known.names, known.by_id) == (0, 0, {})


def test_new_spots_of_a_user_are_told_to_other_directories_only() -> None:
    known, carol = registry()
    arrive(known, carol)
    known.take_news(9)
    known.set_spots(carol, (Spot("192.168.0.7", 1, SpotKind.LAN),))
    known.touched = set()
    known.set_spots(carol, ())
    assert (carol.place.spots, known.touched) == ((), {carol.id})
    assert known.take_news(9) == News([], [], [])
