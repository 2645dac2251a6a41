"""All that may cross while a registration moves to another directory."""

import pytest

from peer.core.reach.handover import GHOST_SECONDS, MOVE_PAUSE, Handover, Takeover

LATER = GHOST_SECONDS + 1


@pytest.fixture
def moving() -> Handover[str]:
    """Registered over a link for long, and told to move."""
    handover: Handover[str] = Handover()
    handover.registered("old", 0.0)
    assert handover.begin("old", 0.0)
    return handover


def test_welcome_then_takeover(moving: Handover[str]) -> None:
    moving.asked(LATER)
    moving.moved("new", LATER)
    assert moving.taken_over("old", LATER) is Takeover.OURS
    assert not moving.ended("old")
    assert moving.ended("new")


def test_takeover_overtakes_welcome(moving: Handover[str]) -> None:
    moving.asked(LATER)
    assert moving.taken_over("old", LATER) is Takeover.PERHAPS_OURS
    assert not moving.ended("old")
    moving.moved("new", LATER)
    assert moving.ended("new")


def test_takeover_comes_and_the_try_fails_then(moving: Handover[str]) -> None:
    moving.asked(LATER)
    assert moving.taken_over("old", LATER) is Takeover.PERHAPS_OURS
    assert not moving.ended("old")
    assert moving.given_up(), "now it is lost, and not before"
    assert not moving.ended("old")


def test_takeover_comes_and_the_try_fails_before_the_link_ends(moving: Handover[str]) -> None:
    moving.asked(LATER)
    assert moving.taken_over("old", LATER) is Takeover.PERHAPS_OURS
    assert not moving.given_up()
    assert moving.ended("old")


def test_the_try_fails_and_its_takeover_comes_late(moving: Handover[str]) -> None:
    moving.asked(LATER)
    assert not moving.given_up()
    assert moving.taken_over("old", LATER + 1) is Takeover.GHOST
    assert moving.ended("old"), "come back"


def test_the_try_fails_before_iam_and_another_program_comes(moving: Handover[str]) -> None:
    assert not moving.given_up()
    assert moving.taken_over("old", LATER) is Takeover.ANOTHER


def test_another_program_comes_before_our_iam(moving: Handover[str]) -> None:
    assert moving.taken_over("old", LATER) is Takeover.ANOTHER
    assert moving.ended("old")


def test_the_old_link_breaks_meanwhile(moving: Handover[str]) -> None:
    moving.asked(LATER)
    assert moving.ended("old"), "nobody says that we are registered elsewhere"


def test_the_new_link_breaks_while_the_old_one_is_there(moving: Handover[str]) -> None:
    moving.asked(LATER)
    moving.moved("new", LATER)
    assert moving.ended("new")
    assert not moving.ended("old")


def test_there_is_one_try_at_a_time_and_then_a_pause(moving: Handover[str]) -> None:
    assert not moving.begin("old", LATER)
    assert not moving.given_up()
    assert not moving.begin("old", MOVE_PAUSE - 0.1)
    assert moving.begin("old", MOVE_PAUSE)


def test_a_move_may_follow_another(moving: Handover[str]) -> None:
    moving.asked(LATER)
    moving.moved("new", LATER)
    assert not moving.begin("old", LATER), "we are not there any more"
    assert moving.begin("new", LATER)
    moving.asked(LATER)
    moving.moved("newest", LATER)
    assert not moving.ended("new")
    assert moving.taken_over("old", LATER) is Takeover.OURS
    assert moving.taken_over("new", LATER) is Takeover.OURS


def test_somebody_takes_over_at_the_new_directory(moving: Handover[str]) -> None:
    moving.asked(0.0)
    moving.moved("new", 0.0)
    assert moving.taken_over("new", LATER) is Takeover.ANOTHER


def test_a_ghost_is_met_once() -> None:
    handover: Handover[str] = Handover()
    handover.registered("first", 0.0)
    assert handover.taken_over("first", 1.0) is Takeover.GHOST
    assert handover.ended("first")
    handover.registered("second", 2.0)
    assert handover.taken_over("second", 3.0) is Takeover.ANOTHER


def test_coming_back_forgets_the_try(moving: Handover[str]) -> None:
    moving.asked(LATER)
    assert moving.ended("old")
    moving.registered("back", LATER)
    assert moving.begin("back", LATER)
    assert moving.taken_over("back", 3 * LATER) is Takeover.ANOTHER
