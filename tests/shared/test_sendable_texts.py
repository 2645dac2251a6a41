"""A text is one that a message can carry (`shared.texts`)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Refused
from shared.messages.common import TEXT_CHARACTERS
from shared.texts import sendable, whole_characters


@given(st.text(st.characters(exclude_categories=())))
def test_every_text_can_be_sent_and_stays_as_it_is_where_it_can(text: str) -> None:
    sent = sendable(text)
    assert msgspec.json.decode(msgspec.json.encode(sent)) == sent
    assert len(sent) == len(text)
    assert all(
        one in (other, "\N{REPLACEMENT CHARACTER}") for one, other in zip(sent, text, strict=True)
    )


def test_a_half_character_is_replaced() -> None:
    assert whole_characters("a\udcffb\ud83d") == sendable("a\udcffb\ud83d") == "a\ufffdb\ufffd"


def test_the_longest_text_is_sent_and_a_longer_one_refused() -> None:
    longest = "x" * TEXT_CHARACTERS
    assert sendable(longest) == longest
    with pytest.raises(Refused, match="too long: 8,001 characters, at most 8,000 are possible"):
        sendable(longest + "x")
