"""Several directories on one store: each answers for all of them."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.cluster.lease import LEASE_SECONDS
from shared.errors import Refused
from shared.messages.common import Err, Status
from shared.messages.directory import (
    Arr,
    Chg,
    Contact,
    Done,
    Drop,
    Fetch,
    Lft,
    List,
    Lookup,
    Receipts,
    SetStatus,
    Stored,
    Taken,
    Unregister,
    Verdict,
    Waiting,
)
from tests.kit.cluster import Town, Towns
from tests.kit.raw_client import Client, identity_of

QUIET = 30.0  # until all is told, and told again


@pytest.fixture
async def two(nursery: trio.Nursery, autojump_clock: MockClock) -> list[Town]:
    return await Towns(nursery).open(2)


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(60):
        while not holds():  # noqa: ASYNC110  # whatever brings it about
            await trio.sleep(0.05)


async def look_up(client: Client, name: str) -> Any:
    return await client.ask(Lookup(client.next_id(), name))


async def statuses(client: Client) -> dict[str, Status]:
    answer = await client.ask(List(client.next_id()))
    return {one.name: one.status for one in answer.users}


async def hears_of(client: Client, name: str) -> None:
    while not any(one.name == name for one in (await client.hears(Arr)).users):
        pass


async def leave(client: Client, to: str, number: int) -> Any:
    return await client.ask(Drop(client.next_id(), to, f"{number:032x}", b"sealed"))


async def test_a_user_of_another_directory_is_told_listed_and_found(two: list[Town]) -> None:
    here, there = two
    carol = await here.enters("carol")
    dave = await there.enters("dave", at="10.0.1.7")
    await hears_of(carol, "dave")
    contact = await look_up(carol, "dave")
    assert (contact.status, contact.host) == (Status.ACTIVE, "10.0.1.7")
    assert await statuses(carol) == await statuses(dave)
    await dave.ask(SetStatus(dave.next_id(), Status.BUSY, True, "till five"))
    (change,) = (await carol.hears(Chg)).users
    assert (change.name, change.status, change.note) == ("dave", Status.BUSY, "till five")
    await dave.leaves()
    assert (await carol.hears(Lft)).names == ("dave",)
    assert (await look_up(carol, "dave")).status is Status.OFFLINE


async def test_a_no_is_asked_of_the_database(two: list[Town]) -> None:
    here, there = two
    carol = await here.enters("carol")
    there.cluster.losses = 1  # it can tell nobody, and has said all that it has to say
    erin = await there.enters("erin")
    assert isinstance(await look_up(carol, "erin"), Contact)
    assert (await look_up(carol, "nobody")).code == "NOBODY"
    assert isinstance(await leave(carol, "erin", 1), Stored)
    assert erin.name == "erin"


async def test_who_moves_is_taken_over_at_once(two: list[Town]) -> None:
    here, there = two
    carol = await here.enters("carol")
    old = await here.enters("dave")
    new = await there.enters("dave", at="10.0.1.8")
    assert (await old.hears(Err)).code == "TAKEOVER"
    assert await old.ends()
    assert (await look_up(carol, "dave")).host == "10.0.1.8"
    assert not new.is_over
    assert not [one for one in carol.heard if isinstance(one, Lft)], "dave was never away"


async def test_a_name_has_one_owner_at_all_directories(two: list[Town]) -> None:
    here, there = two
    await here.enters("carol")
    with pytest.raises(Refused) as refusal:
        await there.enters("Carol", identity=identity_of("mallory"))
    assert refusal.value.code == "TKN"


async def test_a_name_that_was_given_back_is_kept_for_its_key_everywhere(two: list[Town]) -> None:
    here, there = two
    dave = await there.enters("dave")
    carol = await here.enters("carol")
    await hears_of(dave, "carol")
    assert isinstance(await carol.ask(Unregister(carol.next_id())), Done)
    await dave.hears(Lft)
    assert (await look_up(dave, "carol")).code == "NOBODY"
    with pytest.raises(Refused) as refusal:
        await there.enters("carol", identity=identity_of("mallory"))
    assert refusal.value.code == "TKN"
    assert await there.enters("carol")


async def test_mail_and_its_receipt_cross(two: list[Town]) -> None:
    here, there = two
    carol, dave = await here.enters("carol"), await there.enters("dave")
    assert isinstance(await leave(carol, "dave", 1), Stored)
    assert (await dave.hears(Waiting)).count == 1
    (one,) = (await dave.ask(Fetch(dave.next_id(), 0))).envelopes
    await dave.ask(Taken(dave.next_id(), (Verdict(one.number, one.id, bytes(64)),)))
    assert (await carol.hears(Receipts)).receipts[0].envelope == one.id


async def test_a_directory_that_dies_is_swept(two: list[Town]) -> None:
    here, there = two
    carol, _dave = await here.enters("carol"), await there.enters("dave")
    await hears_of(carol, "dave")
    await there.crashes()
    begun = trio.current_time()
    assert (await statuses(carol))["dave"] is Status.ACTIVE, "nobody knows yet"
    await until(lambda: any(isinstance(one, Lft) for one in carol.heard))
    assert trio.current_time() - begun >= LEASE_SECONDS - 2


async def test_welcome_names_the_others_that_live(two: list[Town]) -> None:
    here, there = two
    assert (await there.enters("dave")).welcome.others == (here.address,)
    await there.crashes()
    await trio.sleep(QUIET)
    assert (await here.enters("erin")).welcome.others == ()
