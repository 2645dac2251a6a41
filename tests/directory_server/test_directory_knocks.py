"""Who knocks, what the callee is told, and what nobody can make anybody dial."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.knocks import CALLER_AT_ONCE
from shared.messages.common import Err
from shared.messages.directory import Done
from shared.messages.spots import Knock, Knocks, Spot
from tests.kit.directory import TOWN_HALL, Town
from tests.kit.raw_client import PORT, Client

HOME, OUTSIDE, VICTIM = "198.51.100.1", "198.51.100.2", "203.0.113.5"


async def knock(caller: Client, name: str) -> object:
    return await caller.ask(Knock(caller.next_id(), name))


async def test_a_callee_is_told_where_the_directory_sees_the_caller(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await town.enters("carol", at=HOME), await town.enters("dave", at=OUTSIDE)
    assert isinstance(await knock(carol, "DAVE"), Done)
    assert await dave.hears(Knocks) == Knocks("carol", (Spot(HOME, PORT, "SEEN"),))


@pytest.mark.parametrize(
    "lie",
    [
        {"host": VICTIM, "port": 22}, {"host": "victim.example"},
        {"spots": (Spot(VICTIM, 22, "LAN"), Spot(VICTIM, 4_222, "MAPPED"),
                   Spot("2001:db8::5", 22, "GLOBAL6"), Spot("10.0.0.5", 22, "LAN"),
                   Spot("0.0.0.0", 22, "LAN"), Spot("224.0.0.1", 22, "LAN"),
                   Spot(VICTIM, 22, "SEEN"), Spot("victim.example", 22, "SAID"))},
    ],
)  # fmt: skip
async def test_nothing_that_a_caller_says_leads_a_callee_to_somebody_else(
    town: Town, lie: dict[str, Any], autojump_clock: MockClock
) -> None:
    mallory = await town.enters("mallory", at=HOME, **lie)
    dave = await town.enters("dave", at=OUTSIDE)
    await knock(mallory, "dave")
    assert {spot.host for spot in (await dave.hears(Knocks)).spots} == {HOME}


async def test_a_caller_on_the_machine_of_the_directory_is_told_where_others_reach_it(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await town.enters("carol", at="127.0.0.1"), await town.enters("dave", at=OUTSIDE)
    await knock(carol, "dave")
    assert (await dave.hears(Knocks)).spots == (Spot(TOWN_HALL, PORT, "SEEN"),)


async def test_an_answer_tells_nothing_of_the_callee(town: Town, autojump_clock: MockClock) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await dave.leaves()
    assert isinstance(await knock(carol, "dave"), Done)
    assert isinstance(await knock(carol, "carol"), Done)
    nobody = await knock(carol, "nobody")
    assert isinstance(nobody, Err)
    assert nobody.code == "NOBODY"
    await trio.sleep(1)
    assert not [one for one in carol.heard if isinstance(one, Knocks)]


async def test_ten_thousand_knocks_are_heard_as_a_few(
    town: Town, autojump_clock: MockClock
) -> None:
    mallory = await town.enters("mallory", at=HOME)
    others = [await town.enters(f"user{number}", at=OUTSIDE) for number in range(40)]
    requests = [
        Knock(mallory.next_id(), others[number % len(others)].name) for number in range(10_000)
    ]
    for request in requests:
        mallory.say(request)
        await trio.lowlevel.checkpoint()
    await mallory.answer_to(requests[-1])
    heard = sum(isinstance(one, Knocks) for other in others for one in other.heard)
    seconds = trio.current_time()
    assert CALLER_AT_ONCE <= heard <= CALLER_AT_ONCE + seconds / 2 + 1
    limits = [one for one in mallory.heard if isinstance(one, Err)]
    assert {one.code for one in limits} == {"LIMIT"}
