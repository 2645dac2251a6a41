"""With whom I have to do, by what happens."""

import pytest

from peer import events
from peer.core.reach.encounters import met_in
from tests.kit.event_texts import TEXTS


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (events.Connected(("dave", "erin")), ("dave", "erin")),
        (events.BackInConversation(("dave",)), ("dave",)),
        (events.Invited("1", "dave", ("dave", "erin")), ("dave", "dave", "erin")),
        (events.Waiting("dave"), ("dave",)),
        (events.MemberJoined("dave"), ("dave",)),
        (events.SaidPrivately("dave (NOT CONFIRMED)", "hello"), ("dave",)),
        (events.Letter("dave", 0.0, "hello"), ("dave",)),
        (events.LetterLeft("dave"), ("dave",)),
        (events.KeptForLater("dave"), ("dave",)),
        (events.SaidToAll("dave", "hello"), ()),
        (events.Came("dave"), ()),
        (events.Notice("dave"), ()),
    ],
)
def test_these_are_met(event: events.Event, names: tuple[str, ...]) -> None:
    assert met_in(event) == names


def test_every_event_can_be_asked() -> None:
    for event, _ in TEXTS:
        assert all(isinstance(name, str) for name in met_in(event))
