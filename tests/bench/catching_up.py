"""A member of a room who was away: how fast they have what was said meanwhile."""

import time
from typing import Final

import trio

from peer.api import Chat, Invited, Said, join
from tests.bench import bare
from tests.bench.figures import Figure, Unit
from tests.bench.group import send
from tests.bench.plan import Plan
from tests.bench.processes import directory

TEXTS: Final = 10_000  # in a full run
CHARACTERS: Final = 100
TOGETHER: Final = 10  # texts that are written in one moment
PAUSE: Final = 0.002  # seconds between two such moments
ROOM: Final = "lab"


async def measure(plan: Plan) -> list[Figure]:
    texts, folder = plan.times(TEXTS), plan.folder / "bare"
    async with (
        bare.bare_server(folder, "count") as (_, bare_port),
        directory(plan.folder / "directory") as (_, port),
        join("carol", "127.0.0.1", port, data=plan.folder / "carol") as carol,
        trio.open_nursery() as reading,
    ):
        stream = await bare.dial(bare_port, bare.client_context(folder))
        theirs = await send([stream], texts)
        await bare.close(stream)
        reading.start_soon(_say_yes, carol)
        await carol.found_room(ROOM)
        async with join("dave", "127.0.0.1", port, data=plan.folder / "dave") as dave:
            reading.start_soon(_say_yes, dave)
            await carol.add("dave", room=ROOM)
            await (await carol.say_in(ROOM, "before")).delivered()
        last = await _write(carol, texts)
        start = time.perf_counter()
        async with join("dave", "127.0.0.1", port, data=plan.folder / "dave") as dave:
            async for event in dave:
                if isinstance(event, Said) and event.text == last:
                    break
            seconds = time.perf_counter() - start
        reading.cancel_scope.cancel()
    return [
        Figure("caught up in a room, with the start", texts / seconds, Unit.A_SECOND, theirs,
               "the same lines over one TLS link"),
    ]  # fmt: skip


async def _say_yes(chat: Chat) -> None:
    """Read all that comes, and join where somebody asks."""
    async for event in chat:
        if isinstance(event, Invited):
            chat.answer(event.id, True)


async def _write(chat: Chat, texts: int) -> str:
    """Write so many texts while the other is away; return the last one."""
    text = bare.random_text(CHARACTERS)
    for number in range(texts):
        await chat.say_in(ROOM, f"{number} {text}")
        if number % TOGETHER == 0:
            await trio.sleep(PAUSE)
    return f"{texts - 1} {text}"
