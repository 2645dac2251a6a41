"""A dial that somebody joins shortly before its end is repeated, but only once."""

import trio
from trio.testing import MockClock

from peer.runtime.link.pending_dials import JOINS_LATE, PendingDial, PendingDials
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
