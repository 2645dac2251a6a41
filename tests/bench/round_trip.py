"""A text to the other peer, and its answer."""

import time
from typing import Final

from peer.api import Chat, Said
from tests.bench import bare
from tests.bench.figures import AtMost, Figure, Unit, percentile
from tests.bench.plan import Plan
from tests.bench.talking import conversation

CHARACTERS: Final = 100
ROUNDS: Final = 10  # of each by turns, so that a busy moment of the machine hits both
TRIPS: Final = 400  # in a round
WARM_UP: Final = 50


async def measure(plan: Plan) -> list[Figure]:
    ours: list[float] = []
    theirs: list[float] = []
    trips = plan.times(TRIPS)
    folder = plan.folder / "bare"
    async with (
        bare.bare_server(folder, "echo") as (_, port),
        conversation(plan.folder) as chat,
    ):
        stream = await bare.dial(port, bare.client_context(folder))
        await _talk(chat, plan.times(WARM_UP))
        await _echo(stream, plan.times(WARM_UP))
        for _ in range(ROUNDS):
            theirs += await _echo(stream, trips)
            ours += await _talk(chat, trips)
        await bare.close(stream)
    return [
        _figure("p50", percentile(ours, 50), percentile(theirs, 50), AtMost(1.5, of_limit=True)),
        _figure("p99", percentile(ours, 99), percentile(theirs, 99), None),
    ]


def _figure(which: str, ours: float, theirs: float, target: AtMost | None) -> Figure:
    what = f"text there and an answer back, {which}"
    return Figure(what, ours, Unit.MICROSECONDS, theirs, "TLS echo of 100 bytes", target)


async def _talk(chat: Chat, trips: int) -> list[float]:
    times = []
    for _ in range(trips):
        text = bare.random_text(CHARACTERS)
        start = time.perf_counter()
        await chat.say(text)
        answer = await chat.until(Said)
        times.append(time.perf_counter() - start)
        assert isinstance(answer, Said)
        assert answer.text == text
    return times


async def _echo(stream: bare.BareStream, trips: int) -> list[float]:
    times = []
    for _ in range(trips):
        text = bare.random_text(CHARACTERS).encode()
        start = time.perf_counter()
        await stream.send_all(text)
        await bare.receive_exactly(stream, CHARACTERS)
        times.append(time.perf_counter() - start)
    return times
