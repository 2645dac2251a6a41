"""Several directories, users who move between them, and a database that answers badly.

Whatever happens, once everything answers again:

1. each user has exactly one link, the one over which the program registered last;
2. every directory lists the same;
3. what was promised to be stored waits, or was taken, once;
4. no program is taken over but by a later registration of its user.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.cluster.lease import LEASE_SECONDS
from shared.errors import ParleyError
from shared.messages.common import Err, Status
from shared.messages.directory import (
    Done,
    Drop,
    Fetch,
    List,
    Mail,
    SetStatus,
    Stored,
    Taken,
    Verdict,
)
from tests.kit.cluster import SharedTown, Towns
from tests.kit.raw_client import Client

DIRECTORIES: Final = 3
NAMES: Final = ("carol", "dave", "erin", "frank")
TROUBLE_SECONDS: Final = 90.0
REST_SECONDS: Final = 4 * LEASE_SECONDS  # until all is told, swept, and compared


@dataclass
class Program:
    """A user's program: it registers again when its link ends, as a peer does."""

    name: str
    towns: list[SharedTown]
    chance: random.Random
    client: Client | None = None
    old: list[Client] = field(default_factory=list)
    promised: set[str] = field(default_factory=set)
    taken: Counter[str] = field(default_factory=Counter)
    maybe: set[str] = field(default_factory=set)  # taken, and no answer came

    async def live(self, until: float) -> None:
        while trio.current_time() < until:
            if self.client is None or self.client.is_over:
                await self.comes()
            await trio.sleep(self.chance.uniform(0.01, 3))
            client = self.client
            if client is None or client.is_over:
                continue
            try:
                with trio.move_on_after(12):  # as a peer, which then asks again
                    await self.does_something(client)
            except (ParleyError, trio.TooSlowError):
                pass  # the link has ended, or nothing was answered

    async def comes(self) -> None:
        """Register at some directory; what was registered before may be there still."""
        town = self.chance.choice(self.towns)
        client: Client | None
        try:
            client = await town.enters(self.name, at=f"10.0.1.{NAMES.index(self.name)}")
        except (ParleyError, trio.TooSlowError):
            # Perhaps the directory has let it in all the same: then the link before is over.
            client = None
            await trio.sleep(0.2)
        if self.client is not None:
            self.old.append(self.client)
        self.client = client

    async def does_something(self, client: Client) -> None:
        match self.chance.randrange(6):
            case 0:
                await self.comes()  # as after MOVE, or after the network was lost on our side only
            case 1:
                await client.leaves()
            case 2:
                status = self.chance.choice((Status.ACTIVE, Status.BUSY))
                await client.ask(SetStatus(client.next_id(), status, True))
            case 3 | 4:
                to = self.chance.choice([name for name in NAMES if name != self.name])
                id = self.chance.randbytes(16).hex()
                answer = await client.ask(Drop(client.next_id(), to, id, b"sealed"))
                if isinstance(answer, Stored):
                    self.promised.add(id)
            case _:
                await self.takes(client)

    async def takes(self, client: Client) -> None:
        mail = await client.ask(Fetch(client.next_id(), 0))
        if isinstance(mail, Mail) and mail.envelopes:
            one = mail.envelopes[0]
            verdict = Verdict(one.number, one.id, bytes(64))
            self.maybe.add(one.id)
            if isinstance(await client.ask(Taken(client.next_id(), (verdict,))), Done):
                self.maybe.remove(one.id)
                self.taken[one.id] += 1


async def trouble(towns: list[SharedTown], chance: random.Random) -> None:
    """Let things go wrong at one directory after another."""
    while True:
        await trio.sleep(chance.uniform(0.5, 4))
        town = chance.choice(towns)
        match chance.randrange(4):
            case 0:
                town.breaks(away=True)
                await trio.sleep(chance.choice((0.5, 5, 2 * LEASE_SECONDS)))
                town.breaks(away=False)
            case 1:
                for one in towns:
                    one.breaks(away=True)
                await trio.sleep(chance.choice((0.5, 2 * LEASE_SECONDS)))
                for one in towns:
                    one.breaks(away=False)
            case 2:
                town.cluster.losses = chance.choice((0.0, 0.1, 0.5))
            case _:
                await town.crashes()
                await trio.sleep(chance.choice((0.1, 2, LEASE_SECONDS + 3)))
                await town.opens()


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_all_directories_agree_in_the_end(
    nursery: trio.Nursery, autojump_clock: MockClock, seed: int
) -> None:
    chance = random.Random(seed)
    all_of_them = Towns(nursery, seconds=0.2, losses=0.1, seed=seed)
    towns = await all_of_them.open(DIRECTORIES)
    programs = [Program(name, towns, random.Random(f"{seed} {name}")) for name in NAMES]
    end = trio.current_time() + TROUBLE_SECONDS
    async with trio.open_nursery() as playing:
        playing.start_soon(trouble, towns, chance)
        async with trio.open_nursery() as living:
            for one in programs:
                living.start_soon(one.live, end)
        playing.cancel_scope.cancel()
    for town in towns:
        await heal(town)
    for one in programs:
        while one.client is None or one.client.is_over:
            await one.comes()
    await trio.sleep(REST_SECONDS)
    for one in programs:
        check_links(one, towns)
    await check_lists(programs, towns)
    await check_mail(programs)
    nursery.cancel_scope.cancel()


async def heal(town: SharedTown) -> None:
    town.breaks(away=False)
    town.cluster.losses = town.store.losses = 0
    if not town.is_open:
        await town.opens()


def check_links(one: Program, towns: list[SharedTown]) -> None:
    """See that the last registration stands, and nothing but it."""
    assert one.client is not None
    taken_over = [isinstance(m, Err) and m.code == "TAKEOVER" for m in one.client.heard]
    assert not any(taken_over), f"{one.name} was taken over by nobody"
    assert not one.client.is_over, one.name
    users = [(town, town.directory.community.registry.find(one.name)) for town in towns]
    carried = [
        town.number
        for town, user in users
        if user is not None and user.id in town.directory.community.sessions.links
    ]
    assert len(carried) == 1, f"{one.name} has links at {carried}"


async def check_lists(programs: list[Program], towns: list[SharedTown]) -> None:
    lists = []
    for town in towns:
        client = await town.enters("watcher", at="10.0.1.200")
        answer = await client.ask(List(client.next_id()))
        lists.append([one for one in answer.users if one.name != "watcher"])
    assert all(one == lists[0] for one in lists)
    assert {one.name for one in lists[0] if one.status is not Status.OFFLINE} == set(NAMES)


async def check_mail(programs: list[Program]) -> None:
    promised = set[str]().union(*(one.promised for one in programs))
    taken = sum((one.taken for one in programs), Counter[str]())
    waiting = Counter[str]()
    for one in programs:
        assert one.client is not None
        mail = await one.client.ask(Fetch(one.client.next_id(), 0))
        assert not mail.more
        waiting.update(envelope.id for envelope in mail.envelopes)
    assert max((taken + waiting).values(), default=0) <= 1, "nothing is there twice"
    assert promised <= (taken + waiting).keys() | maybe(programs)
    assert promised, "else nothing was tested"


def maybe(programs: list[Program]) -> set[str]:
    """Return what was taken although its taker did not hear so."""
    return set[str]().union(*(one.maybe for one in programs))


async def test_of_two_registrations_at_the_same_moment_one_stays(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    towns = await Towns(nursery, seconds=0.3).open(2)
    for number in range(100):
        clients: list[Client] = []

        async def come(town: SharedTown, name: str, clients: list[Client]) -> None:
            clients.append(await town.enters(name))

        async with trio.open_nursery() as together:
            for town in towns:
                together.start_soon(partial(come, town, f"user{number % 20}", clients))
        await trio.sleep(3)
        assert [client.is_over for client in clients].count(False) == 1
        (loser,) = [client for client in clients if client.is_over]
        assert [m.code for m in loser.heard if isinstance(m, Err)] == ["TAKEOVER"]
