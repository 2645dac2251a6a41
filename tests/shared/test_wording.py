import errno

import pytest

from shared.errors import Refused
from shared.wording import clause, sentence, system_reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "could not write to /tmp/Chat: disk is full",
            "Could not write to /tmp/Chat: disk is full.",
        ),
        ("You are in no conversation.", "You are in no conversation."),
        ("who is it?", "Who is it?"),
        ("", "."),
    ],
)
def test_a_failure_becomes_a_sentence_and_keeps_its_capital_letters(
    text: str, expected: str
) -> None:
    assert sentence(Refused(text)) == expected


def test_a_failure_becomes_a_part_of_a_sentence() -> None:
    assert clause(Refused("dave is offline.")) == "dave is offline"


def test_the_reason_of_the_system_is_without_its_number() -> None:
    assert system_reason(OSError(errno.ENOSPC, "No space left")) == "no space left"
    assert system_reason(RuntimeError("Symlink loop")) == "symlink loop"
