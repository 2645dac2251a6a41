"""Two programs connect from both sides, on real sockets, and nobody else is answered."""

import errno
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import trio
from trio.testing import MockClock

from shared import punching
from shared.errors import Unreachable
from shared.tls import TlsNetwork
from shared.world import Address, Incoming, PunchPort, Wire
from tests.kit.world import Authority

HOST: Final = "127.0.0.1"
TOKEN: Final = b"t" * 16
WORD: Final = punching.word_for(TOKEN)
AUTHORITY: Final = Authority()


def network(name: str) -> TlsNetwork:
    made = TlsNetwork()
    made.present(AUTHORITY.user(name)[1])
    return made


@asynccontextmanager
async def directory(host: str = HOST) -> AsyncIterator[tuple[Address, list[Address]]]:
    """Yield where a directory listens, and where it sees those who come."""
    seen: list[Address] = []

    async def answer(incoming: Incoming) -> None:
        wire = await incoming.secure()
        seen.append(wire.remote)
        with trio.move_on_after(30):
            await wire.receive_some()

    made = TlsNetwork()
    made.present(AUTHORITY.directory())
    async with trio.open_nursery() as nursery:
        yield await nursery.start(made.serve, host, 0, answer), seen
        nursery.cancel_scope.cancel()


async def port(name: str, at: Address) -> tuple[PunchPort, Address]:
    """Return a port, and the address at which it is reached."""
    opened = await network(name).punch_port(at)
    return opened, opened.directory.local


async def said_both_ways(one: Wire, other: Wire) -> None:
    await one.send_all(b"hello")
    assert await other.receive_some() == b"hello"
    await other.send_all(b"you")
    assert await one.receive_some() == b"you"


async def said_to(stranger: trio.SocketStream, word: bytes) -> bytes:
    """Say this; return all that is said to a stranger until they are cut."""
    said = b""
    try:
        await stranger.send_all(word)
        while more := await stranger.receive_some(100):
            said += more
    except trio.BrokenResourceError:
        pass
    await trio.aclose_forcefully(stranger)
    return said


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(10):
        while not holds():  # noqa: ASYNC110  # whatever brings it about
            await trio.sleep(0.01)


@asynccontextmanager
async def meeting(host: str = HOST) -> AsyncIterator[tuple[Any, ...]]:
    async with directory(host) as (at, _):
        (carol, here), (dave, there) = await port("carol", at), await port("dave", at)
        try:
            with trio.fail_after(20):
                yield carol, here, dave, there
        finally:
            for one in (carol, dave):
                one.close()
                one.directory.abort()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_each_shows_its_certificate_whoever_came_through(host: str) -> None:
    wires: dict[str, Wire] = {}
    async with meeting(host) as (carol, here, dave, there), trio.open_nursery() as nursery:

        async def punch(name: str, own: PunchPort, to: Address, is_first: bool) -> None:
            wires[name] = await own.punch([to], TOKEN, is_first=is_first)

        nursery.start_soon(punch, "carol", carol, there, True)
        nursery.start_soon(punch, "dave", dave, here, False)
    one, other = wires["carol"], wires["dave"]
    for wire, name in ((one, b"urn:parley:user:dave"), (other, b"urn:parley:user:carol")):
        assert name in (wire.certificate or b"")
    await said_both_ways(one, other)
    assert (one.local, one.remote) == (other.remote, other.local)
    one.abort()
    other.abort()


async def test_each_try_has_a_port_of_its_own_which_the_directory_sees() -> None:
    async with directory() as (at, seen):
        opened = [await port("carol", at) for _ in range(5)]
        await until(lambda: len(seen) == len(opened))
        assert {where for _, where in opened} == set(seen)
        assert len(set(seen)) == len(opened)
        for one, _ in opened:
            one.close()
            one.directory.abort()


async def test_a_directory_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as nobody:
        nobody.bind((HOST, 0))
        with pytest.raises(Unreachable, match="refused"):
            await network("carol").punch_port(Address(HOST, nobody.getsockname()[1]))


async def test_nobody_else_is_answered_at_the_port() -> None:
    async with meeting() as (carol, here, dave, _), trio.open_nursery() as nursery:
        wires: list[Wire] = []

        async def punch(own: PunchPort, to: list[Address], is_first: bool) -> None:
            wires.append(await own.punch(to, TOKEN, is_first=is_first))

        # She is told of a false place first, and of herself: a port that dials itself connects.
        silent = await trio.open_tcp_listeners(0, host=HOST)
        false = Address(HOST, silent[0].socket.getsockname()[1])
        nursery.start_soon(punch, carol, [false, here], True)
        strangers = [await trio.open_tcp_stream(*here) for _ in range(20)]
        for number, stranger in enumerate(strangers):
            word = WORD + b"C" if number % 2 else b"x" * 17  # her own mark, or another word
            assert await said_to(stranger, word) in (b"", WORD + b"C"), "she asked who it is"
        assert not wires
        nursery.start_soon(punch, dave, [here], False)
        await until(lambda: len(wires) == 2)
        await said_both_ways(*wires)
        for wire in wires:
            wire.abort()
        for listener in silent:
            await listener.aclose()


async def test_who_is_at_another_address_is_not_even_greeted() -> None:
    async with meeting() as (carol, here, _, there), trio.open_nursery() as nursery:

        async def punch() -> None:
            await carol.punch([there._replace(host="127.0.0.9")], TOKEN, is_first=True)

        nursery.start_soon(punch)
        try:
            stranger = await trio.open_tcp_stream(*here)
        except OSError:
            pass  # the reset was faster than we
        else:
            assert await said_to(stranger, b"") == b""
        nursery.cancel_scope.cancel()


async def test_strangers_who_are_gone_at_once_hold_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(punching, "AGAIN_SECONDS", 1_000.0)
    async with meeting() as (carol, here, dave, _), trio.open_nursery() as nursery:
        wires: list[Wire] = []

        async def punch(own: PunchPort, to: Address, is_first: bool) -> None:
            wires.append(await own.punch([to], TOKEN, is_first=is_first))

        silent = await trio.open_tcp_listeners(0, host=HOST)  # so that dave must come to her
        nursery.start_soon(punch, carol, Address(HOST, silent[0].socket.getsockname()[1]), True)
        for _ in range(3):
            with socket.create_connection(here) as stranger:
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        nursery.start_soon(punch, dave, here, False)
        await until(lambda: len(wires) == 2)
        for wire in wires:
            wire.abort()
        for listener in silent:
            await listener.aclose()


async def test_no_directory_chooses_what_is_said_at_a_third_party() -> None:
    """There may be a service that obeys whoever is in its network."""
    command = b"FLUSHALL\r\n......"
    async with meeting() as (carol, *_), trio.open_nursery() as nursery:
        (service,) = await trio.open_tcp_listeners(0, host=HOST)
        there = Address(HOST, service.socket.getsockname()[1])

        async def punch() -> None:
            await carol.punch([there], command, is_first=True)

        nursery.start_soon(punch)
        async with await service.accept() as stream, service:
            heard = await stream.receive_some(100)
        assert len(heard) == len(command) + 1
        assert b"FLUSH" not in heard
        nursery.cancel_scope.cancel()


async def test_without_an_address_that_can_be_dialled_it_waits_for_the_other_side() -> None:
    async with meeting() as (carol, *_), trio.open_nursery():
        with trio.move_on_after(0.2) as patience:
            await carol.punch([Address("::1", 1)], TOKEN, is_first=True)
        assert patience.cancelled_caught


async def test_a_third_party_that_says_no_is_dialled_a_few_times_only(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever named it: a directory that lies would aim 33 dials of each user, each time."""
    dialled: list[Address] = []

    async def say_no(_: int, to: Address) -> None:
        dialled.append(to)
        await trio.lowlevel.checkpoint()
        raise ConnectionRefusedError(errno.ECONNREFUSED, "no")

    monkeypatch.setattr(punching, "_dial_from", say_no)
    spots = [Address("192.0.2.1", 22), Address("192.0.2.2", 22)]
    listener = await punching._listen(HOST)
    with listener.socket, trio.move_on_after(60):
        await punching._Punch(listener, TOKEN, is_first=True).run(spots)
    assert [dialled.count(spot) for spot in spots] == [len(punching.PAUSES) + 1] * 2
    assert sum(punching.PAUSES) > 5.0, "a side that comes some seconds later is still met"
