"""A line goes where it was begun for, or nowhere: at real terminals."""

from collections.abc import Iterator

import pytest

from tests.kit.programs import HOST, Stage, tool
from tests.kit.terminals import Tmux, Window, terminals

HELD = "Not sent."  # below the line that stays


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    yield from terminals(stage)


def connects(one: Window, other: Window) -> None:
    one.types(f"CHAT {other.name}")
    other.answers("Y")
    one.has_prompt(f"{one.name} -> {other.name}>")
    other.has_prompt(f"{other.name} -> {one.name}>")


def test_a_text_about_somebody_does_not_reach_them_when_the_conversation_ends(tmux: Tmux) -> None:
    carol, dave, erin = (tmux.peer(name) for name in ("carol", "dave", "erin"))
    connects(carol, erin)
    carol.types_only("dave is wrong about the budget")
    carol.has_prompt("carol -> erin> dave is wrong about the budget")
    erin.types("\\q")
    carol.sees("The conversation is over.")
    carol.has_prompt("carol> dave is wrong about the budget")
    carol.presses("Enter")
    carol.sees("Not sent: it was for erin, and the conversation is over. Enter again: a private")
    carol.sees_at_last(HELD)
    carol.has_prompt("carol> dave is wrong about the budget")
    carol.presses("C-c")
    carol.types("PRV dave hello")
    dave.sees("hello")
    assert not dave.count("budget")


def test_a_message_for_somebody_away_does_not_reach_who_is_named_in_it(tmux: Tmux) -> None:
    carol, dave, erin = (tmux.peer(name) for name in ("carol", "dave", "erin"))
    carol.sees("erin is online.")
    erin.types("QUIT")
    erin.sees_at_last("shell$")
    carol.sees("erin is offline.")
    carol.types("CHAT erin")
    carol.sees("Would you like to leave a message? (Y/N)")
    carol.answers("Y")
    carol.has_prompt("leave for erin>")
    carol.types_only("dave will be fired on Mon")
    carol.has_prompt("leave for erin> dave will be fired on Mon")
    erin.starts()
    carol.sees("User erin is online now.")
    carol.has_prompt("carol> dave will be fired on Mon")
    carol.types_only("day")
    carol.presses("Enter")
    carol.sees("Not sent: it was a message for erin, and that has ended.")
    carol.presses("C-c")
    carol.types("PRV dave hello")
    dave.sees("hello")
    assert not dave.count("fired")


def test_a_private_line_is_no_text_for_who_says_yes_meanwhile(tmux: Tmux) -> None:
    carol, dave, erin = (tmux.peer(name) for name in ("carol", "dave", "erin"))
    carol.types("CHAT dave")
    dave.sees("Would you like to? (Y/N)")
    carol.types_only("PRV erin dave is late")
    carol.has_prompt("carol> PRV erin dave is late")
    dave.answers("Y")
    carol.has_prompt("carol -> dave> PRV erin dave is late")
    carol.presses("Enter")
    carol.sees("Not sent: it was begun as a command, and you are in a conversation with dave now.")
    carol.presses("Home")
    carol.types_only("/")
    carol.has_prompt("carol -> dave> /PRV erin dave is late")
    carol.until(lambda: _is_sent(carol, erin), "the private line sent")
    carol.types("hello")
    dave.sees("hello")
    assert not dave.count("late")


def _is_sent(carol: Window, erin: Window) -> bool:
    """Press Enter; the first half second after a line was held back it does nothing."""
    carol.presses("Enter")
    return bool(erin.count("dave is late"))


def test_who_joins_does_not_read_what_was_begun_before(tmux: Tmux) -> None:
    carol, dave, erin = (tmux.peer(name) for name in ("carol", "dave", "erin"))
    connects(carol, dave)
    carol.types_only("between the two of us")
    carol.has_prompt("carol -> dave> between the two of us")
    dave.types("ADD erin")
    erin.answers("Y")
    carol.sees("User erin joined the conversation.")
    carol.has_prompt("carol -> dave, erin> between the two of us")
    carol.presses("Enter")
    carol.sees("Not sent: it was for dave, and erin has joined.")
    carol.presses("C-c")
    carol.types("hello")
    erin.sees("hello")
    assert not erin.count("between the two of us")


# --- The first questions ----------------------------------------------------------


def asks(tmux: Tmux) -> Window:
    """A program that nobody told who they are."""
    window = tmux.window("nobody")
    window.types(f"clear; {tool('peer')}")
    window.sees("Your name:")
    window.toolbar_has("not registered")
    return window


def test_the_first_questions_can_be_left_and_their_answers_stay_visible(tmux: Tmux) -> None:
    window = asks(tmux)
    window.types("carol")
    window.sees("> carol", "The host where the directory runs:")
    window.presses("C-c")
    assert window.ends() == "130"


@pytest.mark.parametrize(
    ("words", "asked"), [(f"rita {HOST}", "Its port [5000]:"), ("rita --no-find", "The host where")]
)
def test_a_question_for_what_was_left_out_stands_above_a_prompt_of_nobody(
    tmux: Tmux, words: str, asked: str
) -> None:
    window = tmux.window("rita")
    window.types(f"clear; {tool('peer')} {words}")
    window.sees(asked)
    window.toolbar_has("not registered")
    window.types_only("57")
    window.has_prompt("> 57")
    assert "not registered" in window.toolbar()
    assert not window.count("unknown command")


def test_ctrl_d_leaves_the_first_questions(tmux: Tmux) -> None:
    window = asks(tmux)
    window.presses("C-d")
    assert window.ends() == "0"
