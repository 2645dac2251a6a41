"""From CHAT to "connected" on both sides, when the other one says yes at once.

The two know each other, but each time the caller's program has just started, so
there is no link between them yet.  Registering is not part of the time.
"""

import ssl
import time
from pathlib import Path
from typing import Final

import trio

from peer.api import Outcome, join
from tests.bench import bare
from tests.bench.figures import AtMost, Figure, Unit, percentile
from tests.bench.plan import Plan
from tests.bench.processes import Child
from tests.bench.talking import BOT, ME, bot

CALLS: Final = 100
STILL_BUSY_PAUSE: Final = 0.01  # until the directory knows that the last conversation is over


async def measure(plan: Plan) -> list[Figure]:
    ours: list[float] = []
    theirs: list[float] = []
    folder = plan.folder / "bare"
    async with bare.bare_server(folder, "echo") as (_, bare_port), bot(plan.folder) as (dave, port):
        context = bare.client_context(folder)
        await _call(dave, port, plan.folder / ME)  # the two meet for the first time
        for _ in range(plan.times(CALLS)):
            theirs.append(await _dial(bare_port, context))
            ours.append(await _call(dave, port, plan.folder / ME))
    return [
        _figure("p50", percentile(ours, 50), percentile(theirs, 50), AtMost(0.025)),
        _figure("p99", percentile(ours, 99), percentile(theirs, 99), None),
    ]


def _figure(which: str, ours: float, theirs: float, target: AtMost | None) -> Figure:
    what = f"CHAT to connected on both sides, {which}"
    return Figure(what, ours, Unit.MILLISECONDS, theirs, "TLS dial, 1 round trip", target)


async def _call(dave: Child, port: int, folder: Path) -> float:
    async with join(ME, "127.0.0.1", port, data=folder) as chat:
        while True:
            start = time.perf_counter()  # the same clock in all processes
            result = await chat.invite(BOT)
            here = time.perf_counter()
            if result.outcome is Outcome.CONNECTED:
                break
            assert result.outcome is Outcome.INTERRUPTIBLE, result
            await trio.sleep(STILL_BUSY_PAUSE)
        there = float(await dave.hear())
        await chat.leave_conversation()
    return max(here, there) - start


async def _dial(port: int, context: ssl.SSLContext) -> float:
    start = time.perf_counter()
    stream = await bare.dial(port, context)
    await stream.send_all(b"x" * 100)
    await bare.receive_exactly(stream, 100)
    seconds = time.perf_counter() - start
    await bare.close(stream)
    return seconds
