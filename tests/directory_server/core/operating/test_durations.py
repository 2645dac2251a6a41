"""Durations as an operator writes them."""

import pytest

from directory_server.core.operating.durations import parse_duration, spell_duration
from shared.errors import Refused


@pytest.mark.parametrize(
    ("text", "seconds", "words"),
    [
        ("1m", 60, "1 minute"),
        ("30m", 1_800, "30 minutes"),
        ("12H", 43_200, "12 hours"),
        ("7d", 604_800, "7 days"),
        ("2w", 1_209_600, "14 days"),
        ("3650d", 315_360_000, "3650 days"),
    ],
)
def test_a_duration_is_read_and_said(text: str, seconds: float, words: str) -> None:
    assert parse_duration(text) == seconds
    assert spell_duration(seconds) == words


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "7 d", "7y", "1.5d", "7d\n", "٧d"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a duration: write 30m, 12h, 7d or 2w") as no:
        parse_duration(text)
    assert no.value.code == "USAGE"


def test_a_duration_ends() -> None:
    with pytest.raises(Refused, match="the longest duration is 3650d"):
        parse_duration("3651d")


def test_less_than_a_minute_is_said_as_one() -> None:
    assert spell_duration(5) == "1 minute"
