"""Whose community a data folder holds, and what happens when a part of it is missing."""

import pytest
from trio.testing import MockClock

from directory_server.storage.founding import AUTHORITY_FILE, NAMES_FILE
from directory_server.storage.sqlite import FILE, SqliteStore
from shared.errors import Refused, StorageError
from tests.kit.directory import Town
from tests.kit.world import MemoryDisk


async def settled(town: Town) -> MemoryDisk:
    """Carol has registered, and the directory is closed."""
    await (await town.enters("carol")).leaves()
    await town.closes()
    return town.machine.disk


async def refuses(town: Town) -> str:
    with pytest.raises(StorageError) as no:
        await town.directory_alone()
    return str(no.value)


async def test_names_without_their_key_are_not_served(
    town: Town, autojump_clock: MockClock
) -> None:
    assert town.bound.is_new
    old = town.bound.fingerprint
    disk = await settled(town)
    del disk.files[AUTHORITY_FILE]

    assert await refuses(town) == (
        "the data folder belongs to a community whose key is missing: bring back the file"
        " authority, or start with --found-anew to lose all names"
    )
    assert AUTHORITY_FILE not in disk.files

    await town.opens(found_anew=True)
    assert (town.bound.is_new, town.bound.fingerprint != old) == (True, True)
    await town.closes()
    await town.opens()
    assert not town.bound.is_new
    assert not town.directory_users(), "names that the old key vouched for"


async def test_a_key_without_its_names_is_not_served(town: Town, autojump_clock: MockClock) -> None:
    old = town.bound.fingerprint
    disk = await settled(town)
    disk.loses(FILE)

    assert "the names of this community are missing" in await refuses(town)

    await town.opens(found_anew=True)
    assert (town.bound.is_new, town.bound.fingerprint) == (False, old)
    await town.closes()
    await town.opens()


async def test_names_of_another_community_are_not_served(
    town: Town, autojump_clock: MockClock
) -> None:
    disk = await settled(town)
    elsewhere = Town(town.nursery)
    elsewhere.machine.seed = 7
    await elsewhere.opens()
    await elsewhere.closes()
    disk.files[AUTHORITY_FILE] = elsewhere.machine.disk.files[AUTHORITY_FILE]

    assert "belongs to another community than the file authority" in await refuses(town)

    await town.opens(found_anew=True)
    assert not town.directory_users()


async def test_both_gone_is_a_new_community_and_a_name_given_back_is_no_loss(
    town: Town, autojump_clock: MockClock
) -> None:
    disk = await settled(town)
    town.write("DELETE FROM users")
    await town.opens()
    assert not town.bound.is_new
    await town.closes()
    disk.loses(FILE)
    disk.files.clear()
    await town.opens()
    assert town.bound.is_new


async def test_a_store_that_another_directory_has_founded_meanwhile_is_a_sentence(
    town: Town, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.closes()

    async def found(*_: object, **__: object) -> None:
        raise Refused("another directory has just founded a community in this database")

    monkeypatch.setattr(SqliteStore, "found", found)
    town.machine.disk.loses(FILE)
    town.machine.disk.files.clear()
    with pytest.raises(Refused, match="another directory has just founded"):
        await town.directory_alone()


async def test_the_mark_beside_the_names_is_made_when_it_is_missing(
    town: Town, autojump_clock: MockClock
) -> None:
    disk = await settled(town)
    disk.files.pop(NAMES_FILE, None)
    await town.opens()
    await town.closes()
    disk.loses(FILE)
    assert "the names of this community are missing" in await refuses(town)
