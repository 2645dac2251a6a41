"""What became of a text of mine, as its handle tells it."""

from collections.abc import Callable

import trio

from peer.core.conversation.sent_text import TIMES, SentText, Times
from shared.messages.peers import Acknowledge, Members
from tests.kit.cores import CAROL, DAVE, ERIN, together
from tests.kit.talk import ID, MINE, Talk, talking, upto


class Never:
    """No progress at all."""

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await trio.sleep_forever()


def handle(carol: Talk, times: Times | None = None) -> SentText:
    """Of a text that carol says now."""
    made = SentText(carol.core, carol.core.say("hello"), Never(), times or Times(), "hello")
    carol.keeps(carol.core.flush(7.0, carol.now))
    return made


def has(carol: Talk, name: str, seq: int = 1) -> None:
    carol.hears(name, Acknowledge(ID, (upto(CAROL, seq),)))


def test_it_waits_until_it_is_on_a_disk() -> None:
    carol = talking(DAVE, ERIN)
    text = handle(carol)
    assert text.states() == {"dave": "waiting", "erin": "waiting"}
    has(carol, DAVE)
    assert text.states() == {"dave": "delivered", "erin": "waiting"}
    assert not text.is_everywhere
    has(carol, ERIN)
    assert text.is_everywhere
    assert (text.state("dave"), text.state("nobody")) == ("delivered", "waiting")


def test_whoever_waits_for_it_goes_on_when_it_is_everywhere() -> None:
    carol = talking(DAVE)
    text = handle(carol)
    has(carol, DAVE)
    trio.run(text.delivered)


def test_whoever_waits_for_one_disk_goes_on_at_the_first_one() -> None:
    carol = talking(DAVE, ERIN)
    text = handle(carol)
    assert not text.is_somewhere
    has(carol, DAVE)
    assert text.is_somewhere
    trio.run(text.reached)


def test_nobody_waits_for_a_disk_when_nobody_is_there() -> None:
    carol = talking(DAVE)
    text = handle(carol)
    carol.core.link_lost(DAVE, carol.now)
    carol.passes(100)
    trio.run(text.reached)
    assert not text.is_somewhere


def test_what_was_left_in_a_mailbox_says_so() -> None:
    carol = talking(DAVE, ERIN)
    text = handle(carol)
    carol.core.link_lost(DAVE, carol.now)
    carol.passes(100)
    carol.core.mailbox.was_left(DAVE, MINE, 1)
    assert text.state("dave") == "left"


def test_who_came_later_has_no_part_in_it() -> None:
    carol = talking(DAVE)
    text = handle(carol)
    carol.hears(DAVE, Members(ID, together(CAROL, DAVE, ERIN)))
    assert list(text.states()) == ["dave"]
    assert list(handle(carol).states()) == ["dave", "erin"]


def test_the_time_of_an_acknowledgement_is_kept() -> None:
    carol, times = talking(DAVE), Times()
    text = handle(carol, times)
    assert text.delivered_at("dave") is None
    times.note(ID, DAVE, MINE, 1, 40.0)
    times.note(ID, DAVE, MINE, 2, 50.0)
    assert text.delivered_at("dave") == 40.0
    times.forget("another")
    assert times.of(ID, DAVE, MINE, 2) == 50.0
    times.forget(ID)
    assert text.delivered_at("dave") is None


def test_only_the_last_times_are_kept() -> None:
    times = Times()
    for seq in range(1, TIMES + 2):
        times.note(ID, DAVE, MINE, seq, float(seq))
    assert times.of(ID, DAVE, MINE, 1) == 2.0  # that of the second stands for the first
    assert times.of(ID, DAVE, MINE, TIMES + 2) is None
