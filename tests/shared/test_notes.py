"""A note with a status is one line that acts on no screen (`shared.notes`)."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.clean import on_one_line
from shared.messages.common import NOTE_CHARACTERS, Status
from shared.notes import harmless_note, with_note

ANYTHING = st.text(max_size=200) | st.text(st.sampled_from("\t\n\x1b\u202e\u200d\u0301 a"))


@given(ANYTHING)
@example("x" * (NOTE_CHARACTERS - 1) + "\u200d\u200d")
@example("\t" * NOTE_CHARACTERS)
def test_whatever_comes_is_one_short_line_and_stays_as_it_is(text: str) -> None:
    note = harmless_note(text)
    assert len(note) <= NOTE_CHARACTERS
    assert note == on_one_line(note) == note.strip()
    assert harmless_note(note) == note
    assert "\n" not in note


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("  back \t at   five ", "back at five"),
        ("grüße ☺", "grüße ☺"),
        ("x" * 10_000, "x" * NOTE_CHARACTERS),
        ("\n\n", ""),
    ],
)
def test_blanks_are_one_and_what_is_too_long_is_cut(text: str, note: str) -> None:
    assert harmless_note(text) == note


def test_a_status_is_read_with_its_note() -> None:
    assert with_note(Status.BUSY, "") == "BUSY"
    assert with_note(Status.BUSY, "back at five") == "BUSY (back at five)"
