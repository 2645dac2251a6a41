"""Texts go to the screen, and from there to the disk in the same order."""

from peer import events
from peer.core.conversation import actions as talk
from peer.core.conversation.incoming.inbox import Ready
from peer.core.conversation.incoming.screen_queue import ScreenQueue
from shared.messages.peers import Text
from tests.kit.cores import CAROL, DAVE, ERIN
from tests.kit.talk import text

ONE, TWO = text(DAVE, 1), text(DAVE, 2)
OTHER = text(ERIN, 1)


def queue_with(*texts: Text) -> ScreenQueue:
    """Return carol's queue, with these texts on the way to the screen."""
    queue = ScreenQueue(CAROL)
    queue.show(map(Ready, texts))
    return queue


def test_a_text_is_kept_once_it_was_shown() -> None:
    queue = queue_with(ONE)
    assert queue.keep_shown() == []
    assert queue.note_shown(ONE)
    assert queue.keep_shown() == [talk.Keep(ONE)]
    assert not queue.is_empty, "it is not on disk yet"
    queue.kept()
    assert queue.is_empty


def test_none_is_kept_before_an_earlier_one() -> None:
    queue = queue_with(ONE, OTHER)
    queue.note_shown(OTHER)
    assert queue.keep_shown() == []
    queue.note_shown(ONE)
    assert queue.keep_shown() == [talk.Keep(ONE), talk.Keep(OTHER)]


def test_a_gap_is_shown_before_the_text() -> None:
    ready = [Ready(ONE, gap=True), Ready(OTHER)]
    shown = [talk.Show(events.Missing()), talk.Read(ONE), talk.Read(OTHER)]
    assert ScreenQueue(CAROL).show(ready) == shown


def test_a_text_of_mine_that_my_disk_had_lost_is_not_shown() -> None:
    mine = text(CAROL, 1)
    assert ScreenQueue(CAROL).show([Ready(mine)]) == [talk.Keep(mine)]


def test_what_is_discarded_is_neither_kept_nor_waited_for() -> None:
    queue = queue_with(ONE, TWO, OTHER)
    queue.note_shown(TWO)
    queue.note_shown(OTHER)
    assert queue.discard([ONE, TWO, text(DAVE, 3)]) == [ONE, TWO]
    assert queue.keep_shown() == [talk.Keep(OTHER)]
    assert not queue.note_shown(ONE)
    queue.kept()
    assert queue.is_empty
