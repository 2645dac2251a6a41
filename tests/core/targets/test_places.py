"""What is unread at each place, and the numbers of the places, whoever writes."""

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from peer import events
from peer.commands.grammar import Answer, Chat, Go, Loud, QuitConversation
from peer.core.targets.choice import known_as, named, next_unread, numbered, stepped
from peer.core.targets.leading import leads_to
from peer.core.targets.place import HOME, Place, place_of
from peer.core.targets.places import (
    LAST_NUMBER,
    PERSONS_MOST,
    TEXTS_MOST,
    Places,
    PlaceState,
)
from peer.core.targets.trail import STEPS_MOST, Trail
from shared.errors import Refused

DAVE, ERIN, LAB = Place("dave"), Place("erin"), Place(room="lab")


def said(sender: str, text: str = "hi") -> events.SaidPrivately:
    return events.SaidPrivately(sender, text)


def comes(places: Places, place: Place, text: str = "hi") -> Loud:
    return places.came(place, said(place.person, text), 0.0)


def unread(places: Places) -> dict[str, int]:
    return {str(one.place): one.unread for one in places.states if one.unread}


def numbers(places: Places) -> dict[str, int]:
    return {str(one.place): one.number for one in places.states if one.number}


# --- Places -----------------------------------------------------------------------


def test_a_place_is_shown_so_that_a_room_and_a_person_of_one_name_differ() -> None:
    assert str(Place("lab")) == "lab"
    assert str(LAB) == "#lab"
    assert not Place("lab").is_same(LAB)
    assert Place("Dave").is_same(DAVE)
    assert HOME.is_home
    assert not LAB.is_home


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (said("dave"), DAVE),
        (said("dave (ANOTHER KEY)"), None),
        (said("#lab"), None),
        (said("\x1b[2J"), None),
        (events.Letter("dave", 0.0, "#lab erin: hi"), DAVE),
        (events.Letter("dave", 0.0, "hi", room="lab"), LAB),
        (events.Said("dave", "[private] erin: hi"), HOME),
        (events.SaidToAll("dave", "hi"), None),
        (events.Said("dave", "hi", room="lab"), LAB),
        (events.Said("dave", "hi", room="LAB"), Place(room="LAB")),
        (events.Letter("dave", 0.0, "hi", room="left"), DAVE),
        (events.Said("dave", "hi", room="left"), DAVE),
        (events.Said("dave (ANOTHER KEY)", "hi", room="left"), None),
    ],
)
def test_who_wrote_decides_to_which_place_a_text_belongs(
    event: events.Event, place: Place | None
) -> None:
    assert place_of(event, ["lab", "team"]) == place


# --- Unread -----------------------------------------------------------------------


def test_what_comes_elsewhere_is_counted_until_i_go_there() -> None:
    places = Places()
    comes(places, DAVE, "one")
    comes(places, ERIN)
    comes(places, DAVE, "two")
    comes(places, HOME)  # where I am
    assert unread(places) == {"dave": 2, "erin": 1}

    count, texts = places.go(DAVE)
    assert count == 2
    assert [one.text for one in texts] == [said("dave", "one"), said("dave", "two")]
    assert unread(places) == {"erin": 1}
    comes(places, DAVE)
    comes(places, HOME)
    assert unread(places) == {"": 1, "erin": 1}
    assert places.go(HOME)[0] == 1


def test_who_answers_has_read() -> None:
    places = Places()
    comes(places, DAVE)
    places.wrote(DAVE)
    places.wrote(ERIN)  # whom I never heard of
    assert not unread(places)


def test_of_many_unread_texts_the_last_are_kept() -> None:
    places = Places()
    for n in range(TEXTS_MOST + 5):
        comes(places, DAVE, str(n))
    count, texts = places.go(DAVE)
    assert count == TEXTS_MOST + 5
    assert texts[0].text == said("dave", "5")
    assert len(texts) == TEXTS_MOST


def test_a_quiet_place_is_counted_and_heard_where_i_am() -> None:
    places = Places()
    places.make(DAVE, Loud.HELD)
    places.make(ERIN, Loud.DIMMED)
    assert comes(places, DAVE) is Loud.HELD
    assert comes(places, ERIN) is Loud.DIMMED
    assert unread(places) == {"dave": 1, "erin": 1}
    places.go(DAVE)
    assert comes(places, DAVE) is Loud.SHOWN


# --- Numbers ----------------------------------------------------------------------


def test_a_number_is_given_where_i_go_and_stays() -> None:
    places = Places()
    comes(places, DAVE)
    assert numbers(places) == {"": 1}
    places.go(ERIN)
    places.go(DAVE)
    places.go(HOME)
    comes(places, Place("gina"))
    assert numbers(places) == {"": 1, "erin": 2, "dave": 3}
    assert [str(one.place) for one in places.states] == ["", "erin", "dave", "gina"]


def test_rooms_have_numbers_and_give_them_back() -> None:
    places = Places()
    places.rooms_are(("lab", "ops"))
    assert places.rooms == ("lab", "ops")
    places.go(DAVE)
    places.go(LAB)
    places.rooms_are(("ops", "new"))
    assert places.here.is_home
    assert numbers(places) == {"": 1, "#new": 2, "#ops": 3, "dave": 4}


def test_a_room_where_i_am_before_it_is_mine_stays_until_it_was_and_is_no_more() -> None:
    places = Places()
    places.go(LAB)
    places.rooms_are(())
    assert places.here == LAB
    assert not places.rooms
    places.rooms_are(("lab",))
    assert places.rooms == ("lab",)
    places.rooms_are(())
    assert places.here == HOME


def test_the_tenth_place_takes_the_number_of_the_person_left_longest_ago() -> None:
    places = Places()
    names = [f"user{n}" for n in range(LAST_NUMBER - 1)]
    for name in names:
        places.go(Place(name))
    places.go(Place(names[0]))  # again
    comes(places, Place(names[1]))  # something waits there
    places.go(DAVE)
    assert numbers(places)["dave"] == 4
    assert "user2" not in numbers(places)
    assert len(numbers(places)) == LAST_NUMBER


def test_a_place_may_stay_without_a_number() -> None:
    places = Places()
    places.rooms_are(tuple(f"room{n}" for n in range(20)))
    places.go(DAVE)
    assert "dave" not in numbers(places)
    assert places.here.is_same(DAVE)


# --- A thousand strangers ---------------------------------------------------------


def test_a_thousand_senders_are_bounded_and_move_nothing() -> None:
    places = Places()
    places.go(DAVE)
    places.go(HOME)
    for n in range(1_000):
        comes(places, Place(f"stranger{n}"))
    comes(places, DAVE)
    assert len(places.states) == PERSONS_MOST + 1
    assert numbers(places) == {"": 1, "dave": 2}
    assert unread(places)["dave"] == 1
    assert sum(unread(places).values()) + places.others == 1_001
    with pytest.raises(Refused):
        places.make(ERIN, Loud.HELD)

    places.go(ERIN)  # whom I choose has a place
    assert places.here.is_same(ERIN)
    assert sum(unread(places).values()) + places.others == 1_001
    assert places.forget_others() == 902
    assert places.others == 0


def test_somebody_with_nothing_unread_gives_way_but_never_where_i_am() -> None:
    places = Places()
    places.rooms_are(tuple(f"room{n}" for n in range(LAST_NUMBER)))  # no number is left
    places.go(DAVE)
    for n in range(PERSONS_MOST - 1):
        comes(places, Place(f"user{n}"))
    places.wrote(Place("user7"))
    comes(places, ERIN)
    known = {str(one.place) for one in places.states}
    assert "user7" not in known
    assert {"dave", "erin", "user8"} <= known


# --- Where a key leads ------------------------------------------------------------


def test_a_key_leads_to_its_number() -> None:
    places = Places()
    places.go(DAVE)
    assert numbered(places.states, 1) == HOME
    assert numbered(places.states, 2) == DAVE
    assert numbered(places.states, 3) is None


def test_the_next_unread_place_is_a_person_then_the_one_that_has_waited_longest() -> None:
    places = Places()
    places.rooms_are(("lab",))
    places.go(ERIN)
    order = []
    for place in (LAB, HOME, DAVE, Place("gina")):
        comes(places, place)
    while (found := next_unread(places.states, places.here)) is not None:
        places.go(found)
        order.append(str(found))
    assert order == ["dave", "gina", "#lab", ""]


def test_the_next_place_and_the_one_before() -> None:
    places = Places()
    assert stepped(places.states, HOME, 1) == HOME
    places.go(DAVE)
    comes(places, ERIN)
    comes(places, Place("quiet"))
    places.wrote(Place("quiet"))
    states = places.states
    ring = [HOME, DAVE, ERIN]
    for here, after in zip(ring, [*ring[1:], HOME], strict=True):
        assert stepped(states, here, 1) == after
        assert stepped(states, after, -1) == here
    assert stepped(states, Place("gone"), 1) == HOME
    assert stepped((), DAVE, 1) == HOME


def test_a_name_is_a_room_of_mine_or_else_a_person() -> None:
    assert named("GO", "lab", "", ("LAB",), ()) == LAB
    assert named("GO", "lab", "#", ("LAB",), ("LAB",)) == LAB
    assert named("GO", "lab", "@", ("lab",), ("lab",)) == Place("lab")
    assert named("GO", "lab", "", (), ()) == Place("lab")
    states = (PlaceState(Place("Dave")),)
    assert known_as(states, DAVE) == Place("Dave")
    assert known_as(states, ERIN) == ERIN


def test_a_room_that_is_not_mine_is_no_place() -> None:
    with pytest.raises(Refused, match="You are in no room #ops"):
        named("GO", "ops", "#", ("lab",), ())


@pytest.mark.parametrize("name", ["dave", "DAVE"])
def test_a_name_of_a_room_and_of_a_user_leads_nowhere(name: str) -> None:
    why = f"^A room of yours and a user are called {name}: MUTE #{name} or MUTE @{name}.$"
    with pytest.raises(Refused, match=why):
        named("MUTE", name, "", ("Dave",), ("Dave",))
    with pytest.raises(Refused):
        leads_to(Go(name), HOME, ("dave",), (), ("dave",))


def test_who_invites_or_says_yes_is_at_home() -> None:
    asked = [("dave", HOME), ("erin", None)]
    assert leads_to(Go(), DAVE, (), ()) == DAVE
    assert leads_to(Go("lab"), DAVE, ("lab",), ()) == LAB
    assert leads_to(Chat("dave"), DAVE, (), ()) == HOME
    assert leads_to(Answer(True), DAVE, (), asked) is None
    assert leads_to(Answer(True, "Dave"), DAVE, (), asked) == HOME
    assert leads_to(Answer(True, "gina"), DAVE, (), asked) is None
    assert leads_to(Answer(False, "dave"), DAVE, (), asked) is None
    assert leads_to(QuitConversation(), DAVE, (), asked) is None


# --- The way back -----------------------------------------------------------------


def test_back_is_where_i_came_from_and_in_the_end_home() -> None:
    trail = Trail()
    for place in (DAVE, ERIN, ERIN, LAB):
        trail.go(place)
    assert trail.back == ERIN
    trail.go(trail.back)
    assert trail.back == DAVE
    trail.go(trail.back)
    trail.go(trail.back)
    assert trail.here == trail.back == HOME


def test_a_place_that_is_no_more_is_not_on_the_way_back() -> None:
    trail = Trail()
    for place in (LAB, DAVE):
        trail.go(place)
    trail.leave(LAB)
    assert trail.here == DAVE
    assert trail.back == HOME
    trail.leave(DAVE)
    assert trail.here == HOME


def test_the_way_back_is_bounded() -> None:
    trail = Trail()
    for n in range(STEPS_MOST + 10):
        trail.go(Place(f"user{n}"))
    steps = 0
    while not trail.here.is_home:
        trail.go(trail.back)
        steps += 1
    assert steps == STEPS_MOST + 1
    for n in range(STEPS_MOST + 10):
        trail.go(Place(f"user{n}"))
    trail.go(HOME)
    assert trail.back == HOME


class Counted(RuleBasedStateMachine):
    """Whatever comes and wherever I go, the numbers of what is unread are right."""

    def __init__(self) -> None:
        super().__init__()
        self.places = Places()
        self.right: Counter[str] = Counter()
        self.given: dict[str, int] = {}

    some = st.sampled_from([HOME, LAB, *(Place(f"user{n}") for n in range(20))])

    @rule(place=some)
    def comes(self, place: Place) -> None:
        if place == LAB and not self.places.rooms:
            return
        comes(self.places, place)
        if not place.is_same(self.places.here):
            self.right[str(place)] += 1

    @rule(place=some)
    def goes(self, place: Place) -> None:
        here = str(self.places.here)
        count, _ = self.places.go(place)
        assert count == self.right.pop(str(place), 0)
        self.right.pop(here, None)  # whatever came there before its user was brought there

    @rule(place=some)
    def writes(self, place: Place) -> None:
        self.places.wrote(place)
        self.right.pop(str(place), None)

    @rule(is_in=st.booleans())
    def enters_or_leaves(self, is_in: bool) -> None:
        was_in = bool(self.places.rooms)
        self.places.rooms_are(("lab",) if is_in else ())
        if was_in and not is_in:
            self.right.pop("#lab", None)

    @rule(place=some, loud=st.sampled_from(Loud))
    def chooses(self, place: Place, loud: Loud) -> None:
        if place != LAB or self.places.rooms:
            self.places.make(place, loud)

    @invariant()
    def the_numbers_are_right(self) -> None:
        assert unread(self.places) == dict(self.right)

    @invariant()
    def no_two_places_have_one_number_and_at_most_one_changes(self) -> None:
        now = numbers(self.places)
        assert len(set(now.values())) == len(now)
        moved = [name for name in now if self.given.get(name, now[name]) != now[name]]
        lost = [name for name in self.given if name not in now]
        assert not moved
        assert len(lost) <= 1
        self.given = now


TestCounted = Counted.TestCase
