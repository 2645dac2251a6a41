"""A bare TLS server in a process of its own.

python -m tests.bench.bare_server SERVICE FOLDER [anonymous]
"""

import contextlib
import sys
from functools import partial
from pathlib import Path

import msgspec
import trio

from shared.messages.peers import Text
from tests.bench.bare import GREETING, BareStream, server_context
from tests.bench.child import allow_many_files, say, until_input_ends


async def echo(stream: BareStream) -> None:
    """Greet, then send back whatever comes."""
    await stream.send_all(GREETING)
    while data := await stream.receive_some():
        await stream.send_all(data)


async def count(stream: BareStream) -> None:
    """Greet, decode every text, and say the number of one with an empty text: it is the last."""
    decoder, rest = msgspec.json.Decoder(Text), bytearray()
    await stream.send_all(GREETING)
    while data := await stream.receive_some():
        *lines, rest = (rest + data).split(b"\n")
        texts = [decoder.decode(line) for line in lines]
        if texts and not texts[-1].texts[0]:
            await stream.send_all(b"%16d" % texts[-1].seq)


SERVICES = {"echo": echo, "count": count}


async def serve(service: str, folder: Path, *, anonymous: bool) -> None:
    context = server_context(folder, anonymous=anonymous)

    async def answer(stream: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            await SERVICES[service](trio.SSLStream(stream, context, server_side=True))
        await stream.aclose()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=1024)
    say(listener.socket.getsockname()[1])
    await trio.serve_listeners(answer, [listener])


if __name__ == "__main__":
    allow_many_files()
    service, folder, *how = sys.argv[1:]
    trio.run(until_input_ends, partial(serve, service, Path(folder), anonymous=bool(how)))
