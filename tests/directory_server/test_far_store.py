"""A directory whose store is far away: each answer takes a while, and some are lost.

Meanwhile others come, so whatever was decided before must be decided again.
"""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.limits import MAIL_MIB
from directory_server.settings import Settings
from directory_server.storage.sqlite import SqliteStore
from directory_server.storage.store import Store
from shared.errors import Refused
from shared.messages.common import Err
from shared.messages.directory import (
    Contact,
    Drop,
    Fetch,
    List,
    Lookup,
    Mail,
    Noted,
    Receipts,
    Stored,
    Taken,
    Unregister,
    Verdict,
    Waiting,
)
from shared.world import World
from tests.kit.directory import Town
from tests.kit.raw_client import Client, identity_of
from tests.kit.stores import FarStore


class FarTown(Town):
    """A town whose directory has a far store."""

    store: FarStore

    def __init__(self, nursery: trio.Nursery, *, losses: float = 0.3, seed: int = 0) -> None:
        super().__init__(nursery, self._open)
        self.losses, self.chance = losses, seed

    async def _open(self, world: World, settings: Settings) -> Store:
        near = SqliteStore(world.disk, MAIL_MIB)
        self.store = FarStore(near, losses=self.losses, seed=self.chance)
        return self.store


@pytest.fixture
async def far_town(nursery: trio.Nursery, autojump_clock: MockClock) -> FarTown:
    town = FarTown(nursery)
    await town.opens()
    return town


async def leave(client: Client, to: str, number: int) -> Any:
    return await client.ask(Drop(client.next_id(), to, f"{number:032x}", b"sealed"))


@pytest.mark.parametrize("seed", range(3))
async def test_two_who_want_a_new_name_do_not_both_get_it(
    nursery: trio.Nursery, autojump_clock: MockClock, seed: int
) -> None:
    town = FarTown(nursery, seed=seed)
    await town.opens()
    got, refused = [], []

    async def want(name: str) -> None:
        try:
            got.append(await town.enters("carol", identity=identity_of(name)))
        except Refused as no:
            refused.append(no.code)

    async with trio.open_nursery() as together:
        for name in ("carol", "mallory", "trudy"):
            together.start_soon(want, name)
    assert (len(got), refused) == (1, ["TKN", "TKN"])


async def test_no_more_names_than_there_is_room_for(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    town = FarTown(nursery)
    await town.opens(names=3)
    got, refused = [], []

    async def want(name: str) -> None:
        try:
            got.append(await town.enters(name))
        except Refused as no:
            refused.append(no.code)

    async with trio.open_nursery() as together:
        for number in range(6):
            together.start_soon(want, f"user{number}")
    assert (len(got), set(refused)) == (3, {"LIMIT"})
    assert len(town.directory_users()) == 3


async def test_a_letter_that_is_left_while_its_receiver_enters_is_heard_of(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    town = FarTown(nursery, losses=0)
    await town.opens()
    await (await town.enters("dave")).leaves()
    carol = await town.enters("carol")
    assert isinstance(await leave(carol, "dave", 1), Stored)  # her own backlog was told
    count, counted, go_on, daves = town.store.waiting, trio.Event(), trio.Event(), []

    async def count_slowly(receiver: int) -> int:
        found = await count(receiver)
        counted.set()
        await go_on.wait()
        return found

    async def come() -> None:
        daves.append(await town.enters("dave"))

    town.store.waiting = count_slowly  # type: ignore[method-assign]
    async with trio.open_nursery() as together:
        together.start_soon(come)
        await counted.wait()
        assert isinstance(await leave(carol, "dave", 2), Stored)
        go_on.set()
    (dave,) = daves
    assert dave.welcome.waiting == 1
    assert (await dave.hears(Waiting)).count == 2


async def test_a_letter_is_stored_once_and_its_receipt_comes(
    far_town: FarTown, autojump_clock: MockClock
) -> None:
    carol, dave = await far_town.enters("carol"), await far_town.enters("dave")
    for number in range(10):
        assert isinstance(await leave(carol, "dave", number), Stored)
    mail = await dave.ask(Fetch(dave.next_id(), 0))
    assert isinstance(mail, Mail)
    assert [int(one.id, 16) for one in mail.envelopes] == list(range(10))
    verdicts = tuple(Verdict(one.number, one.id, bytes(64)) for one in mail.envelopes)
    await dave.ask(Taken(dave.next_id(), verdicts))
    heard = {one.envelope for one in (await carol.hears(Receipts)).receipts}
    assert heard == {one.id for one in mail.envelopes}
    assert far_town.store.lost, "else nothing was tested"


async def test_a_user_who_unregisters_is_gone_although_answers_are_lost(
    far_town: FarTown, autojump_clock: MockClock
) -> None:
    carol = await far_town.enters("carol")
    await carol.ask(Unregister(carol.next_id()))
    assert await carol.ends()
    assert await far_town.enters("carol", identity=identity_of("carol"))


async def test_without_its_store_a_directory_still_knows_who_is_where(
    far_town: FarTown, autojump_clock: MockClock
) -> None:
    await (await far_town.enters("dave")).leaves()
    carol = await far_town.enters("carol")
    assert isinstance(await leave(carol, "dave", 1), Stored)
    far_town.store.is_away = True

    dave = await far_town.enters("dave")

    assert dave.welcome.waiting == 0, "nobody could count"
    for own in (False, True):
        contact = await carol.ask(Lookup(carol.next_id(), "dave", own=own))
        assert (type(contact), contact.name) == (Contact, "dave")
    assert len((await carol.ask(List(carol.next_id()))).users) == 2
    no = await leave(carol, "dave", 2)
    assert (type(no), no.code) == (Err, "DISK")
    with pytest.raises(Refused) as refusal:
        await far_town.enters("erin")
    assert refusal.value.code == "DISK"

    far_town.store.is_away = False
    assert (await dave.hears(Waiting)).count == 1
    assert isinstance(await leave(carol, "dave", 2), Stored)


async def test_receipts_that_could_not_be_told_are_told_later(
    far_town: FarTown, autojump_clock: MockClock
) -> None:
    carol, dave = await far_town.enters("carol"), await far_town.enters("dave")
    await leave(carol, "dave", 1)
    await carol.leaves()
    ((one,), _) = (mail := await dave.ask(Fetch(dave.next_id(), 0))).envelopes, mail.more
    await dave.ask(Taken(dave.next_id(), (Verdict(one.number, one.id, bytes(64)),)))
    far_town.store.is_away = True
    carol = await far_town.enters("carol")
    await trio.sleep(60)
    assert not any(isinstance(message, Receipts) for message in carol.heard)
    far_town.store.is_away = False
    ((receipt,),) = [(await carol.hears(Receipts)).receipts]
    assert receipt.envelope == one.id
    await carol.ask(Noted(carol.next_id(), (receipt.envelope,)))
