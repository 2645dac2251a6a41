"""Datagrams tell of my ports and of the router; a dial tells why no directory answers."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from peer.runtime.doctor.probing import outer_address, ports_seen, why_not_there
from shared.messages.probes import answer, read_request
from shared.world import Address, World
from tests.kit.router import Router
from tests.kit.world import Hub

ME, DIRECTORY, MALLORY, ROUTER = "192.168.1.20", "10.0.0.1", "10.0.0.66", "192.168.1.1"
COOKIE = bytes(range(16))
Say = Callable[[bytes, Address], bytes]


@pytest.fixture
def hub() -> Hub:
    return Hub()


def world_of(hub: Hub) -> World:
    return hub.machine(ME).world()


async def probe_ports(hub: Hub, nursery: trio.Nursery, say: Say, *, many: int = 2) -> list[int]:
    """Open ports of the directory, which answer as `say` does."""
    network = hub.network(DIRECTORY)
    opened = [await network.bind(DIRECTORY, 0) for _ in range(many)]

    async def serve(number: int) -> None:
        while True:
            datagram, sender = await opened[number].receive()
            await opened[number].send(say(datagram, sender), sender)

    for number in range(many):
        nursery.start_soon(serve, number)
    return [one.local.port for one in opened]


def honest(datagram: bytes, sender: Address) -> bytes:
    asked = read_request(datagram)
    assert asked is not None
    assert asked[0] == COOKIE
    return answer(asked[1], sender.port)


@pytest.mark.parametrize("lost", [0, 1, 2])
async def test_both_ports_tell_from_where_i_come(
    hub: Hub, nursery: trio.Nursery, autojump_clock: MockClock, lost: int
) -> None:
    asked = tuple(await probe_ports(hub, nursery, honest))
    hub.lost = lost
    seen = await ports_seen(world_of(hub), ME, DIRECTORY, asked, COOKIE)
    assert set(seen) == set(asked)
    assert len(set(seen.values())) == 1


async def test_silence_is_short(hub: Hub, autojump_clock: MockClock) -> None:
    begun = trio.current_time()
    assert await ports_seen(world_of(hub), ME, DIRECTORY, (1, 2), COOKIE) == {}
    assert trio.current_time() - begun < 3
    assert not hub.ports, "the port is closed"


async def test_nobody_else_answers_for_the_directory(
    hub: Hub, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Mallory sees my port, but not the nonce; nor is a stale or broken answer taken."""
    forger = await hub.network(MALLORY).bind(MALLORY, 0)

    def broken(datagram: bytes, _: Address) -> bytes:
        return datagram

    asked = tuple(await probe_ports(hub, nursery, broken))

    async def forge() -> None:
        while True:
            for local in list(hub.ports):
                if local.host == ME:
                    await forger.send(answer(bytes(8), 1), local)
            await trio.sleep(0.1)

    nursery.start_soon(forge)
    assert await ports_seen(world_of(hub), ME, DIRECTORY, asked, COOKIE) == {}
    assert await outer_address(world_of(hub), ME, ROUTER) == ""


async def test_only_the_ports_that_were_asked_count(
    hub: Hub, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Somebody who has read the question answers it from elsewhere."""
    asked = await hub.network(DIRECTORY).bind(DIRECTORY, 0)
    others = [await hub.network(host).bind(host, 0) for host in (DIRECTORY, MALLORY)]

    async def serve() -> None:
        while True:
            datagram, sender = await asked.receive()
            for other in others:
                await other.send(honest(datagram, sender), sender)

    nursery.start_soon(serve)
    ports = (asked.local.port, others[1].local.port)
    assert await ports_seen(world_of(hub), ME, DIRECTORY, ports, COOKIE) == {}


async def test_a_router_tells_its_address_to_the_world(
    hub: Hub, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    router = Router(hub, ROUTER)
    await nursery.start(router.serve)
    assert await outer_address(world_of(hub), ME, ROUTER) == "8.8.8.8"
    router.speaks_nat_pmp = False
    assert await outer_address(world_of(hub), ME, ROUTER) == ""


async def test_a_machine_that_cannot_send_learns_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async def send(*_: object) -> None:
        raise OSError("network is unreachable")

    monkeypatch.setattr("tests.kit.world.MemoryPort.send", send)
    assert await ports_seen(world_of(hub), ME, DIRECTORY, (1, 2), COOKIE) == {}
    assert await outer_address(world_of(hub), ME, ROUTER) == ""


async def test_why_a_directory_does_not_answer(hub: Hub, autojump_clock: MockClock) -> None:
    where = [Address(DIRECTORY, 5000)]
    assert "nothing answers at 10.0.0.1:5000" in await why_not_there(world_of(hub), where)
    hub.swallowing.add(DIRECTORY)
    assert await why_not_there(world_of(hub), where) == "it does not answer within 4 s"
