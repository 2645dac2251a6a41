"""What a user reads, to the letter (PRODUCT.md)."""

import pytest

from peer import events, letter_events
from peer.events import Event
from tests.kit.event_texts import TEXTS


@pytest.mark.parametrize(("event", "text"), TEXTS, ids=lambda one: type(one).__name__)
def test_the_text_of_line_mode(event: Event, text: str) -> None:
    assert str(event) == text
    assert event.lines() == [text]


def test_every_event_has_a_text() -> None:
    with pytest.raises(NotImplementedError):
        Event().said()
    modules = (events.__name__, letter_events.__name__)
    theirs = {kind for kind in Event.__subclasses__() if kind.__module__ in modules}
    assert {type(event) for event, _ in TEXTS} == theirs


def test_what_others_wrote_stands_apart_from_what_is_ours() -> None:
    assert events.Said("carol", "a\nb").said() == ("carol: ", "a\nb")
    assert events.Letter("carol", 0.0, "x").said()[1] == "x"
