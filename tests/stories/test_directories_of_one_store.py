"""Real directories on one store, in one process, and users who notice nothing of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from directory_server.admin.requests import Drain
from directory_server.core.cluster.lease import RENEW_SECONDS
from directory_server.settings import Settings
from shared.world import Address
from tests.kit.cluster import SharedTown, Towns
from tests.kit.community import Community, Person
from tests.kit.operating import Asking

LOST, BACK = "Lost the directory, trying again.", "The directory is back."
SETTLED = 15.0  # seconds until it is told who has not come back, or not moved


class City:
    """Two directories, and people who name both."""

    def __init__(self, nursery: trio.Nursery, towns: Towns) -> None:
        self.towns, self.nursery = towns, nursery
        self.people = Community(nursery, 0, Settings())
        self.people.hub = towns.hub

    async def comes(self, name: str, first: SharedTown) -> Person:
        """Start somebody who registers at this directory."""
        person = self.people.person(name)
        hosts = sorted(self.towns.all, key=lambda town: town is not first)
        person.directories = [Address(town.host, 5000) for town in hosts]
        await person.starts()
        assert person.lines[0].endswith(f" {first.address}.")
        return person

    def drains(self, town: SharedTown) -> None:
        """Let its operator send everybody away."""
        self.nursery.start_soon(Asking(town).asks, Drain())


@pytest.fixture
async def city(autojump_clock: Any) -> AsyncIterator[City]:
    async with trio.open_nursery() as nursery:
        towns = Towns(nursery)
        await towns.open(2)
        await trio.sleep(2 * RENEW_SECONDS)  # until each has heard of the other
        city = City(nursery, towns)
        yield city
        for person in city.people.people.values():
            await person.is_killed()
        for town in towns.all:
            await town.crashes()
        nursery.cancel_scope.cancel()


async def test_a_drained_directory_moves_its_users_and_none_notices(city: City) -> None:
    one, two = city.towns.all
    carol, dave = await city.comes("carol", one), await city.comes("dave", two)
    erin = await city.comes("erin", one)
    await carol.sees("* dave is online.")
    await carol.connects_with(dave)
    city.drains(one)
    await carol.types("/leave frank never registered", "all as before?")
    await dave.sees("carol: all as before?")
    await one.closed()
    await trio.sleep(SETTLED)
    await erin.types("LIST USERS")
    await erin.sees("ACTIVE: erin (you)")
    await erin.sees("BUSY: carol, dave")
    await erin.types("LEAVE dave later")
    await erin.sees("Message left for dave.")
    for person in (carol, dave, erin):
        for word in (LOST, BACK, "Another program", "is offline", "connection lost"):
            person.never_saw(word)
        assert person.peer.is_registered
    assert {town.directory.community.registry.here for town in (two,)} == {3}


async def test_of_two_directories_one_dies_and_users_are_back_at_the_other(city: City) -> None:
    one, two = city.towns.all
    carol, dave = await city.comes("carol", one), await city.comes("dave", two)
    await carol.sees("* dave is online.")
    await carol.connects_with(dave)
    await trio.sleep(1)  # until the other directory has heard that she is BUSY
    await dave.types("LIST USERS")
    await dave.sees("BUSY: carol, dave (you)")
    told = dave.saw("* carol is online.")
    await one.crashes()
    await carol.sees(LOST)
    await carol.sees(BACK)
    await carol.types("still there?")
    await dave.sees("carol: still there?")
    await trio.sleep(SETTLED)
    for word in ("is offline", "connection lost"):
        dave.never_saw(word)
    assert dave.saw("* carol is online.") == told, "she was never missed"
