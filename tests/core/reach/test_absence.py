"""Who was out of reach: I, or all the others."""

import trio

from peer.core.reach.absence import (
    BREAK_SECONDS,
    EXCUSE_SECONDS,
    LOST_SECONDS,
    STANDSTILL,
    TOGETHER_SECONDS,
    Absence,
    Heartbeat,
)
from tests.kit.community import Community
from tests.kit.gathering import adds

# --- Standing still -----------------------------------------------------------------


def test_a_heart_that_beats_stands_still_for_no_time() -> None:
    heart = Heartbeat()
    assert heart.beat(1_000.0, 5.0) == 0.0
    assert heart.beat(1_000.0 + STANDSTILL, 5.0 + STANDSTILL) == 0.0


def test_a_program_that_was_stopped_and_a_machine_that_slept() -> None:
    heart = Heartbeat()
    heart.beat(0.0, 0.0)
    assert heart.beat(74.0, 74.0) == 74.0
    assert heart.beat(75.0, 3_675.0) == 3_601.0, "asleep the monotonic clock stands"
    assert heart.beat(76.0, 0.0) == 0.0, "somebody sets the clock back"


# --- Whose absence ------------------------------------------------------------------


def test_others_who_vanish_are_not_excused() -> None:
    absence = Absence()
    assert absence.back(0.0) is None
    absence.alone(10.0)
    assert not absence.excuses(10.0 + LOST_SECONDS)
    assert absence.back(500.0) is None


def test_after_a_standstill_all_are_excused_for_a_while() -> None:
    absence = Absence()
    absence.slept(74.0, 100.0)
    assert not absence.excuses(100.0), "nobody seems to be lost"
    absence.link_lost(101.0)
    assert absence.excuses(101.0)
    assert not absence.excuses(100.0 + BREAK_SECONDS)
    assert absence.back(102.0) == 76.0
    assert absence.back(103.0) is None


def test_a_second_standstill_makes_the_absence_longer() -> None:
    absence = Absence()
    absence.slept(10.0, 100.0)
    absence.slept(20.0, 130.0)
    absence.link_lost(131.0)
    assert absence.back(132.0) == 42.0


def test_a_standstill_that_broke_nothing_is_forgotten() -> None:
    absence = Absence()
    absence.slept(74.0, 100.0)
    absence.link_lost(100.0 + BREAK_SECONDS)
    assert not absence.excuses(200.0)
    absence.alone(200.0)
    assert absence.back(201.0) is None


def test_whoever_lost_the_directory_too_was_away() -> None:
    for is_lost_first in (True, False):
        absence = Absence()
        if is_lost_first:
            absence.directory(10.0 - TOGETHER_SECONDS, is_there=False)
            assert not absence.is_cut_off
        absence.alone(10.0)
        absence.directory(40.0, is_there=False)
        assert absence.is_cut_off
        assert absence.excuses(500.0)
        absence.directory(500.0, is_there=True)
        assert not absence.excuses(500.0)
        assert absence.back(510.0) == 500.0
        assert not absence.is_cut_off


def test_who_vanishes_long_after_the_directory_is_not_excused() -> None:
    """The links to them worked without it; so it is not my cable."""
    absence = Absence()
    absence.directory(0.0, is_there=False)
    absence.alone(1.0 + TOGETHER_SECONDS)
    assert not absence.is_cut_off
    assert not absence.excuses(20.0 + LOST_SECONDS)


def test_nobody_is_excused_for_ever() -> None:
    absence = Absence()
    absence.directory(10.0, is_there=False)
    absence.alone(10.0)
    assert absence.excuses(9.0 + EXCUSE_SECONDS)
    assert not absence.excuses(10.0 + EXCUSE_SECONDS)


def test_a_short_one_needs_no_word() -> None:
    absence = Absence()
    absence.directory(10.0, is_there=False)
    absence.alone(10.0)
    assert absence.back(9.0 + LOST_SECONDS) is None


# --- On the screen ------------------------------------------------------------------


async def test_who_pulls_the_own_cable_reads_that_the_others_went_on(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await adds(carol, erin)
    await trio.sleep(5)
    carol.vanishes()
    await dave.sees("User carol left the conversation (connection lost).", within=80)
    await carol.sees("Lost the directory, trying again.", within=80)
    await trio.sleep(60)
    carol.returns()
    told = await carol.sees_part("You were out of reach for ", within=40)
    assert told.endswith("; dave and erin went on.") or told.endswith("; erin and dave went on.")
    await erin.sees("User carol joined the conversation.")
    await trio.sleep(30)
    for never in (
        "left the conversation",
        "The conversation is over",
        "dave is back",
        "erin is back",
    ):
        carol.never_saw(never)
    await carol.types("here I am")
    await dave.sees("carol: here I am")


async def test_who_sees_the_directory_reads_that_the_others_are_gone(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await adds(carol, erin)
    await dave.is_killed()
    await erin.is_killed()
    await carol.sees_part("left the conversation (connection lost).", within=80)
    await carol.sees("The conversation is over.", within=20)
    carol.never_saw("out of reach")
