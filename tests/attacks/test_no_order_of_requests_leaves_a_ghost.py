"""No requests of one user, in one write or over two links at once, leave a ghost behind.

Nobody is in a list who is not there, nobody who is there is missing, and nothing of a test or a
meeting is left.
"""

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from directory_server.core.punching.meetings import MEETING_SECONDS
from shared.codec import encode
from shared.errors import Refused, Unreachable
from shared.link import Link
from shared.messages.common import Bye, Ping, Status
from shared.messages.directory import (
    Drop,
    Fetch,
    FromDirectory,
    List,
    Lookup,
    Renew,
    SetSpots,
    SetStatus,
    Stir,
    Unregister,
    Watch,
    Who,
)
from shared.messages.probes import TestPort
from shared.messages.punching import Here, Punch
from shared.messages.spots import Knock, Spot
from tests.kit.directory import TOWN_HALL, Town
from tests.kit.raw_client import Client, iam, identity_of

HOME, OUTSIDE = "198.51.100.1", "198.51.100.2"
NAMES = ("carol", "mallory", "nobody")
SPOTS = (Spot("192.168.1.7", 40_001, "LAN"),)

Make = Callable[[random.Random, int], msgspec.Struct]
REQUESTS: tuple[Make, ...] = (
    lambda luck, id: SetStatus(id, luck.choice([Status.BUSY, Status.ACTIVE]), True, "a note"),
    lambda luck, id: SetSpots(id, SPOTS),
    lambda luck, id: Renew(id, b"x"),
    lambda luck, id: TestPort(id),
    lambda luck, id: Punch(id, luck.choice(NAMES)),
    lambda luck, id: Knock(id, luck.choice(NAMES)),
    lambda luck, id: Lookup(id, luck.choice(NAMES), True),
    lambda luck, id: List(id),
    lambda luck, id: Watch(id, NAMES),
    lambda luck, id: Drop(id, luck.choice(NAMES), f"{id:032x}", b"sealed"),
    lambda luck, id: Fetch(id, 0),
    lambda luck, id: Stir(),
    lambda luck, id: Ping(),
    lambda luck, id: Unregister(id),
    lambda luck, id: Bye(),
    lambda luck, id: Here(bytes(16)),
)


def flood(luck: random.Random) -> bytes:
    made = (luck.choice(REQUESTS) for _ in range(luck.randint(1, 12)))
    return b"".join(encode(make(luck, id)) for id, make in enumerate(made, 1))


async def says_all_at_once(town: Town, at: str, luck: random.Random) -> None:
    """Say IAM as mallory, and all the rest, in one write."""
    address = town.bound.address._replace(host=TOWN_HALL)
    link: Link[Any] = Link(await town.hub.network(at).dial([address]), FromDirectory)

    async def serve() -> None:
        who = await link.expect(Who)
        said = iam(who, "mallory", identity_of("mallory"), request=b"x", spots=SPOTS)
        link.post_bytes(encode(said) + flood(luck))
        with trio.move_on_after(luck.uniform(0, 20)):
            while await link.receive():
                pass
        link.cut("enough") if luck.random() < 0.5 else link.hang_up(Bye())

    await link.run(serve)


@pytest.mark.parametrize("seed", range(12))
async def test_no_order_of_requests_leaves_a_ghost(
    town: Town, autojump_clock: MockClock, seed: int
) -> None:
    luck = random.Random(seed)
    carol = await town.enters("carol", at=OUTSIDE)
    town.machine.disk.seconds = luck.choice([0.0, 0.1, 1.0])
    for _ in range(10):
        carol.say(Ping())  # or she is taken for lost
        async with trio.open_nursery() as nursery:
            for at in (HOME, HOME, OUTSIDE):
                nursery.start_soon(says_all_at_once, town, at, luck)
    await trio.sleep(MEETING_SECONDS + 5)
    await holds(town, carol)
    town.machine.disk.seconds = 0.0
    try:
        await (await town.enters("mallory", at=HOME)).leaves()
    except (Refused, Unreachable) as no:
        raise AssertionError("mallory's own key must come in again") from no


async def holds(town: Town, carol: Client) -> None:
    """Assert that carol alone is there, by all that knows of it."""
    community = town.directory.community
    sessions, registry = community.sessions, community.registry
    for here in (True, False):
        found = await carol.ask(List(carol.next_id(), here=here))
        there = [user.name for user in found.users if user.status is not Status.OFFLINE]
        assert there == ["carol"]
    assert registry.here == 1
    me = registry.look_up("carol")
    assert list(sessions.links) == [me.id]
    assert list(sessions.announcements.watchlists.links) == list(sessions.links.values())
    place = sessions.meeting_place
    assert (place._came, place._attendance._there.total()) == ({}, 0)
    assert sessions.probes._tests._running == 0
    assert town.directory.strangers == 0
    registered = {name for name in town.directory_users() if name != "carol"}
    assert registered == {user.name for user in registry.everybody()} - {"carol"}
