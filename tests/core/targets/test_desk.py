"""A line goes where it was begun for, or nowhere; and it waits where it was begun."""

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from peer.commands.grammar import Command, Context, Go, Private, Say, SayIn, Unknown, WriteLine
from peer.commands.parsing import parse
from peer.core.targets.desk import AGAIN_SECONDS, KEPT_MOST, Desk, TypedText
from peer.core.targets.leading import leads_to
from peer.core.targets.place import HOME, Place
from peer.core.targets.places import PlaceState
from peer.core.targets.target import Target, misdirected

DAVE, ERIN, LAB = Place("dave"), Place("erin"), Place(room="lab")
HERE = Context()
NOTHING = TypedText()
HALF = TypedText("half a line", 4)


def at(place: Place, *others: str) -> Target:
    return Target(others, place=place)


def typed(desk: Desk, text: TypedText, target: Target, now: float = 1.0) -> None:
    desk.notice(text.text, now, target)


def test_a_draft_stays_with_its_place_and_comes_back_with_its_cursor() -> None:
    desk = Desk()
    desk.go(DAVE, NOTHING, ())
    typed(desk, HALF, at(DAVE), 3.0)
    assert desk.go(ERIN, HALF, ()) == NOTHING
    assert desk.begun is None
    typed(desk, TypedText("for erin", 0), at(ERIN), 4.0)
    assert desk.go(DAVE, TypedText("for erin", 0), ()) == HALF
    assert desk.begun == 3.0
    assert desk.aimed_at(at(DAVE)) == at(DAVE)
    assert desk.go(ERIN, HALF, ()) == TypedText("for erin", 0)


def test_a_name_is_shown_as_it_is_known() -> None:
    desk = Desk()
    desk.go(Place("DAVE"), NOTHING, (PlaceState(DAVE, 2),))
    assert desk.here == DAVE
    assert desk.back == HOME


def test_a_line_is_for_the_target_that_was_shown_at_its_first_key() -> None:
    desk = Desk()
    assert desk.aimed_at(at(HOME, "dave")) == at(HOME, "dave")
    typed(desk, HALF, at(HOME, "erin"))
    typed(desk, TypedText("half a line!", 12), at(HOME, "dave"))
    assert desk.aimed_at(at(HOME, "dave")) == at(HOME, "erin")
    desk.notice("", 2.0, at(HOME, "dave"))
    assert desk.aimed_at(at(HOME, "dave")) == at(HOME, "dave")


def test_the_draft_of_a_conversation_that_is_over_comes_back_for_it_alone() -> None:
    desk = Desk()
    typed(desk, HALF, at(HOME, "erin"))
    desk.go(DAVE, HALF, ())
    assert desk.go(HOME, NOTHING, ()) == HALF
    assert misdirected(HALF.text, desk.aimed_at(at(HOME)), at(HOME, "frank"), HERE)


def test_a_line_that_was_held_back_waits_half_a_second() -> None:
    desk = Desk()
    assert not desk.is_too_soon(0.0)
    typed(desk, HALF, at(HOME, "erin"))
    desk.hold(5.0, at(HOME))
    assert desk.is_too_soon(5.1)
    assert not desk.is_too_soon(5.0 + AGAIN_SECONDS)
    assert desk.aimed_at(at(HOME, "frank")) == at(HOME)


def test_a_line_that_comes_back_late_waits_at_its_place() -> None:
    desk = Desk()
    typed(desk, HALF, at(HOME))
    desk.keep(TypedText("refused", 7), at(DAVE), 2.0)
    assert desk.aimed_at(at(DAVE)) == at(HOME)  # the line under the fingers is what it was
    assert desk.go(DAVE, HALF, ()) == TypedText("refused", 7)


def test_a_room_that_is_left_leads_home_and_keeps_its_line() -> None:
    desk = Desk()
    rooms = (PlaceState(HOME, 1), PlaceState(LAB, 2))
    typed(desk, TypedText("at home", 7), at(HOME))
    desk.go(LAB, TypedText("at home", 7), rooms)
    typed(desk, HALF, at(LAB))
    desk.settle(rooms[:1])  # it is not known yet
    desk.settle(rooms)
    desk.settle(())  # nothing is known
    assert desk.here == LAB
    desk.settle(rooms[:1])
    assert desk.here == HOME
    assert desk.take_up() == NOTHING  # a line is being typed
    assert desk.aimed_at(at(HOME)) == at(LAB)
    desk.notice("", 2.0, at(HOME))  # cleared
    assert desk.take_up() == TypedText("at home", 7)
    desk.settle(rooms[:1])


def test_no_way_back_leads_to_a_room_that_is_left() -> None:
    desk = Desk()
    ops = Place(room="ops")
    rooms = (PlaceState(HOME, 1), PlaceState(LAB, 2), PlaceState(ops, 3))
    desk.settle(rooms)
    for place in (LAB, DAVE, ops):
        desk.go(place, NOTHING, rooms)
    desk.settle(rooms[:1] + rooms[2:])
    assert (desk.here, desk.back) == (ops, DAVE)
    desk.go(DAVE, NOTHING, rooms)
    assert desk.back == HOME
    desk.go(ops, NOTHING, rooms)
    desk.settle(rooms[:1])
    assert (desk.here, desk.back) == (HOME, HOME)
    desk.settle(rooms)  # I have come in again
    desk.go(LAB, NOTHING, rooms)
    assert desk.here == LAB


def test_the_lines_that_wait_are_bounded() -> None:
    desk = Desk()
    for n in range(KEPT_MOST + 2):
        desk.go(Place(f"user{n}"), NOTHING, ())
        typed(desk, HALF, at(Place(f"user{n}")))
        desk.put_aside(HALF)
    desk.go(Place("user1"), NOTHING, ())
    assert desk.take_up() == NOTHING
    assert desk.go(Place("user2"), NOTHING, ()) == HALF


def test_where_i_was_is_read_before_others_know_it() -> None:
    desk = Desk()
    states = (PlaceState(HOME, 1), PlaceState(DAVE, 2, 3, 10), PlaceState(ERIN, 3, 1, 11))
    desk.go(DAVE, NOTHING, states)
    desk.go(HOME, NOTHING, states)
    assert [one.unread for one in desk.seen(states)] == [0, 0, 1]
    later = (PlaceState(HOME, 1), PlaceState(DAVE, 2, 4, 11), PlaceState(ERIN, 3, 1, 11))
    assert [one.unread for one in desk.seen(later)] == [0, 1, 1]
    desk.go(ERIN, NOTHING, later[:1])  # dave gave way, and came back with a later count
    assert [one.unread for one in desk.seen(later)] == [0, 4, 0]


NAMES = ("dave", "erin", "frank")
LINES = (
    "#lab psst", "/part", "/to lab psst",
    "hello", "dave is wrong", "/who", "/add frank", "\\q", "go on", " dave x", "EXIT",
    "@erin dave is late", "GO erin", "GO", "/go dave", "CHAT frank",
)  # fmt: skip


class Typist(RuleBasedStateMachine):
    """Somebody types, goes elsewhere and presses Enter while conversations come and go.

    The world has a conversation, or a message that is written, or neither; the model knows
    for every line what its user was shown when it was begun, or when it was held back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.home = Target()  # what home means now
        self.rooms: dict[str, tuple[str, ...]] = {}  # mine, and the others in them
        self.text = NOTHING  # behind the prompt
        self.clock = count(1.0)
        self.known: Target | None = None  # for whom the user knows the line to be
        self.waiting: list[tuple[TypedText, Target]] = []
        self.wrongly_read: frozenset[str] = frozenset()

    @property
    def shown(self) -> Target:
        """The target that the prompt shows."""
        here = self.desk.here
        return Target(self.home.others, self.home.writing_to, here, self.rooms.get(here.room, ()))

    @property
    def context(self) -> Context:
        return Context(rooms=tuple(self.rooms))

    @property
    def states(self) -> tuple[PlaceState, ...]:
        mine = [PlaceState(Place(room=room)) for room in self.rooms]
        return (PlaceState(HOME, 1), *mine)

    # --- The world ---

    @rule(others=st.lists(st.sampled_from(NAMES), unique=True).map(tuple))
    def a_conversation_begins_changes_or_ends(self, others: tuple[str, ...]) -> None:
        self.home = Target(others)

    @rule(name=st.sampled_from(NAMES))
    def a_message_is_begun(self, name: str) -> None:
        self.home = Target(writing_to=name)

    @rule(name=st.sampled_from(("lab", "ops")), others=st.lists(st.sampled_from(NAMES)).map(tuple))
    def somebody_enters_or_leaves_a_room(self, name: str, others: tuple[str, ...]) -> None:
        self.rooms[name] = others

    @rule(name=st.sampled_from(("lab", "ops")))
    def a_room_is_left(self, name: str) -> None:
        self.desk.settle(self.states)  # as before each key
        self.rooms.pop(name, None)
        self.desk.settle(self.states)

    # --- Keys ---

    @precondition(lambda self: not self.text.text)
    @rule(line=st.sampled_from(LINES), cursor=st.integers(0, 2))
    def types(self, line: str, cursor: int) -> None:
        self.known, self.text = self.shown, TypedText(line, cursor)
        self.desk.notice(line, next(self.clock), self.shown)

    @precondition(lambda self: self.text.text)
    @rule()
    def clears(self) -> None:
        self.desk.notice("", next(self.clock), self.shown)
        self._is_at(self.desk.here, self.desk.take_up())

    @rule(place=st.sampled_from([HOME, LAB, Place(room="ops"), *(Place(n) for n in NAMES)]))
    def goes_by_a_key(self, place: Place) -> None:
        if self.text.text:
            assert self.known is not None
            self.waiting.append((self.text, self.known))
        self._is_at(place, self.desk.go(place, self.text, ()))

    @precondition(lambda self: self.text.text)
    @rule()
    def presses_enter(self) -> None:
        assert self.known is not None
        now = next(self.clock)
        assert not self.desk.is_too_soon(now)
        aimed = self.desk.aimed_at(self.shown)
        if misdirected(self.text.text, aimed, self.shown, self.context):
            self.desk.hold(now, self.shown)
            self.known = self.shown  # told so, and it stays
            return
        line, target = self.text.text, self.shown
        command = parse(line, target.within(self.context))
        before = parse(line, self.known.within(self.context))
        self.wrongly_read = self.readers(command, target) - self.readers(before, self.known)
        led = leads_to(command, self.desk.back, tuple(self.rooms), ())
        assert led is not None or not isinstance(command, Go)
        self.desk.notice("", now, target)
        here = self.desk.here if led is None else led
        there = self.desk.take_up() if led is None else self.desk.go(led, NOTHING, ())
        self._is_at(here, there)

    def _is_at(self, place: Place, there: TypedText) -> None:
        """Check that exactly what waited for this place is there."""
        for_it = [one for one in self.waiting if one[1].place.is_same(place)]
        self.text, self.known = for_it[-1] if for_it else (NOTHING, None)
        if for_it:
            self.waiting.remove(for_it[-1])
        assert there == self.text

    def readers(self, command: Command, target: Target) -> frozenset[str]:
        """Who may read what this command says at this target."""
        match command:
            case Say():
                return frozenset(target.others)
            case SayIn(room=room):
                is_here = target.place.room == room
                return frozenset(target.members if is_here else self.rooms.get(room, ()))
            case WriteLine():
                return frozenset([target.writing_to])
            case Private(name=name) | Unknown(perhaps=Private(name=name)):
                return frozenset([name])
        return frozenset()

    # --- What holds ---

    @invariant()
    def nobody_reads_what_was_not_for_them(self) -> None:
        assert not self.wrongly_read

    @invariant()
    def a_line_is_for_whom_its_user_knows_it_to_be(self) -> None:
        if self.known is not None and self.text.text:
            assert self.desk.aimed_at(self.shown) == self.known

    @invariant()
    def no_line_stands_at_another_place_unless_its_room_is_no_more(self) -> None:
        place = self.desk.aimed_at(self.shown).place
        if self.text.text and (not place.room or place.room in self.rooms):
            assert place.is_same(self.desk.here)


Typist.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestTypist = Typist.TestCase
