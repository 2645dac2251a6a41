"""Many texts that come late: a screen of them, and how many more there are."""

import math

import trio
from trio.testing import MockClock

from peer.core.lateness import Lateness
from peer.core.past.looking_back import SCREEN_TEXTS
from peer.event import Event
from peer.events import BackInConversation, BackInRooms, Said
from peer.place_results import Dimmed
from peer.screen.catching_up import CatchUp, NotAllShown, WhileAway

BACK = BackInConversation(("dave",))
LATE = Lateness(0.0, 1_000.0)


def late(number: int) -> Said:
    return Said("dave", f"text {number}", LATE)


def texts(events: tuple[Event, ...]) -> list[str]:
    return [one.text for one in events if isinstance(one, Said)]


async def test_what_was_said_meanwhile_stands_below_a_line_once(autojump_clock: MockClock) -> None:
    catch_up = CatchUp()
    assert catch_up.of([BACK]) == (BACK,)
    assert catch_up.of([Said("dave", "now")]) == (Said("dave", "now"),)
    assert catch_up.of([late(1), late(2)]) == (WhileAway(), late(1), late(2))
    await trio.sleep(60)
    assert catch_up.of([late(3)]) == (late(3),)


async def test_of_five_hundred_a_screen_is_shown_and_the_rest_is_counted(
    autojump_clock: MockClock,
) -> None:
    catch_up = CatchUp()
    catch_up.of([BACK])
    shown: list[str] = []
    sums: list[NotAllShown] = []

    async def sum_up() -> None:
        sums.extend(await catch_up.sum())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sum_up)
        for number in range(500):
            shown += texts(catch_up.of([late(number)]))
            await trio.sleep(0.01)
            assert not sums
    assert shown == [f"text {number}" for number in range(SCREEN_TEXTS)]
    assert sums == [NotAllShown(500 - SCREEN_TEXTS)]
    assert str(sums[0]) == "480 more texts came late; HISTORY 500 shows more."
    assert texts(catch_up.of([late(500)])) == ["text 500"]


async def test_each_room_has_a_screen_of_its_own(autojump_clock: MockClock) -> None:
    catch_up = CatchUp(2)
    catch_up.of([BACK, BackInRooms(("Lab", "ops"))])
    lab = [Said("dave", f"{number}", LATE, room="Lab") for number in range(4)]
    shown = catch_up.of([late(0), *lab, late(1), late(2)])
    assert shown == (WhileAway(), late(0), WhileAway("Lab"), *lab[:2], late(1))
    assert await catch_up.sum() == (NotAllShown(1), NotAllShown(2, "Lab"))
    assert (
        str(NotAllShown(2, "Lab")) == "2 more texts came late in #Lab; HISTORY #Lab 22 shows more."
    )
    assert str(WhileAway("Lab")) == "While you were away, in #Lab:"
    assert str(WhileAway()) == "While you were away:"


async def test_texts_in_grey_count_like_others(autojump_clock: MockClock) -> None:
    catch_up = CatchUp(1)
    dimmed = [Dimmed(Said("dave", f"{number}", LATE, room="lab")) for number in range(3)]
    assert catch_up.of(dimmed) == (dimmed[0],)
    assert await catch_up.sum() == (NotAllShown(2, "lab"),)


async def test_texts_of_now_are_all_shown(autojump_clock: MockClock) -> None:
    catch_up = CatchUp()
    everything = [Said("dave", f"{number}") for number in range(100)]
    assert catch_up.of(everything) == tuple(everything)


async def test_who_keeps_no_history_is_shown_everything(autojump_clock: MockClock) -> None:
    catch_up = CatchUp(math.inf)
    assert len(catch_up.of([late(number) for number in range(500)])) == 500


def test_one_text_is_one_and_very_many_are_as_many_as_history_shows() -> None:
    assert str(NotAllShown(1)) == "1 more text came late; HISTORY 21 shows more."
    assert "HISTORY 1000 shows" in str(NotAllShown(5_000))
