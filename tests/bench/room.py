"""A room of fifty: how soon one text is on the disks of the forty-nine others.

The others live in one process, so that two processors are enough to measure their work and not
that of the scheduler.
"""

import time
from typing import Final

import trio

from peer.api import Chat, Outcome, join
from shared.codec import encode
from shared.messages.peers import Text
from tests.bench import bare
from tests.bench.figures import Figure, Unit, percentile
from tests.bench.plan import Plan
from tests.bench.processes import directory, module
from tests.bench.talking import ME

OTHERS: Final = 49
LEAST_OTHERS: Final = 5  # in a quick run
TEXTS: Final = 200
CHARACTERS: Final = 100
ROOM: Final = "lab"
PAUSES: Final = (0.2, 5.0, 10.0)  # before each try to bring somebody in


async def measure(plan: Plan) -> list[Figure]:
    folder = plan.folder / "bare"
    names = [f"crew{number}" for number in range(plan.times(OTHERS, least=LEAST_OTHERS))]
    async with (
        bare.bare_server(folder, "echo") as (_, bare_port),
        directory(plan.folder / "directory") as (_, port),
        module("crew", port, plan.folder, *names) as crew,
        join(ME, "127.0.0.1", port, data=plan.folder / ME) as chat,
        trio.open_nursery() as reading,
    ):
        await crew.hear()
        reading.start_soon(_read, chat)
        await _gather(chat, names)
        context = bare.client_context(folder)
        streams = [await bare.dial(bare_port, context) for _ in names]
        ours, theirs = [], []
        for _ in range(plan.times(TEXTS, least=10)):
            theirs.append(await _fan_out(streams))
            ours.append(await _say(chat))
        for stream in streams:
            await bare.close(stream)
        reading.cancel_scope.cancel()
    what = f"a text in a room of {len(names) + 1}, on all disks"
    beside = f"a line and its echo over {len(names)} TLS links"
    return [
        Figure(f"{what}, p{percent}", percentile(ours, percent), Unit.MILLISECONDS,
               percentile(theirs, percent), beside)
        for percent in (50, 99)
    ]  # fmt: skip


async def _read(chat: Chat) -> None:
    """Read all that comes: else nothing that the others say would be acknowledged."""
    async for _ in chat:
        pass


async def _gather(chat: Chat, names: list[str]) -> None:
    """Bring everybody into one room, and wait until all are linked with us."""
    await chat.found_room(ROOM)
    for name in names:
        for pause in PAUSES:
            await trio.sleep(pause)
            result = await chat.add(name, room=ROOM)
            if result.outcome is Outcome.CONNECTED:
                break  # else the one process was busy with links of all to all
        assert result.outcome is Outcome.CONNECTED, result
    await trio.sleep(PAUSES[-1])
    await (await chat.say_in(ROOM, "all here?")).delivered()


async def _say(chat: Chat) -> float:
    """Return the seconds until a text is on the disk of all others, as its author knows."""
    text = bare.random_text(CHARACTERS)
    start = time.perf_counter()
    await (await chat.say_in(ROOM, text)).delivered()
    return time.perf_counter() - start


async def _fan_out(streams: list[bare.BareStream]) -> float:
    """Return the seconds until a line has come back over each of these."""
    text = bare.random_text(CHARACTERS)
    line = encode(Text("0" * 32, "x", "1" * 16, 1, 1, time.time(), (text,)))

    async def send(stream: bare.BareStream) -> None:
        await stream.send_all(line)
        await bare.receive_exactly(stream, len(line))

    start = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for stream in streams:
            nursery.start_soon(send, stream)
    return time.perf_counter() - start
