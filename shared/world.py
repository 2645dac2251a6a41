"""The four ways in which the world reaches a program: network, disk, clock, chance.

The shells of both programs get them as one `World` and use nothing else, so a
whole community can run inside one process, on a network and a disk that fail on
purpose.  The real ones are put together by `shared.real.real_world`.
"""

import random
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn, Protocol, TypeVar

import trio

from shared.border import Bugs
from shared.identity import Credentials

T = TypeVar("T")


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Wire(Protocol):
    """A secured stream of bytes to one other program.

    Both ways raise OSError or trio.BrokenResourceError when it is broken.
    """

    remote: Address  #: of the other side
    local: Address  #: our own, as the other side reaches it
    certificate: bytes | None  #: what the other side proved to own the key of, as DER

    async def send_all(self, data: bytes | bytearray) -> None: ...

    async def receive_some(self) -> bytes | bytearray:
        """The next bytes; b"" when the other side has ended."""

    async def aclose(self) -> None:
        """End it for both; lets the last bytes go out, may wait for the other side."""

    def abort(self) -> None:
        """End it now; what was not yet sent is dropped, the other side sees a reset."""

    def unheard(self) -> float:
        """Seconds for which the other host has not confirmed bytes that are on their way.

        0 where nothing is on its way, or where the system cannot tell.
        """


class Incoming(Protocol):
    """Somebody has connected; nothing is known of them but the address."""

    remote: Address

    async def secure(self) -> Wire:
        """Perform the handshake.  Raises Unreachable when the other side breaks it.

        Waits as long as the other side does: give it a deadline.
        """

    def abort(self) -> None: ...


class Network(Protocol):
    listens_on: tuple[Address, ...]  #: once `serve` has reported; several where IPv6 is apart

    def present(self, credentials: Credentials) -> None:
        """Who we are, on every handshake from now on."""

    async def serve(
        self,
        host: str | None,
        port: int,
        answer: Callable[[Incoming], Awaitable[None]],
        *,
        task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED,
    ) -> NoReturn:
        """Run `answer` for each who connects, in a task of its own, until cancelled.

        Reports the first bound address as soon as it listens.  Raises OSError when it
        cannot.  `answer` owns what it gets, and lets no error of theirs escape.
        """

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """The numeric addresses of this host, the best one first; at least one.

        A numeric address is its own.  Raises Unreachable when nobody knows the name.
        """

    async def dial(self, host: str, port: int, *, anonymous: bool = False) -> Wire:
        """Connect and perform the handshake.  Raises Unreachable, with the cause.

        `anonymous`: show no certificate, although we have one.  Otherwise it is shown
        only to somebody whose own certificate is from the authority of ours.

        Name and key are NOT judged here: whoever dials compares them.
        """


class Disk(Protocol):
    """One program's own folder.  Everything in it is for its owner only (0600)."""

    def lock(self) -> None:
        """Take the folder for this process.  Raises Refused when another has it."""

    def unlock(self) -> None: ...

    def read(self, name: str) -> bytes | None:
        """The file's content, None where there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Replace the file in one step; on disk when this returns.  Raises StorageError."""

    def database(self, name: str, *, readonly: bool = False) -> sqlite3.Connection:
        """Open (or make) an SQLite database for use by one thread at a time."""

    def reserve(self, size: int) -> bool:
        """Keep so many bytes for later; False when there is no room for them now."""

    def release(self) -> None:
        """Give back what was reserved, so that something else can use it."""

    async def run(self, work: Callable[[], T]) -> T:
        """Run work that waits for the disk, without stopping everybody else."""


class Clock(Protocol):
    """The time of day.  What passes is `trio.current_time()`, in every world."""

    def time(self) -> float:
        """Seconds since 1970, UTC."""


class SystemClock:
    def time(self) -> float:
        return time.time()


@dataclass(frozen=True)
class World:
    network: Network
    disk: Disk
    clock: Clock
    chance: random.Random  #: keys, ids, back-off; `random.SystemRandom` outside of tests
    bugs: Bugs  #: what is done about those that a connection meets

    def new_id(self) -> str:
        """16 random bytes, in hex."""
        return self.chance.randbytes(16).hex()
