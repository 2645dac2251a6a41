"""Users who come and go take a few lines a second, whatever their number."""

from collections.abc import Callable
from typing import Any

from peer.events import Came, Event, Notice, Went
from peer.screen.presence_lines import LINES_A_SECOND, WATCHED_A_SECOND, Crowd, PresenceLines


def many(make: Callable[[str], Event], count: int) -> list[Event]:
    return [make(f"user{number}") for number in range(count)]


def watched(name: str) -> Came:
    return Came(name, is_watched=True)


async def test_the_first_of_a_second_are_named_and_the_others_counted(autojump_clock: Any) -> None:
    lines = PresenceLines()
    crowd = [*many(Came, 100), *many(Went, 7)]
    assert lines.of(crowd) == tuple(crowd[:LINES_A_SECOND])
    assert lines.of([Notice("hello")]) == (Notice("hello"),)
    assert await lines.sum() == Crowd(100 - LINES_A_SECOND, 7)
    assert lines.of([Went("dave")]) == (Went("dave"),)


async def test_a_watched_user_is_named_among_any_number_of_others(autojump_clock: Any) -> None:
    lines = PresenceLines()
    lines.of(many(Came, 1_000))
    assert lines.of([watched("dave")]) == (watched("dave"),)


async def test_a_directory_that_lies_about_watched_users_fills_no_screen(
    autojump_clock: Any,
) -> None:
    lines = PresenceLines()
    shown = lines.of([one for _ in range(1_000) for one in (watched("dave"), Went("dave"))])
    assert len(shown) <= LINES_A_SECOND + WATCHED_A_SECOND + LINES_A_SECOND
    summed = await lines.sum()
    assert summed.came + summed.went + len(shown) == 2_000
