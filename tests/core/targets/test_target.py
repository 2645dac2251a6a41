"""A line goes where it was begun for, or nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from peer.commands.grammar import Context, Private, Say, Unknown, WriteLine
from peer.commands.parsing import parse
from peer.core.targets.place import Place
from peer.core.targets.target import Target, destination, listed, misdirected

PROGRAM = Target()
ERIN, DAVE = Target(("erin",)), Target(("dave",))
FRANK = Target(writing_to="frank")
LAB = Target(place=Place(room="lab"), members=("dave",))
HERE = Context()

WHY = [
    (ERIN, PROGRAM, "it was for erin, and the conversation is over"),
    (ERIN, FRANK, "it was for erin, and the conversation is over"),
    (ERIN, DAVE, "it was for erin, and you are in a conversation with dave now"),
    (DAVE, Target(("dave", "erin")), "it was for dave, and erin has joined"),
    (Target(("dave", "erin")), DAVE, "it was for dave and erin, and erin has left"),
    (
        Target(("dave", "erin")),
        Target(("dave", "frank", "gina")),
        "it was for dave and erin, and frank and gina have joined and erin has left",
    ),
    (FRANK, PROGRAM, "it was a message for frank, and that has ended"),
    (FRANK, DAVE, "it was a message for frank, and you are in a conversation with dave now"),
    (
        FRANK,
        Target(writing_to="gina"),
        "it was a message for frank, and you are writing a message for gina now",
    ),
    (Target(place=Place("dave")), PROGRAM, "it was for dave alone, and you are elsewhere now"),
    (
        Target(place=Place("dave")),
        DAVE,
        "it was for dave alone, and you are in a conversation with dave now",
    ),
    (
        Target(("dave",), place=Place("dave")),
        Target(("dave",)),
        "it was for dave alone, and you are in a conversation with dave now",
    ),
    (ERIN, Target(place=Place("dave")), "it was for erin, and you write to dave alone now"),
    (
        Target(place=Place("dave")),
        Target(place=Place("gina")),
        "it was for dave alone, and you write to gina alone now",
    ),
    (LAB, PROGRAM, "it was for #lab, and you are elsewhere now"),
    (LAB, DAVE, "it was for #lab, and you are in a conversation with dave now"),
    (LAB, Target(place=Place("dave")), "it was for #lab, and you write to dave alone now"),
    (ERIN, LAB, "it was for erin, and each line is for #lab now"),
    (
        LAB,
        Target(place=Place(room="lab"), members=("dave", "erin")),
        "it was for #lab, and erin has joined",
    ),
    (LAB, Target(place=Place(room="lab")), "it was for #lab, and dave has left"),
    (PROGRAM, DAVE, "it was begun as a command, and you are in a conversation with dave now"),
    (PROGRAM, FRANK, "it was begun as a command, and you are writing a message for frank now"),
]


@pytest.mark.parametrize(("begun", "now", "why"), WHY)
def test_a_line_whose_target_has_changed_is_held_back(begun: Target, now: Target, why: str) -> None:
    assert misdirected("dave is wrong about the budget", begun, now, HERE) == why


@pytest.mark.parametrize("target", [PROGRAM, ERIN, FRANK, LAB, Target(("dave", "erin"))])
def test_a_line_whose_target_is_the_same_goes(target: Target) -> None:
    assert misdirected("dave is wrong", target, target, HERE) == ""


def test_a_line_that_names_its_room_goes_there_whoever_joins() -> None:
    more = Target(place=Place(room="lab"), members=("dave", "erin"))
    context = Context(rooms=("lab",))
    assert misdirected("#lab hello", LAB, more, context) == ""
    assert misdirected("/to lab hello", LAB, PROGRAM, context) == ""
    assert misdirected("hello", LAB, more, context)


def test_neither_the_order_of_names_nor_their_case_is_a_change() -> None:
    begun, now = Target(("dave", "Erin")), Target(("erin", "dave"))
    assert misdirected("hello", begun, now, HERE) == ""


@pytest.mark.parametrize("line", ["/who", "LIST USERS", "/prv erin hello", "@erin hello", ""])
def test_a_command_that_means_the_same_everywhere_goes(line: str) -> None:
    assert misdirected(line, ERIN, DAVE, HERE) == ""
    assert misdirected(line, ERIN, PROGRAM, HERE) == ""


def test_a_private_line_does_not_depend_on_the_conversation() -> None:
    begun, now = Target(("erin",), place=Place("dave")), Target(place=Place("DAVE"))
    assert misdirected("hello", begun, now, HERE)  # it is another spelling, and so another line
    now = Target(place=Place("dave"))
    assert misdirected("hello", begun, now, HERE) == ""
    assert misdirected("/add frank", begun, now, HERE) == (
        "it was for erin, and the conversation is over"
    )


@pytest.mark.parametrize("line", ["ADD frank", "QUIT CONVERSATION", "/add frank"])
def test_a_command_that_acts_on_the_conversation_is_held_back(line: str) -> None:
    assert misdirected(line, ERIN, DAVE, HERE)


@pytest.mark.parametrize(
    ("line", "now", "what"),
    [
        ("hello", Target(("dave", "erin")), "a text for dave and erin"),
        ("hello", FRANK, "a line of the message for frank"),
        ("dave hello", PROGRAM, "a private line to dave"),
        ("nice try", PROGRAM, "a private line to nice, if there is such a user"),
        ("PRV dave hello", PROGRAM, "a private line to dave"),
        ("LEAVE dave hello", PROGRAM, "a message left for dave"),
        ("MSG hello", PROGRAM, "a line to everybody online"),
        ("hello", LAB, "a text for #lab"),
        ("nonsense", PROGRAM, "an unknown command"),
        ("QUIT", PROGRAM, "the command"),
    ],
)
def test_the_user_is_told_what_enter_does_now(line: str, now: Target, what: str) -> None:
    assert destination(line, now, HERE, ["Dave"]) == what


def test_names_are_listed_as_in_a_sentence() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


NAMES = ("dave", "erin", "frank")
targets = st.one_of(
    st.just(PROGRAM),
    st.builds(Target, st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(tuple)),
    st.builds(Target, st.just(()), st.sampled_from(NAMES)),
    st.builds(
        Target,
        st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
        st.just(""),
        st.builds(Place, st.sampled_from(NAMES)),
    ),
)
lines = st.sampled_from(
    [
        "hello",
        "dave is wrong",
        "/who",
        "ADD frank",
        "QUIT",
        "\\q",
        "PRV erin dave is late",
        " dave x",
    ]
)


@given(lines, targets, targets)
def test_who_reads_a_line_that_goes_is_who_would_have_read_it(
    line: str, begun: Target, now: Target
) -> None:
    if not misdirected(line, begun, now, HERE):
        assert readers(line, now) == readers(line, begun)


def readers(line: str, target: Target) -> frozenset[str]:
    """Who may read the line when Enter is pressed at this target."""
    match parse(line, target.within(HERE)):
        case Say():
            return frozenset(target.others)
        case WriteLine():
            return frozenset([target.writing_to])
        case Private(name=name) | Unknown(perhaps=Private(name=name)):
            return frozenset([name])
    return frozenset()


class Desk(RuleBasedStateMachine):
    """Somebody types while conversations begin, change and end; Enter is pressed at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = PROGRAM
        self.draft = ""
        self.known = PROGRAM  # what the user knows that the draft is for
        self.wrongly_read: frozenset[str] = frozenset()

    @rule(to=targets)
    def changes(self, to: Target) -> None:
        self.now = to

    @precondition(lambda self: not self.draft)
    @rule(line=lines)
    def types(self, line: str) -> None:
        self.draft, self.known = line, self.now

    @precondition(lambda self: self.draft)
    @rule()
    def clears(self) -> None:
        self.draft = ""

    @precondition(lambda self: self.draft)
    @rule()
    def presses_enter(self) -> None:
        if misdirected(self.draft, self.known, self.now, HERE):
            self.known = self.now  # told so, and it stays
            return
        self.wrongly_read = readers(self.draft, self.now) - readers(self.draft, self.known)
        self.draft = ""

    @invariant()
    def nobody_reads_what_was_not_for_them(self) -> None:
        assert not self.wrongly_read


TestDesk = Desk.TestCase
