"""Texts that came late, and how they are told from those of a wrong clock."""

import trio

from peer.core.lateness import LATE_SECONDS, Lateness, late
from peer.core.line_window import SECONDS
from tests.kit.community import Community

NOON = 1_790_000_000.0


def test_what_came_within_a_minute_is_not_late() -> None:
    assert late(NOON, NOON + LATE_SECONDS, 0.0) is None
    assert late(NOON, NOON + LATE_SECONDS + 1, 0.0) == Lateness(NOON, NOON + LATE_SECONDS + 1)


def test_a_clock_that_is_wrong_makes_nothing_late() -> None:
    assert late(NOON - 600, NOON, 600.0) is None
    assert late(NOON + 600, NOON, -600.0) is None
    assert late(NOON + 600, NOON + 70, -600.0) == Lateness(NOON + 600, NOON + 70)
    assert late(NOON + 600, NOON + 70, 0.0) is None


async def test_a_text_that_waited_shows_when_it_was_written(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await dave.types("soon")
    await carol.sees("dave: soon")
    await community.directory.crashes()  # which would have it in a mailbox, with its time
    community.separates(carol, dave)
    await dave.types("while you were away")
    await trio.sleep(100)
    community.reunites(carol, dave)
    told = await carol.sees_part(": while you were away", within=40)
    assert told.startswith("[20")
    assert "] dave (came " in told


async def test_nobody_is_late_because_of_a_wrong_clock(community: Community) -> None:
    carol, dave = (community.person(name) for name in ("carol", "dave"))
    dave.machine.clock.set(dave.machine.clock.time() - 3_600)
    await carol.starts()
    await dave.starts()
    await carol.connects_with(dave)
    await dave.types("hello", "@carol psst")
    await carol.sees("dave: hello")
    await carol.sees("[private] dave: psst")
    await carol.types("hi", "@dave psst")
    await dave.sees("carol: hi")
    await dave.sees("[private] carol: psst")


async def test_a_line_that_its_program_left_behind_is_late(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    community.separates(carol, dave)
    await carol.types("PRV dave where are you?")
    await trio.sleep(SECONDS / 2)
    await carol.is_killed()
    await trio.sleep(600)
    community.reunites(carol, dave)
    await carol.starts()
    told = await dave.sees_part("] [private] carol (came ", within=40)
    assert told.endswith("): where are you?")
