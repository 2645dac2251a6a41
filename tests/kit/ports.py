"""Ports of this machine that stay a test's own while nothing listens there.

A port that the kernel chose is free for others as soon as its program dies: a test beside
this one may get it before the next program comes back to it.
"""

import os
import random
import socket
from collections.abc import Iterator
from typing import Final

# Below what the kernel gives away: 32,768 and up on Linux, 49,152 and up on macOS.
FIRST: Final = 10_000
LAST: Final = 32_000


def _ports() -> Iterator[int]:
    """Yield the share of this process, round and round, from anywhere on.

    Workers of pytest-xdist have shares of their own; another suite may run here, too.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (LAST - FIRST) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    place = random.SystemRandom().randrange(size)
    while True:
        yield FIRST + worker * size + place % size
        place += 1


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("", port))
        except OSError:
            return False
        return True


_free = filter(_is_free, _ports())


def free_port() -> int:
    """Return a port that is free, and that no other test of this suite is given."""
    return next(_free)
