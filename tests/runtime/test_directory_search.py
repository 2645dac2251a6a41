"""A start finds its directory; whoever announces what, a key counts only once it is proved."""

from collections.abc import Sequence

import pytest
import trio

from peer.core.discovery.choice import (
    ANOTHER_KEY,
    AskAddress,
    AskWhich,
    Choice,
    FoundDirectory,
    Remembered,
    UseFound,
    UseRemembered,
)
from peer.core.discovery.hearsay import NAMES_MOST
from peer.runtime.discovery.announcements import LISTEN_SECONDS
from peer.runtime.discovery.search import HEAD_START, PROOF_SECONDS, Search, Survey
from shared.announcement import Announcement
from shared.world import Address
from tests.kit.announced import MemoryAnnouncements, directory_at
from tests.kit.directory import TOWN_HALL, Town

ROGUE = "10.0.0.66"
SILENT = "10.0.0.99"  # what is sent there is lost


@pytest.fixture
def key(town: Town) -> str:
    """The key of the honest directory."""
    return town.bound.fingerprint.replace(" ", "")


def said(name: str, *hosts: str, key: str = "", port: int = 5000) -> Announcement:
    return Announcement(name, hosts, port, key)


async def search(
    town: Town,
    announcements: MemoryAnnouncements,
    remembered: Remembered | None = None,
    known: Sequence[str] = (),
) -> Choice:
    host = remembered.shown.partition(":")[0] if remembered else ""
    directories = [Address(host, 5000)] if remembered else []
    world = town.hub.machine("10.0.0.20").world()
    return await Search(world, announcements, remembered, directories, frozenset(known)).run()


def at(host: str, key: str, name: str = "lab") -> FoundDirectory:
    return FoundDirectory(name, host, 5000, key)


async def test_the_remembered_one_is_used_and_the_network_is_asked_nothing(
    town: Town, key: str, autojump_clock: object
) -> None:
    announced = MemoryAnnouncements(said("lab", ROGUE))
    remembered = Remembered(f"{TOWN_HALL}:5000", key)
    begun = trio.current_time()
    assert await search(town, announced, remembered, [key]) == UseRemembered(key)
    assert trio.current_time() - begun < HEAD_START
    assert not announced.times


async def test_one_that_has_moved_is_found_by_its_key(
    town: Town, key: str, nursery: trio.Nursery, autojump_clock: object
) -> None:
    await directory_at(nursery, town.hub, ROGUE)
    announced = MemoryAnnouncements(said("lab", ROGUE, key=key), said("lab", TOWN_HALL, key=key))
    gone = Remembered("10.0.0.4:5000", key)
    assert await search(town, announced, gone, [key]) == UseFound(at(TOWN_HALL, key))
    elsewhere = Remembered(f"{ROGUE}:5000", key)  # somebody else has its address now
    assert await search(town, announced, elsewhere, [key]) == UseFound(at(TOWN_HALL, key))


async def test_nobody_has_to_wait_for_one_that_is_silent(
    town: Town, key: str, autojump_clock: object
) -> None:
    town.hub.swallowing.add(SILENT)
    announced = MemoryAnnouncements(said("lab", TOWN_HALL, key=key))
    begun = trio.current_time()
    gone = Remembered(f"{SILENT}:5000", key)
    assert await search(town, announced, gone, [key]) == UseFound(at(TOWN_HALL, key))
    assert trio.current_time() - begun <= HEAD_START + LISTEN_SECONDS + 0.1


async def test_a_copied_key_proves_nothing(
    town: Town, key: str, nursery: trio.Nursery, autojump_clock: object
) -> None:
    theirs = await directory_at(nursery, town.hub, ROGUE)
    announced = MemoryAnnouncements(said("lab", ROGUE, key=key))
    gone = Remembered("10.0.0.4:5000", key)
    choice = await search(town, announced, gone, [key])
    assert isinstance(choice, AskAddress)
    assert choice.others == (at(ROGUE, theirs),)
    assert choice.cause.startswith("nothing answers")
    assert "10.0.0.4" not in choice.cause


async def test_somebody_else_at_the_remembered_address_is_told(
    town: Town, key: str, nursery: trio.Nursery, autojump_clock: object
) -> None:
    await directory_at(nursery, town.hub, ROGUE)
    elsewhere = Remembered(f"{ROGUE}:5000", key)
    choice = await search(town, MemoryAnnouncements(), elsewhere, [key])
    assert choice == AskAddress(ANOTHER_KEY)


async def test_at_the_first_start_the_user_chooses_among_all(
    town: Town, key: str, nursery: trio.Nursery, autojump_clock: object
) -> None:
    theirs = await directory_at(nursery, town.hub, ROGUE)
    # The rogue has the honest one's name, and comes first with addresses that do not answer.
    town.hub.swallowing.add(SILENT)
    announced = MemoryAnnouncements(
        said("lab", SILENT, ROGUE, key=key),
        said("lab", TOWN_HALL, key=key),
        said("also lab", TOWN_HALL, key=key),
    )
    begun = trio.current_time()
    choice = await search(town, announced)
    assert isinstance(choice, AskWhich)
    assert set(choice.directories) == {at(ROGUE, theirs), at(TOWN_HALL, key)}
    assert trio.current_time() - begun <= LISTEN_SECONDS + PROOF_SECONDS + 0.2


async def test_a_flood_ends_in_time_and_the_remembered_one_is_found_in_it(
    town: Town, key: str, autojump_clock: object
) -> None:
    flood = [said(f"x{n}", f"10.1.{n // 250}.{n % 250 + 1}") for n in range(1_000)]
    announced = MemoryAnnouncements(*flood, said("lab", TOWN_HALL, key=key))
    gone = Remembered("10.0.0.4:5000", key)
    assert await search(town, announced, gone, [key]) == UseFound(at(TOWN_HALL, key))
    world = town.hub.machine("10.0.0.21").world()
    survey = Survey(world, announced, frozenset())
    await survey.run()
    assert len(survey.heard) == NAMES_MOST
    assert not survey.found


async def test_a_network_on_which_nobody_can_listen_ends_nothing(
    town: Town, autojump_clock: object
) -> None:
    announced = MemoryAnnouncements()
    announced.failure = OSError("Address already in use")
    assert await search(town, announced) == AskAddress()
