"""Many texts in one direction, until the sender knows that all lie on the other's disk."""

import time
from typing import Final

from peer.api import Chat, Said
from shared.codec import encode
from shared.link import WRITE_BYTES
from shared.messages.peers import Text
from tests.bench import bare
from tests.bench.bot import ALL_SAID, COUNTED
from tests.bench.figures import AtLeast, Figure, Unit
from tests.bench.plan import Plan
from tests.bench.talking import conversation

CHARACTERS: Final = 100
ROUNDS: Final = 3  # of each by turns; the best one counts
TEXTS: Final = 20_000  # in a round
BARE_TEXTS: Final = 100_000  # it is so much faster


async def measure(plan: Plan) -> list[Figure]:
    ours: list[float] = []
    theirs: list[float] = []
    folder = plan.folder / "bare"
    async with (
        bare.bare_server(folder, "count") as (_, port),
        conversation(plan.folder) as chat,
    ):
        stream = await bare.dial(port, bare.client_context(folder))
        await _talk(chat, plan.times(1_000))
        for _ in range(ROUNDS):
            theirs.append(await _send(stream, plan.times(BARE_TEXTS)))
            ours.append(await _talk(chat, plan.times(TEXTS)))
        await bare.close(stream)
    what, program = "texts one way, acknowledged as on disk", "TLS, msgspec, 32 KiB a write"
    target = AtLeast(50_000)
    return [Figure(what, max(ours), Unit.A_SECOND, max(theirs), program, target)]


async def _talk(chat: Chat, texts: int) -> float:
    """Texts per second."""
    text = COUNTED + bare.random_text(CHARACTERS - 1)
    start = time.perf_counter()
    for _ in range(texts):
        await chat.say(text)
    handle = await chat.say(ALL_SAID)
    await handle.delivered()
    answer = await chat.until(Said)
    seconds = time.perf_counter() - start
    assert isinstance(answer, Said)
    assert answer.text == str(texts)
    return texts / seconds


async def _send(stream: bare.BareStream, texts: int) -> float:
    """The same without Parley."""
    conversation, epoch, text = "0" * 32, "1" * 16, bare.random_text(CHARACTERS)
    start = time.perf_counter()
    outbox = bytearray()
    for seq in range(1, texts + 1):
        outbox += encode(Text(conversation, "x", epoch, seq, seq, time.time(), (text,)))
        if len(outbox) >= WRITE_BYTES:
            await stream.send_all(outbox)
            outbox = bytearray()
    await stream.send_all(
        outbox + encode(Text(conversation, "x", epoch, texts + 1, seq, time.time(), ("",)))
    )
    await bare.receive_exactly(stream, 16)
    return texts / (time.perf_counter() - start)
