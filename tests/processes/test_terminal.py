"""People at full terminals, with everything real: processes, sockets, keys, a screen."""

from collections.abc import Iterator

import pytest

from tests.processes_kit import Stage
from tests.tmux_kit import Tmux, Window, terminals


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    yield from terminals(stage)


def talk(tmux: Tmux) -> tuple[Window, Window]:
    """Carol and dave, in a conversation."""
    carol, dave = tmux.peer("carol"), tmux.peer("dave")
    carol.types("CHAT dave")
    dave.answers("Y")
    carol.has_prompt("carol -> dave>")
    dave.has_prompt("dave -> carol>")
    return carol, dave


def test_a_conversation_from_nothing(tmux: Tmux) -> None:
    carol, dave = tmux.peer("carol"), tmux.peer("dave")
    carol.sees("LIST USERS shows who is there.", "dave is online.")
    carol.has_prompt("carol>")
    carol.types_only("chat da")
    carol.presses("Tab")
    carol.has_prompt("carol> chat dave")
    carol.presses("Enter")
    dave.sees_at_last("User carol wants to chat with you. Would you like to? (Y/N)")
    carol.toolbar_has("waiting for dave")
    dave.answers("Y")
    carol.has_prompt("carol -> dave>")
    carol.toolbar_has("dave direct")

    carol.types("hello dave")
    dave.sees("hello dave", count=1)
    carol.sees("hello dave  ✓", count=1)
    dave.types("hello carol")
    carol.sees("hello carol", count=1)
    assert carol.count("hello dave") == 1

    carol.types("QUIT")
    carol.sees("You are in a conversation with dave: QUIT CONVERSATION first.")
    carol.types("QUIT CONVERSATION")
    carol.sees("You have just left your last conversation.")
    dave.sees("The conversation is over.")
    carol.has_prompt("carol>")
    carol.types("QUIT")
    carol.sees("Good bye! ☺")
    assert carol.ends() == "0"


def test_a_draft_outlives_six_hundred_texts_a_paste_and_another_width(tmux: Tmux) -> None:
    carol = tmux.peer("carol")
    dave = tmux.stage.peer("dave")
    dave.types("CHAT carol")
    carol.answers("Y")
    dave.sees("You are now connected with carol.")
    carol.has_prompt("carol -> dave>")

    draft = "Wer reitet so spaet durch Nacht und Wind? Es ist der Vater mit dem Kind."
    assert len(draft) == 72
    for at, letter in enumerate(draft):
        dave.types(*(f"text {at}.{number} of dave" for number in range(9)))
        carol.types_only(letter)
    carol.sees("text 71.8 of dave")
    carol.has_prompt(f"carol -> dave> {draft}")
    assert carol.count(" of dave") == 72 * 9
    carol.presses("Enter")
    dave.sees(f"carol: {draft}")
    carol.sees(f"{draft}  ✓", count=1)

    carol.types_only("a draft of two words and more, long enough for two rows of fifty ")
    for columns in (50, 100):
        carol.resizes(columns)
        carol.until(lambda: carol.count("carol -> dave> a draft of two") == 1, "the draft")
        carol.until(lambda: carol.count("ACTIVE") + carol.count("BUSY") == 1, "one toolbar")
    carol.presses("C-c")
    carol.has_prompt("carol -> dave>")
    assert carol.count(" of dave") == 72 * 9

    carol.pastes("first line\nsecond line\nthird line")
    carol.sees_at_last("third line")
    assert carol.count("third line  ✓") == 0
    carol.presses("Enter")
    carol.sees("third line  ✓")
    dave.sees("carol: first line")
    dave.sees("    second line")
    dave.sees("    third line")

    carol.pastes("".join(f"row {number}\n" for number in range(6)) + "the last row")
    carol.sees_at_last("the last row")
    carol.presses("Enter")
    carol.sees_at_last("These are 7 lines: Enter once more sends them, Ctrl-C clears them.")
    carol.presses("Enter")
    dave.sees("    the last row")
    carol.has_prompt("carol -> dave>")
