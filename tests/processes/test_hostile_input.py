"""Nonsense on the ports of both programs: it is cut off, and nobody else notices."""

import random
import resource
import ssl
from collections.abc import Awaitable, Callable, Sequence

import pytest
import trio

from tests.kit.programs import HOST, PATIENCE, Program, Stage

CROWDS = (2_000, 500)  # connections that say nothing, to the directory and to a peer
GROWTH_KIB = 256 * 1024  # of a program's memory, at most
MEGABYTE = b"x" * 2**20

Stream = trio.abc.Stream
Connect = Callable[[int], Awaitable[Stream]]


def port_of(program: Program, name: str) -> int:
    """Where a peer listens."""
    program.types(f"INFO {name}")
    return int(
        program.sees_like(rf"{name}: .* at {HOST}:\d+, key .*").split(f"{HOST}:")[1].split(",")[0]
    )


async def plain(port: int) -> Stream:
    return await trio.open_tcp_stream(HOST, port)


async def secured(port: int) -> Stream:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream = trio.SSLStream(await plain(port), context)
    try:
        await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


async def last_words(stream: Stream) -> bytes:
    """Everything until the other side ends it, which it must do soon."""
    heard = b""
    try:
        with trio.fail_after(PATIENCE):
            while chunk := await stream.receive_some():
                heard += chunk
    except trio.BrokenResourceError:
        pass
    finally:
        await trio.aclose_forcefully(stream)
    return heard


async def answer_to(connect: Connect, data: Sequence[bytes], port: int) -> bytes:
    try:
        stream = await connect(port)
    except (OSError, trio.BrokenResourceError):
        return b""  # the crowd was larger: cut before it could say anything
    try:
        for piece in data:
            await stream.send_all(piece)
    except trio.BrokenResourceError:
        pass  # cut already; why is read below
    return await last_words(stream)


NOISE = random.Random(1).randbytes(100_000)
DEEP = b'{"t":"IAM","name":' + b"[" * 5_000 + b"]" * 5_000 + b"}\n"
WRONG = b'{"t":"IAM","version":"one","name":7,"run":[]}\n'
HALF = b'{"t":"IAM","version":1,"na'
HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_nonsense_and_crowds_are_cut_and_nobody_else_notices(stage: Stage) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < sum(CROWDS) + 100:
        pytest.skip(f"this system allows {most} open files, the crowds need {sum(CROWDS)}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    directory = stage.directory()
    carol, dave = stage.talk()
    erin = stage.peer("erin")
    ports = (stage.port, port_of(erin, "dave"))
    before = [victim.resident_kib() for victim in (directory, dave)]

    async def attack() -> None:
        async with trio.open_nursery() as nursery:
            for port, crowd in zip(ports, CROWDS, strict=True):
                await talk_nonsense(port)
                fall_silent(nursery, port)
                await nursery.start(stand_about, port, crowd)
            await trio.to_thread.run_sync(others_go_on, stage, carol, dave, erin)

    trio.run(attack)
    others_go_on(stage, carol, dave, erin)
    after = [victim.resident_kib() for victim in (directory, dave)]
    assert max(after[0] - before[0], after[1] - before[1]) < GROWTH_KIB


async def talk_nonsense(port: int) -> None:
    """It is answered, or cut, at once."""

    async def expect(answer: bytes, connect: Connect, *data: bytes) -> None:
        assert answer in await answer_to(connect, data, port)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect, b"", plain, NOISE)
        nursery.start_soon(expect, b"", plain, HTTP)
        nursery.start_soon(expect, b'"ERR"', secured, *[MEGABYTE] * 10)
        nursery.start_soon(expect, b'"ERR"', secured, DEEP)
        nursery.start_soon(expect, b'"ERR"', secured, WRONG)


def fall_silent(nursery: trio.Nursery, port: int) -> None:
    """It is cut after a while."""
    nursery.start_soon(answer_to, plain, (), port)
    nursery.start_soon(answer_to, secured, (), port)
    nursery.start_soon(answer_to, secured, (HALF,), port)


async def stand_about(port: int, crowd: int, *, task_status: trio.TaskStatus[None]) -> None:
    """A crowd that says nothing, until the last one is cut."""
    places = trio.CapacityLimiter(50)
    here = trio.Semaphore(0)

    async def stand() -> None:
        async with places:
            try:
                stream = await plain(port)
            except OSError:
                stream = None  # made room for the next one before it was even there
        here.release()
        if stream is not None:
            await last_words(stream)

    async with trio.open_nursery() as nursery:
        for _ in range(crowd):
            nursery.start_soon(stand)
        for _ in range(crowd):
            await here.acquire()
        task_status.started()


def others_go_on(stage: Stage, carol: Program, dave: Program, erin: Program) -> None:
    carol.types("are you there?")
    dave.sees("carol: are you there?")
    dave.types("I am")
    carol.sees("dave: I am")
    erin.types("LIST USERS")
    erin.sees("BUSY: carol, dave")
    newcomer = f"new{len(stage.programs)}"
    assert stage.once(newcomer, "PRV", "erin", f"hello from {newcomer}").ends() == 0
    erin.sees(f"[private] {newcomer}: hello from {newcomer}")
