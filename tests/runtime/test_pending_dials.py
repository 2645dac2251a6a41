"""A dial that somebody joins shortly before its end is repeated, but only once."""

import pytest
import trio
from trio.testing import MockClock

from peer.runtime.link.pending_dials import BRIEF_SECONDS, JOINS_LATE, PendingDial, PendingDials
from shared.messages.spots import Knocks


def begun(pending: PendingDials, knock: Knocks | None = None) -> PendingDial:
    assert pending.begin("dave", knock)
    dial = pending.of("dave")
    assert dial is not None
    return dial


async def test_who_joins_late_gets_one_more_dial_and_no_second_one(
    autojump_clock: MockClock,
) -> None:
    pending = PendingDials()
    dial = begun(pending)
    await trio.sleep(JOINS_LATE + 0.1)
    assert not pending.begin("Dave", whole=True)
    assert dial.is_cut_short
    dial.repeat()
    await trio.sleep(JOINS_LATE + 0.1)
    assert not pending.begin("dave", whole=True)
    assert not dial.is_cut_short


async def test_who_joins_early_or_needs_no_whole_one_gets_the_rest(
    autojump_clock: MockClock,
) -> None:
    pending = PendingDials()
    dial = begun(pending)
    await trio.sleep(JOINS_LATE - 0.1)
    pending.begin("dave", whole=True)
    await trio.sleep(1)
    pending.begin("dave")
    assert not dial.is_cut_short


async def test_who_joins_the_answer_to_a_knock_gets_a_dial_of_their_own_anyway(
    autojump_clock: MockClock,
) -> None:
    pending = PendingDials()
    dial = begun(pending, Knocks("dave", ()))
    await trio.sleep(JOINS_LATE + 0.1)
    pending.begin("dave", whole=True)
    assert dial.is_wanted
    assert not dial.is_cut_short


async def test_of_short_links_only_the_last_ones_are_remembered(
    autojump_clock: MockClock,
) -> None:
    """Each name of a stranger may come, and go at once."""
    pending = PendingDials()
    for number in range(100):
        pending.note_end(f"stranger{number}", trio.current_time())
        await trio.sleep(BRIEF_SECONDS / 10)
    assert len(pending._brief) <= 11
    pending.note_end("dave", trio.current_time())
    begun = trio.current_time()
    await pending.wait_turn("dave")
    assert trio.current_time() == pytest.approx(begun + BRIEF_SECONDS)
