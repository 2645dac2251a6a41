"""Datagrams: what the real network and the fake one both promise, and how the fake one fails."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from shared.tls import TlsNetwork
from shared.world import DATAGRAM_BYTES, Address, Datagrams, Network
from tests.kit.world import DATAGRAMS_WAITING, Hub, MemoryNetwork

LOCAL = "127.0.0.1"


class Place:
    """A network, and a host on it."""

    def __init__(self, network: Network, host: str) -> None:
        self.network, self.host = network, host

    @asynccontextmanager
    async def ports(self, count: int) -> AsyncIterator[list[Datagrams]]:
        ports = [await self.network.bind(self.host, 0) for _ in range(count)]
        try:
            yield ports
        finally:
            for port in ports:
                port.close()


def real() -> Place:
    return Place(TlsNetwork(), LOCAL)


def real_ipv6() -> Place:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this host has no IPv6")
    return Place(TlsNetwork(), "::1")


def fake() -> Place:
    return Place(Hub().network("10.0.0.2"), "10.0.0.2")


every = pytest.mark.parametrize("make", [real, real_ipv6, fake])
both = pytest.mark.parametrize("make", [real, fake])


@every
async def test_a_datagram_arrives_whole_and_with_its_sender(make: Callable[[], Place]) -> None:
    async with make().ports(3) as (carol, dave, erin):
        for data in (b"", b"hello", bytes(DATAGRAM_BYTES)):
            await carol.send(data, dave.local)
            assert await dave.receive() == (data, carol.local)
        await dave.send(b"to you", carol.local)
        await erin.send(b"and I", carol.local)
        assert {await carol.receive(), await carol.receive()} == {
            (b"to you", dave.local), (b"and I", erin.local),
        }  # fmt: skip


@both
async def test_a_datagram_is_not_too_long_and_goes_to_no_name(make: Callable[[], Place]) -> None:
    async with make().ports(1) as (carol,):
        with pytest.raises(ValueError, match="a datagram has at most 1200 bytes, not 1201"):
            await carol.send(bytes(DATAGRAM_BYTES + 1), carol.local)
        with pytest.raises(ValueError, match="localhost"):
            await carol.send(b"hello", Address("localhost", carol.local.port))
        await carol.send(b"hello", carol.local)
        assert await carol.receive() == (b"hello", carol.local)


@both
async def test_a_port_has_one_owner_until_it_is_closed(make: Callable[[], Place]) -> None:
    place = make()
    async with place.ports(1) as (carol,):
        with pytest.raises(OSError, match="already in use"):
            await place.network.bind(*carol.local)
    again = await place.network.bind(*carol.local)
    assert again.local == carol.local
    again.close()


@both
async def test_nobody_tells_that_nobody_is_there(make: Callable[[], Place]) -> None:
    async with make().ports(2) as (carol, dave):
        dave.close()
        for _ in range(3):
            await carol.send(b"hello", dave.local)
        await carol.send(b"myself", carol.local)
        assert await carol.receive() == (b"myself", carol.local)


@both
async def test_a_closed_port_neither_sends_nor_waits(make: Callable[[], Place]) -> None:
    async with make().ports(2) as (carol, dave):

        async def wait() -> None:
            with pytest.raises(trio.ClosedResourceError):
                await carol.receive()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            carol.close()
        carol.close()
        with pytest.raises(trio.ClosedResourceError):
            await carol.send(b"hello", dave.local)
        with pytest.raises(trio.ClosedResourceError):
            await carol.receive()


async def test_a_datagram_that_is_longer_than_ours_is_dropped() -> None:
    async with real().ports(1) as (carol,):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((LOCAL, 0))
            for data in (bytes(DATAGRAM_BYTES + 1), bytes(9_000), b"short"):
                stranger.sendto(data, carol.local)
            assert await carol.receive() == (b"short", Address(*stranger.getsockname()))


async def test_a_host_that_has_no_such_address_binds_nothing() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        await TlsNetwork().bind("192.0.2.1", 0)


# --- The fake one ---------------------------------------------------------------------------


class Lan:
    """Two hosts, with a port each."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.network: MemoryNetwork = self.hub.network("10.0.0.2")

    async def open(self) -> tuple[Datagrams, Datagrams]:
        here = await self.hub.network("10.0.0.1").bind("10.0.0.1", 0)
        return here, await self.network.bind("10.0.0.2", 0)


async def passed(sender: Datagrams, receiver: Datagrams, count: int = 1) -> list[bytes]:
    """What arrives of some numbered datagrams."""
    for number in range(count):
        await sender.send(b"%d" % number, receiver.local)
    arrived = []
    with trio.move_on_after(1):
        while True:
            arrived.append((await receiver.receive())[0])
    return arrived


async def test_datagrams_get_lost_and_come_twice_when_a_test_wants_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    lan = Lan()
    here, there = await lan.open()
    lan.hub.lost = lan.hub.doubled = 1
    assert await passed(here, there, 3) == [b"1", b"1", b"2"]


async def test_a_full_port_loses_what_comes_later(autojump_clock: trio.testing.MockClock) -> None:
    here, there = await Lan().open()
    assert len(await passed(here, there, DATAGRAMS_WAITING + 5)) == DATAGRAMS_WAITING


async def test_nothing_passes_between_hosts_that_are_apart_or_through_a_firewall(
    autojump_clock: trio.testing.MockClock,
) -> None:
    lan = Lan()
    here, there = await lan.open()
    lan.hub.separate("10.0.0.1", "10.0.0.2")
    assert await passed(here, there) == []
    lan.hub.reunite("10.0.0.1", "10.0.0.2")
    assert await passed(here, there) == [b"0"]
    lan.hub.swallowing.add("10.0.0.2")
    assert await passed(here, there) == []


async def test_the_ports_of_a_killed_program_are_free() -> None:
    lan = Lan()
    _, there = await lan.open()
    lan.network.die()
    again = await lan.network.bind(*there.local)
    assert again.local == there.local
