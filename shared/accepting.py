"""Accept connections from listeners, whatever errors the system reports meanwhile.

Trio's own `serve_listeners` logs a traceback ten times a second when files run out, and
ends with any error that it does not know.  A program must outlive both.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NoReturn, TypeVar

import trio

from shared.log import Sparing
from shared.wording import system_reason

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.1  # until the next try, when a file may be free

S = TypeVar("S", bound=trio.abc.AsyncResource)


async def serve_all(
    listeners: Iterable[trio.abc.Listener[S]],
    handle: Callable[[S], Awaitable[None]],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> NoReturn:
    """Run `handle` for each connection, in a task of its own, until cancelled.

    `handle` lets no error of the other side escape.
    """
    sparing = Sparing()
    async with trio.open_nursery() as nursery:
        for listener in listeners:
            nursery.start_soon(_serve_one, listener, handle, nursery, sparing)
        task_status.started()
    raise AssertionError("nobody ends it")


async def _serve_one(
    listener: trio.abc.Listener[S],
    handle: Callable[[S], Awaitable[None]],
    nursery: trio.Nursery,
    sparing: Sparing,
) -> None:
    async with listener:
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                words = f"nobody can connect at this moment: {system_reason(error)}"
                if (line := sparing.take(words, trio.current_time())) is not None:
                    log.warning("%s", line)
                await trio.sleep(PAUSE_SECONDS)
            else:
                nursery.start_soon(_handle, stream, handle)


async def _handle(stream: S, handle: Callable[[S], Awaitable[None]]) -> None:
    try:
        await handle(stream)
    finally:
        await trio.aclose_forcefully(stream)
