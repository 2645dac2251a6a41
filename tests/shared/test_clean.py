import io
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from shared.clean import INDENT, MARKS, clean, lines_of, on_one_line

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
ANY_TEXT = st.text(
    st.characters()
    | st.characters(categories=["Cc", "Cf", "Cs", "Mn"])
    | st.sampled_from("\r\n\u2028\u202e\x1b\x9b\u200d\u0301")
)


def is_forbidden(character: str) -> bool:
    code = ord(character)
    return (
        (code < 0x20 and character != "\n")
        or 0x7F <= code <= 0x9F
        or 0xD800 <= code <= 0xDFFF
        or 0xFDD0 <= code <= 0xFDEF
        or code & 0xFFFE == 0xFFFE
        or 0xE0000 <= code <= 0xE007F
        or character in "\u2028\u2029"
        or (unicodedata.category(character) == "Cf" and character not in "\u200c\u200d")
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\x00b\bc", "a␀b␈c"),
        ("a\x7fb", "a␡b"),
        ("a\x9b31mb", "a�31mb"),
        ("gnp.\u202egpj", "gnp.�gpj"),
        ("\u2066a\u2069", "�a�"),
        ("a\u200e\u200f\u061cb", "ab"),
        ("a\u200b\ufeff\u00ad\u2060b", "ab"),
        ("\U000e0041\U000e007fa", "a"),
        ("a\ud800b\udcff", "a�b�"),
        ("a\ufffe\ufdd0\U0001ffffb", "a���b"),
        ("\u0378\U000e0fff", "��"),
        ("a\tb", "a    b"),
        ("[/x] [bold]b", "[/x] [bold]b"),
    ],
)
def test_what_would_act_on_the_terminal_is_shown_or_removed(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_every_line_break_becomes_a_newline(line_break: str) -> None:
    assert clean(f"a{line_break}b") == "a\nb"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "".join(map(chr, range(0x20, 0x7F))),
        "Grüße, ça va? Ελληνικά, русский, עברית, العربية, हिन्दी, ไทย, 한국어, 日本語, አማርኛ",
        "نمی\u200cخواهم",
        f"{FAMILY} ❤\ufe0f 👍🏽 🇪🇸 1\ufe0f\u20e3",
        "\U0001fae8 \U0001fadf",  # younger than the Unicode of Python 3.11
        "\ue0b0 ☺ ␛ � \u00a0",
        "two\nlines",
    ],
)
def test_what_people_write_is_unchanged(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("mark", ["\u0301", "\u20dd", "\u0301\u200d", "\u0301\u200b\u0301"])
def test_a_tower_of_marks_is_cut(mark: str) -> None:
    shown = clean("z" + mark * 1_000 + "a" + "\u0301" * MARKS)
    assert len(shown) == 2 * (1 + MARKS)
    assert shown.endswith("a" + "\u0301" * MARKS)


def test_a_line_break_cannot_forge_the_line_of_another() -> None:
    assert lines_of("dave: ", "hi\ncarol: hi\r\n\ncarol: bye") == [
        "dave: hi",
        f"{INDENT}carol: hi",
        INDENT,
        f"{INDENT}carol: bye",
    ]


def test_an_empty_text_is_one_line() -> None:
    assert lines_of("dave: ", "") == ["dave: "]


def test_a_name_never_takes_a_second_line() -> None:
    assert on_one_line("da\r\nve\x1b") == "da ve␛"


def test_a_prefix_is_made_harmless_too() -> None:
    assert lines_of("da\nve\x1b: ", "hi") == ["da", f"{INDENT}ve␛: hi"]


@settings(derandomize=True, deadline=None)
@given(ANY_TEXT)
def test_a_clean_text_contains_nothing_forbidden_and_stays_as_it_is(text: str) -> None:
    shown = clean(text)
    assert not any(map(is_forbidden, shown))
    assert clean(shown) == shown
    shown.encode()


@settings(derandomize=True, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_letters_numbers_and_symbols_are_unchanged(text: str) -> None:
    assert clean(text) == text


@settings(derandomize=True, deadline=None)
@given(ANY_TEXT)
def test_only_the_first_line_begins_at_the_left_and_rich_can_draw_all(text: str) -> None:
    first, *more = lines_of("dave: ", text)
    assert first.startswith("dave: ")
    assert all(line.startswith(" ") for line in more)
    assert not any(line.splitlines()[1:] for line in [first, *more])
    console = Console(file=io.StringIO(), width=40, force_terminal=True)
    for line in [first, *more]:
        console.print(Text(line))


def test_a_joiner_that_has_nothing_to_join_goes() -> None:
    """tmux 3.3 joins it with the beginning of a later line, which then moves to the left."""
    assert clean("👩\u200d\n👩\u200d\u200d") == "👩\n👩"
    assert clean(FAMILY) == FAMILY
