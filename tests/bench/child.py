"""What the programs that a benchmark starts have in common."""

import os
import resource
import sys
from collections.abc import Awaitable, Callable

import msgspec
import trio


def say(what: object) -> None:
    """One line of JSON to the benchmark."""
    sys.stdout.buffer.write(msgspec.json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


def allow_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def until_input_ends(work: Callable[[], Awaitable[None]]) -> None:
    """Work as long as the benchmark lives: its end closes our input."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
        await trio.to_thread.run_sync(_input_ends, abandon_on_cancel=True)
        nursery.cancel_scope.cancel()


def _input_ends() -> None:
    while os.read(0, 1024):
        pass
