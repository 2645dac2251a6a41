"""One target at a time, at real terminals: drafts, what is unread, and where a line goes."""

from collections.abc import Iterator

import pytest

from tests.kit.programs import Stage
from tests.kit.terminals import Tmux, terminals

TO_DAVE, TO_ERIN = "[private] carol -> dave>", "[private] carol -> erin>"


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    yield from terminals(stage)


def test_a_draft_for_dave_waits_while_i_write_to_erin(tmux: Tmux) -> None:
    carol = tmux.peer("carol")
    dave, erin = tmux.stage.peer("dave"), tmux.stage.peer("erin")
    carol.types("GO dave", "GO erin", "GO ?")  # at once: nothing need answer in between
    carol.sees_at_last("you are here")  # by then both places have their numbers
    carol.has_prompt(TO_ERIN)
    carol.presses("M-2")
    carol.has_prompt(TO_DAVE)
    carol.types_only("you are late")
    carol.presses("Left", "Left", "Left", "Left")
    carol.presses("M-3")
    carol.has_prompt(TO_ERIN)
    carol.types("dave is late")
    erin.sees("[private] carol: dave is late")
    carol.presses("M-2")
    carol.has_prompt(f"{TO_DAVE} you are late")
    carol.types("not ")
    dave.sees("[private] carol: you are not late")
    carol.types("/go", "ROOM lab", "GO lab")
    carol.has_prompt("carol -> #lab>")
    carol.types_only("for the room")
    carol.presses("M-2")
    carol.has_prompt(TO_DAVE)
    carol.types("for dave", "GO lab")
    dave.sees("[private] carol: for dave")
    carol.has_prompt("carol -> #lab> for the room")


def test_a_line_begun_for_one_target_never_goes_to_another(tmux: Tmux) -> None:
    carol = tmux.peer("carol")
    dave, erin = tmux.stage.peer("dave"), tmux.stage.peer("erin")
    erin.types("CHAT carol")
    carol.answers("Y")
    carol.has_prompt("carol -> erin>")
    carol.types_only("for erin alone")
    carol.types_only("\x1ba")  # Alt-A: nothing is unread
    carol.sees_at_last("Nothing is unread elsewhere.")
    erin.types("QUIT CONVERSATION")
    carol.has_prompt("carol> for erin alone")
    dave.types("PRV carol hello")
    carol.toolbar_has("dave 1")
    carol.presses("M-a")
    carol.has_prompt(TO_DAVE)
    carol.types_only("for dave")

    dave.types("CHAT carol")  # which begins while a line for dave alone is typed
    carol.sees_at_last("(Y/N)")
    carol.presses("Enter")
    dave.sees("[private] carol: for dave")
    carol.answers("/y")
    carol.sees_at_last("You are now connected with dave.")
    carol.presses("M-1")  # a yes leads there, but not one that follows a refused one at once
    carol.has_prompt("carol -> dave> for erin alone")
    carol.presses("Enter")
    carol.sees("Not sent: it was for erin, and you are in a conversation with dave now.")
    carol.presses("C-c")
    carol.types("for us")
    dave.sees("carol: for us")
    dave.types("hello")
    assert not dave.has_seen("carol: for erin alone")
    assert not erin.has_seen("carol: for erin alone")


def test_alt_a_leads_to_who_wrote_first_and_counts_are_right(tmux: Tmux) -> None:
    carol = tmux.peer("carol", columns=100)
    dave, erin, frank = [tmux.stage.peer(name) for name in ("dave", "erin", "frank")]
    frank.types("CHAT carol")
    carol.answers("Y")
    carol.has_prompt("carol -> frank>")
    carol.types("/go gina")
    carol.sees("User gina does not exist!")
    carol.types("/room lab", "/add erin to lab")
    erin.sees_like("User carol asks you into the room #lab .*")
    erin.types("Y")
    carol.sees("User erin joined the room #lab.")
    erin.types("#lab hello")
    carol.toolbar_has("#lab 1")
    for person, texts in zip((frank, erin, dave), (1, 2, 3), strict=True):
        line = "text {}" if person is frank else "PRV carol text {}"
        person.types(*(line.format(number) for number in range(texts)))
        carol.toolbar_has({1: "conversation 1", 2: "erin 2", 3: "dave 3"}[texts])
    carol.toolbar_has("conversation 1 · #lab 1 · erin 2 · dave 3")
    at_lab, at_home = ("carol -> #lab>", 1), ("carol -> frank>", 1)
    for prompt, unread in ((TO_ERIN, 2), (TO_DAVE, 3), at_lab, at_home):
        carol.presses("M-a")
        carol.has_prompt(prompt)
        carol.sees_at_last(f"--- {unread} unread ---")
    carol.until(lambda: " 1" not in carol.toolbar() and " 3" not in carol.toolbar())
    carol.presses("M-4")  # gina was 2, the room 3, erin the first after
    carol.has_prompt(TO_ERIN)


def test_what_is_muted_is_counted_and_stands_below_the_divider(tmux: Tmux) -> None:
    carol = tmux.peer("carol")
    dave = tmux.stage.peer("dave")
    carol.types("MUTE dave")
    carol.sees("dave is only counted until UNMUTE dave; GO dave shows it.")
    dave.types("PRV carol one", "PRV carol #lab erin: two")
    carol.toolbar_has("dave 2")
    assert not carol.count("one")
    carol.types("GO dave")
    carol.sees("--- 2 unread ---", "[private] dave  one", "[private] dave  #lab erin: two")
    carol.has_prompt(TO_DAVE)
    carol.until(lambda: "dave 2" not in carol.toolbar())
    rows = carol.screen()
    divider = next(n for n, row in enumerate(rows) if "--- 2 unread ---" in row)
    assert "one" in rows[divider + 1]
    assert "two" in rows[divider + 2]


def test_several_targets_with_long_names_fit_into_80_columns(tmux: Tmux) -> None:
    names = [f"{letter * 30}{letter}{letter}" for letter in "def"]
    carol = tmux.peer("carol", columns=80)
    others = [tmux.stage.peer(name) for name in names]
    for name in names:
        carol.types(f"GO {name}")
        carol.has_prompt(f"[private] carol -> {name}>")
    rooms = [f"{letter * 32}" for letter in "xyz"]
    carol.presses("M-1")
    carol.types(*(f"ROOM {room}" for room in rooms))
    carol.types(f"GO {rooms[0]}")
    carol.has_prompt(f"carol -> #{rooms[0]}>")
    carol.presses("M-1")
    carol.has_prompt("carol>")
    for number, other in enumerate(others):
        other.types(*(f"PRV carol text {n}" for n in range(number + 1)))
    carol.toolbar_has("eee")
    carol.until(
        lambda: all(
            f"{letter}… {n}" in carol.toolbar() for n, letter in ((1, "d"), (2, "e"), (3, "f"))
        )
    )
    assert all(len(row) <= 80 for row in carol.screen())
    carol.presses("C-n")
    carol.has_prompt(f"[private] carol -> {names[0]}>")
    carol.presses("C-p", "C-p")
    carol.has_prompt(f"carol -> #{rooms[2]}>")


def test_go_leads_back_to_no_room_that_i_have_left(tmux: Tmux) -> None:
    carol = tmux.peer("carol")
    carol.types("ROOM lab", "ROOM ops", "/GO lab", "/GO ops")
    carol.has_prompt("carol -> #ops>")
    carol.types("/PART lab")
    carol.sees("You have left the room #lab.")
    carol.types("/GO")
    carol.has_prompt("carol>")
