"""A conversation of ten: how fast a text of one is with the nine others, and a tenth comes in.

The nine others live in one process, so that two processors are enough to measure
their work and not that of the scheduler.
"""

import ssl
import time
from typing import Final

import trio

from peer.api import Chat, Outcome, join
from shared.codec import encode
from shared.link import WRITE_BYTES
from shared.messages.peers import Text
from tests.bench import bare
from tests.bench.bot import ALL_SAID, COUNTED
from tests.bench.figures import Figure, Unit
from tests.bench.plan import Plan
from tests.bench.processes import Child, directory, module
from tests.bench.talking import ME

OTHERS: Final = tuple(f"crew{number}" for number in range(9))
CHARACTERS: Final = 100
ROUNDS: Final = 3  # the best one counts
TEXTS: Final = 4_000  # in a round
BARE_TEXTS: Final = 10_000


async def measure(plan: Plan) -> list[Figure]:
    ours: list[float] = []
    theirs: list[float] = []
    folder = plan.folder / "bare"
    async with (
        bare.bare_server(folder, "count") as (_, bare_port),
        directory(plan.folder / "directory") as (_, port),
        module("crew", port, plan.folder, *OTHERS) as crew,
        join(ME, "127.0.0.1", port, data=plan.folder / ME) as chat,
        trio.open_nursery() as reading,
    ):
        await crew.hear()
        reading.start_soon(_read, chat)
        joining = await _gather(chat, crew)
        streams = [await bare.dial(bare_port, bare.client_context(folder)) for _ in OTHERS]
        for _ in range(ROUNDS):
            theirs.append(await send(streams, plan.times(BARE_TEXTS)))
            ours.append(await _talk(chat, crew, plan.times(TEXTS)))
        for stream in streams:
            await bare.close(stream)
        dialling = await _dial_all(bare_port, bare.client_context(folder))
        reading.cancel_scope.cancel()
    return [
        Figure("group of 10, deliveries, on disk", max(ours), Unit.A_SECOND, max(theirs),
               "the same lines over 9 TLS links"),
        Figure("a tenth joins, and its first text is on 9 disks", joining, Unit.MILLISECONDS,
               dialling, "9 TLS dials at once, 1 round trip each"),
    ]  # fmt: skip


async def _read(chat: Chat) -> None:
    """Else nothing that the others say would be acknowledged."""
    async for _ in chat:
        pass


async def _gather(chat: Chat, crew: Child) -> float:
    """Everybody into one conversation; returns the seconds that the last one took."""
    await chat.invite(OTHERS[0])
    await crew.hear()
    seconds = 0.0
    for name in OTHERS[1:]:
        start = time.perf_counter()  # the same clock in all processes
        result = await chat.add(name)
        assert result.outcome is Outcome.CONNECTED, result
        seconds = float(await crew.hear()) - start
    return seconds


async def _talk(chat: Chat, crew: Child, texts: int) -> float:
    """Deliveries per second: on the disk of all, as the sender knows, and read by all."""
    text = COUNTED + bare.random_text(CHARACTERS - 1)
    start = time.perf_counter()
    for _ in range(texts):
        await chat.say(text)
    handle = await chat.say(ALL_SAID)
    await handle.delivered()
    heard = int(await crew.hear())
    seconds = time.perf_counter() - start
    assert heard == texts * len(OTHERS)
    return heard / seconds


async def send(streams: list[bare.BareStream], texts: int) -> float:
    """The same without Parley."""
    text = bare.random_text(CHARACTERS)
    start = time.perf_counter()

    async def write(stream: bare.BareStream, lines: bytes) -> None:
        for begin in range(0, len(lines), WRITE_BYTES):
            await stream.send_all(lines[begin : begin + WRITE_BYTES])
        await bare.receive_exactly(stream, 16)

    lines = b"".join(
        encode(Text("0" * 32, "x", "1" * 16, seq, seq, time.time(), (text,)))
        for seq in range(1, texts + 1)
    )
    lines += encode(Text("0" * 32, "x", "1" * 16, texts + 1, texts, time.time(), ("",)))
    async with trio.open_nursery() as nursery:
        for stream in streams:
            nursery.start_soon(write, stream, lines)
    return texts * len(streams) / (time.perf_counter() - start)


async def _dial_all(port: int, context: ssl.SSLContext) -> float:
    start = time.perf_counter()

    async def dial() -> None:
        stream = await bare.dial(port, context)
        await bare.close(stream)

    async with trio.open_nursery() as nursery:
        for _ in OTHERS:
            nursery.start_soon(dial)
    return time.perf_counter() - start
