import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Refused
from shared.names import NAME_CHARACTERS, check_name, fold, is_name


@pytest.mark.parametrize("name", ["a", "7", "carol", "Carol.O-Hara_2", "x" * NAME_CHARACTERS])
def test_letters_digits_dots_dashes_and_underscores_make_a_name(name: str) -> None:
    assert is_name(name)
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("x" * 33, "it is longer than 32 characters"),
        (".carol", "it must begin with a letter or a digit"),
        ("-x", "it must begin with a letter or a digit"),
        ("élise", "it must begin with a letter or a digit"),
        ("ca rol", 'only the letters a to z, digits, ".", "_" and "-" may be used'),
        ("carol\n", 'only the letters a to z, digits, ".", "_" and "-" may be used'),
        ("car\N{CYRILLIC SMALL LETTER O}l", "only the letters a to z"),
        ("carol\N{ARABIC-INDIC DIGIT ONE}", "only the letters a to z"),
    ],
)
def test_who_types_a_name_that_is_not_valid_learns_why(text: str, reason: str) -> None:
    assert not is_name(text)
    with pytest.raises(Refused) as refused:
        check_name(text)
    assert str(refused.value).startswith(f'"{text}" is not a valid name: {reason}')
    assert refused.value.code == "NAME"


def test_names_that_differ_only_in_case_are_the_same_name() -> None:
    assert fold("Carol") == fold("cAROL") == "carol"
    assert fold("carol") != fold("carol2")


@settings(derandomize=True, deadline=None)
@given(st.text() | st.text("aZ9._-é\n", max_size=40))
def test_every_text_is_a_name_or_refused_and_folding_keeps_it_so(text: str) -> None:
    if is_name(text):
        assert text.isascii()
        assert 1 <= len(text) <= NAME_CHARACTERS
        assert is_name(fold(text))
        assert fold(fold(text)) == fold(text)
    else:
        with pytest.raises(Refused):
            check_name(text)
