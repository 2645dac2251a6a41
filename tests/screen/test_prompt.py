"""The prompt, the toolbar and the title, as they follow from how things stand."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.styles import Style

from peer.core.targets.place import HOME, Place
from peer.core.targets.places import PlaceState
from peer.screen.paint.truncation import cells, cut, listed
from peer.screen.terminal.prompt import MANY_TEXTS, STYLE, TITLE_CHARACTERS, prompt, title, toolbar
from peer.screen.ui_state import Member, UiState
from shared.messages.common import Status
from tests.kit.ui_states import (
    ASKED,
    GROUP,
    NAMES,
    OUTLOOKS,
    OUTSIDE,
    TALKING,
    WRITING,
    is_harmless,
)

DAVE = Place("dave")


def text_of(fragments: StyleAndTextTuples) -> str:
    return "".join(fragment[1] for fragment in fragments)


# --- Fitting ----------------------------------------------------------------------


def test_what_is_too_wide_is_cut() -> None:
    assert cut("hello", 5) == "hello"
    assert cut("hello", 4) == "hel…"
    assert cut("日本語", 4) == "日…"
    assert cut("hello", 0) == ""


def test_names_that_do_not_fit_are_counted() -> None:
    names = ["dave", "erin", "frank", "gina", "henry"]
    assert listed(names, 40) == "dave, erin, frank, gina, henry"
    assert listed(names, 15) == "dave, erin +3"
    assert listed(names, 6) == "da… +4"
    assert listed(names, 3) == "… …"
    assert listed([], 10) == ""


@settings(derandomize=True, deadline=None)
@given(st.lists(NAMES, max_size=6), st.integers(-1, 60))
def test_a_list_of_names_is_never_wider_than_allowed(names: list[str], most: int) -> None:
    assert cells(listed(names, most)) <= max(0, most)


# --- The prompt -------------------------------------------------------------------


def test_the_prompt_says_where_enter_goes() -> None:
    assert prompt(OUTSIDE) == [("class:prompt.outside", "carol> ")]
    assert prompt(TALKING) == [("class:prompt.conversation", "carol -> dave> ")]
    assert prompt(GROUP) == [("class:prompt.group", "carol -> dave, erin> ")]
    assert prompt(WRITING) == [("class:prompt.writing", "leave for frank> ")]


def test_a_message_is_written_before_anything_is_said() -> None:
    assert prompt(replace(GROUP, writing_to="frank")) == prompt(WRITING)


def test_a_prompt_leaves_room_to_type() -> None:
    many = UiState(me="carol", members=tuple(Member(f"user{n:02}") for n in range(50)))
    assert text_of(prompt(many, 60)) == "carol -> user00, user01 +48> "
    long = UiState(me="c" * 32, members=(Member("d" * 32),))
    assert text_of(prompt(long, 40)) == "ccccccccc… -> ddddddddd…> "


# --- The toolbar ------------------------------------------------------------------


def test_with_nothing_to_tell_there_is_my_status() -> None:
    assert toolbar(OUTSIDE, 80) == [("class:toolbar.status", "ACTIVE")]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ((Member("dave"),), "dave direct"),
        ((Member("dave", False, "erin"),), "dave through erin"),
        ((Member("dave", False),), "dave lost"),
        ((Member("dave", False, lacks=2),), "dave lost (lacks 2)"),
        ((Member("dave"), Member("erin", False, "dave")), "dave direct, erin through dave"),
    ],
)
def test_the_toolbar_tells_how_everybody_is_linked(members: tuple[Member, ...], said: str) -> None:
    assert text_of(toolbar(UiState(me="carol", members=members), 80)) == f"ACTIVE | {said}"


def test_of_many_only_bad_links_are_told() -> None:
    many = tuple(Member(f"user{n:02}") for n in range(50))
    bad = (*many[:49], Member("erin", False))
    assert (
        text_of(toolbar(UiState(me="carol", members=many), 80)) == "ACTIVE | 50 others: all direct"
    )
    assert text_of(toolbar(UiState(me="carol", members=bad), 80)) == "ACTIVE | 50 others: erin lost"
    assert text_of(toolbar(UiState(me="carol", members=many), 20)) == "ACTIVE | 50 others"
    assert text_of(toolbar(UiState(me="carol", members=bad), 20)) == "50 others: erin lost"
    assert text_of(toolbar(UiState(me="carol", members=bad), 18)) == "ACTIVE | erin lost"
    assert text_of(toolbar(UiState(me="carol", members=bad), 17)) == "erin lost"


@pytest.mark.parametrize(
    ("questions", "invited_by", "said"),
    [
        (("carol",), ("carol",), "carol invites you: Y/N"),
        (("carol",), (), "about carol: Y/N"),
        (("carol", "erin"), ("carol", "erin"), "carol, erin ask: Y name"),
        (("carol", "erin"), ("carol",), "about carol, erin: Y name"),
        (("carol", "carol"), ("carol",), "carol invites you: Y/N"),
    ],
)
def test_open_questions_stand_in_the_toolbar(
    questions: tuple[str, ...], invited_by: tuple[str, ...], said: str
) -> None:
    outlook = UiState(me="carol", questions=questions, invited_by=invited_by)
    assert ("class:toolbar.asked", said) in toolbar(outlook, 80)


def test_the_toolbar_names_the_words_that_answer_a_question() -> None:
    outlook = UiState(me="carol", questions=("dave",), choices=("ALL", "DAVE"))
    assert ("class:toolbar.asked", "about dave: ALL/DAVE") in toolbar(outlook, 80)


def test_the_toolbar_tells_what_is_not_settled() -> None:
    outlook = UiState(
        me="carol", waits_for=("dave",), undelivered=2, places=(PlaceState(Place("erin"), 0, 1),)
    )
    assert (
        text_of(toolbar(outlook, 80, unread_here=4))
        == "ACTIVE | waiting for dave | erin 1 | 2 undelivered | 4 unread here"
    )


def test_what_is_unread_elsewhere_stands_in_the_toolbar_by_place() -> None:
    places = (PlaceState(HOME, 1, 2), PlaceState(Place(room="lab"), 2, 3), PlaceState(DAVE, 3, 1))
    outlook = UiState(me="carol", places=places, here=Place("gina"))
    assert text_of(toolbar(outlook, 80)) == "ACTIVE | conversation 2 · #lab 3 · dave 1"
    asked = replace(outlook, questions=("erin",), invited_by=("erin",), elsewhere=900)
    unread = "conversation 2 · #lab 3 · dave 1 · others 900"
    assert text_of(toolbar(asked, 100)) == f"ACTIVE | erin invites you: Y/N | {unread}"


def test_the_toolbar_tells_once_how_many_texts_a_member_lacks() -> None:
    late = UiState(me="carol", members=(Member("dave", False, lacks=2),), undelivered=2)
    assert text_of(toolbar(late, 80)) == "ACTIVE | dave lost (lacks 2)"
    many = replace(late, members=(*(Member(f"user{n:02}") for n in range(50)), *late.members))
    assert text_of(toolbar(many, 80)) == "ACTIVE | 51 others: dave lost (lacks 2)"
    assert text_of(toolbar(many, 29)) == "dave lost | 2 undelivered"
    in_time = replace(many, members=tuple(replace(one, is_direct=True) for one in many.members))
    assert text_of(toolbar(in_time, 80)) == "ACTIVE | 51 others: all direct | 2 undelivered"


def test_places_with_long_names_fit_into_80_columns() -> None:
    names = [letter * 32 for letter in "abcd"]
    rooms = tuple(PlaceState(Place(room=name), n + 2, 3) for n, name in enumerate(names[:3]))
    places = (*rooms, PlaceState(Place("d" * 32), 5, 12))
    outlook = replace(GROUP, places=places, here=Place("e" * 32), undelivered=2)
    bars = [text_of(toolbar(outlook, width)) for width in (80, 60, 45, 40)]
    assert bars[0] == (
        "ACTIVE | 2 others | #aaaa… 3 · #bbbb… 3 · #cccc… 3 · ddddd… 12 | 2 undelivered"
    )
    assert bars[2:] == [
        "ddddd… 12 · #aaaa… 3 · +2 | 2 undelivered",
        "21 unread elsewhere | 2 undelivered",
    ]
    assert text_of(prompt(outlook, 80)) == f"[private] carol -> {'e' * 32}> "
    assert text_of(prompt(outlook, 75)) == f"[private] -> {'e' * 32}> "
    assert cells(text_of(prompt(outlook, 40))) <= 30


def test_the_prompt_names_the_person_to_whom_each_line_goes() -> None:
    at_dave = replace(GROUP, here=DAVE)
    assert prompt(at_dave) == [("class:prompt.private", "[private] carol -> dave> ")]
    assert title(at_dave) == "parley: carol -> dave"
    in_lab = replace(GROUP, here=Place(room="lab"))
    assert prompt(in_lab) == [("class:prompt.group", "carol -> #lab> ")]
    assert title(in_lab) == "parley: carol -> #lab"


def test_before_we_are_registered_there_is_one_thing_to_tell() -> None:
    connecting = UiState(me="carol", connects_to="10.0.0.5:5000")
    assert text_of(toolbar(connecting, 80)) == "connecting to 10.0.0.5:5000, QUIT gives up"
    assert text_of(toolbar(connecting, 30)) == "connecting"


def test_a_directory_that_is_gone_comes_first() -> None:
    gone = replace(TALKING, directory_is_gone=True)
    assert toolbar(gone, 80)[0] == ("class:toolbar.gone", "DIRECTORY GONE, trying again")
    assert text_of(toolbar(gone, 80)) == "DIRECTORY GONE, trying again | BUSY | dave direct"


def test_who_was_taken_over_is_not_told_of_a_directory_or_a_status() -> None:
    displaced = replace(TALKING, directory_is_gone=True, is_displaced=True)
    shown = "NOT REGISTERED: taken over by another program, QUIT"
    assert toolbar(displaced, 80)[0] == ("class:toolbar.gone", shown)
    assert text_of(toolbar(displaced, 80)) == f"{shown} | dave direct"
    assert text_of(toolbar(displaced, 40)) == "NOT REGISTERED | dave direct"
    assert text_of(toolbar(displaced, 20)) == "NOT REGISTERED"


def test_what_matters_least_gives_way_first() -> None:
    outlook = replace(ASKED, directory_is_gone=True, undelivered=1)
    lines = [text_of(toolbar(outlook, width, unread_here=3)) for width in (95, 70, 50, 30, 16, 8)]
    assert lines == [
        "DIRECTORY GONE, trying again | ACTIVE | dave, erin ask: Y name | 1 undelivered"
        " | 3 unread here",
        "DIRECTORY GONE, trying again | dave, erin ask: Y name | 1 undelivered",
        "DIRECTORY GONE | 2 ask: Y name | 1 undelivered",
        "DIRECTORY GONE | 2 ask: Y name",
        "DIRECTORY GONE",
        "DIRECTO…",
    ]


def test_a_lost_member_is_more_important_than_what_waits() -> None:
    members = (Member("dave", False),)
    outlook = UiState(me="carol", members=members, waits_for=("erin",), undelivered=3)
    assert text_of(toolbar(outlook, 10)) == "dave lost"
    good = replace(outlook, members=(Member("dave"),))
    assert text_of(toolbar(good, 20)) == "waiting for erin"


def test_who_catches_up_sees_how_much_is_to_come() -> None:
    behind = replace(TALKING, to_come=120)
    shown = "BUSY | dave direct | catching up: 120 texts to come"
    assert text_of(toolbar(behind, 80)) == shown
    assert text_of(toolbar(behind, 50)) == "dave direct | catching up: 120 texts to come"
    assert text_of(toolbar(replace(behind, to_come=9), 80)) == "BUSY | dave direct"


# --- The title --------------------------------------------------------------------


def test_the_title_says_who_talks_with_whom() -> None:
    assert title(OUTSIDE) == "parley: carol"
    assert title(GROUP, 3) == "(3) parley: carol -> dave, erin"


def test_a_name_cannot_act_on_the_window() -> None:
    evil = UiState(me="carol", members=(Member("da\x1b]0;x\x07\nve\u202e"),))
    assert title(evil) == "parley: carol -> da␛]0;x␇ ve�"


# --- Styles -----------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Of a colour such as #008700 (WCAG 2, relative luminance)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("style", STYLE.values())
def test_every_colour_can_be_read_on_black_and_on_white(style: str) -> None:
    for colour in re.findall("#[0-9a-f]{6}", style):
        light = luminance(colour)
        assert min((light + 0.05) / 0.05, 1.05 / (light + 0.05)) >= 3.8


def test_every_style_is_one_and_marks_more_than_a_colour_where_it_is_urgent() -> None:
    style = Style.from_dict(STYLE)
    for name in ("gone", "lost", "asked", "private"):
        attributes = style.get_attrs_for_style_str(f"class:toolbar.{name}")
        assert attributes.bold
        assert attributes.reverse


# --- Whatever users are called ----------------------------------------------------


@settings(derandomize=True, deadline=None)
@given(OUTLOOKS, st.integers(-5, 120), st.integers(0, 9_999))
def test_nothing_around_the_line_is_harmful_or_too_wide(
    outlook: UiState, width: int, unread: int
) -> None:
    bar = text_of(toolbar(outlook, width, unread))
    assert cells(bar) <= max(0, width)
    before = text_of(prompt(outlook, width))
    assert cells(before) <= max(30, width)
    named = title(outlook, unread)
    assert len(named) <= TITLE_CHARACTERS
    assert named.isprintable()
    assert is_harmless(bar + before + named)
    (bar + before + named).encode()


@settings(derandomize=True, deadline=None)
@given(OUTLOOKS, st.sampled_from(Status))
def test_a_wide_toolbar_tells_everything(outlook: UiState, status: Status) -> None:
    outlook = replace(outlook, me="carol", status=status, connects_to="")
    styles = {fragment[0] for fragment in toolbar(outlook, 5_000, 2)}
    is_gone = outlook.directory_is_gone or outlook.is_displaced
    assert ("class:toolbar.gone" in styles) == is_gone
    assert ("class:toolbar.status" in styles) != outlook.is_displaced
    assert ("class:toolbar.asked" in styles) == bool(outlook.questions)
    is_unread = outlook.elsewhere or any(one.unread for one in outlook.places)
    assert ("class:toolbar.private" in styles) == bool(is_unread)
    assert ("class:toolbar.waiting" in styles) == bool(outlook.waits_for)
    assert ("class:toolbar.to_come" in styles) == (outlook.to_come >= MANY_TEXTS)
    assert "class:toolbar.unread" in styles


def test_who_has_no_name_yet_is_not_registered() -> None:
    assert text_of(toolbar(UiState(), 80)) == "not registered"
