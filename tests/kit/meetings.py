"""Users who come to a meeting at a directory, and say whatever a test wants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from shared.identity import Credentials
from shared.link import Link
from shared.messages.common import Message
from shared.messages.directory import FromDirectory, Who
from shared.messages.punching import Here
from shared.world import Address, Network


@asynccontextmanager
async def coming(
    network: Network, directory: Address, credentials: Credentials | None, token: bytes
) -> AsyncIterator[Link[Any]]:
    """Say HERE with this token over a new connection; yield it, and cut it in the end."""
    if credentials is not None:
        network.present(credentials)
    link: Link[Any] = Link(await network.dial([directory]), FromDirectory)
    started, over = trio.Event(), trio.Event()

    async def serve() -> None:
        await link.expect(Who)
        link.post(Here(token))
        started.set()
        await over.wait()

    async def run() -> None:
        await link.run(serve)
        started.set()  # if it never was

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await started.wait()
        try:
            yield link
        finally:
            link.cut("the test is over")
            nursery.cancel_scope.cancel()


async def next_of(link: Link[Any]) -> Message:
    """Return the next message.  Raises Unreachable at the end, TurnedAway for an ERR."""
    with trio.fail_after(30):
        message: Message = await link.expect(Message)
        return message
