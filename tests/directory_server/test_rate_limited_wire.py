"""A wire that is read no faster than its other side may send."""

import trio
from trio.testing import MockClock

from directory_server.core.limits import (
    BYTES_A_SECOND,
    BYTES_AT_ONCE,
    LINES_A_SECOND,
    LINES_AT_ONCE,
)
from directory_server.rate_limited_wire import RateLimitedWire
from tests.kit.world import cable


async def read(paced: RateLimitedWire, size: int) -> None:
    while size > 0:
        size -= len(await paced.receive_some())


async def test_who_sends_little_is_not_slowed_down(autojump_clock: MockClock) -> None:
    wires = cable()
    paced = RateLimitedWire(wires.answerer)
    for _ in range(10):
        await wires.dialler.send_all(b"a line\n" * 100)
        await read(paced, 700)
    assert trio.current_time() == 0


async def test_lines_are_read_no_faster_than_their_rate(autojump_clock: MockClock) -> None:
    wires = cable()
    paced = RateLimitedWire(wires.answerer)
    for _ in range(10):
        await wires.dialler.send_all(b"\n" * 1_000)
        await read(paced, 1_000)
    assert trio.current_time() == (10_000 - LINES_AT_ONCE) / LINES_A_SECOND


async def test_so_are_bytes(autojump_clock: MockClock) -> None:
    wires = cable()
    paced = RateLimitedWire(wires.answerer)
    size = int(BYTES_AT_ONCE + 10 * BYTES_A_SECOND)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wires.dialler.send_all, bytes(size))
        await read(paced, size)
    assert 9.9 < trio.current_time() < 10.1
