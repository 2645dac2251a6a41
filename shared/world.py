"""The four ways in which the world reaches a program: network, disk, clock, chance.

The shells of both programs get them as one `World` and use nothing else, so a whole
community can run inside one process, on a network and a disk that fail on purpose.
`shared.real.real_world` puts the real ones together.
"""

import random
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, NoReturn, Protocol, TypeVar

import trio
from msgspec import Struct

from shared.border import Bugs
from shared.identity import Credentials
from shared.spots import Interface, Surroundings, shown_place

T = TypeVar("T")

DATAGRAM_BYTES: Final = 1_200  # pass every network in one piece (RFC 9000, 14)
FILE_CHUNK_BYTES: Final = 64 * 1024  # of a file that is read or written in chunks


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return shown_place(*self)


class Wire(Protocol):
    """A secured stream of bytes to one other program.

    Sending and receiving raise OSError or trio.BrokenResourceError when it is broken.
    """

    remote: Address  #: of the other side
    local: Address  #: our own, at which the other side reaches us
    certificate: bytes | None  #: the DER certificate whose key the other side proved to own

    async def send_all(self, data: bytes | bytearray) -> None: ...

    def try_send(self, data: bytes) -> int:
        """Send what can be sent at once; return how many bytes that was, 0 if anything hinders.

        Only while no `send_all` runs; the next bytes that are sent must begin with the rest.
        """

    async def receive_some(self) -> bytes | bytearray:
        """Return the next bytes; b"" when the other side has ended."""

    async def aclose(self) -> None:
        """Close both ways, after the last bytes are sent; may wait for the other side."""

    def abort(self) -> None:
        """Close now; unsent bytes are dropped, and the other side sees a reset."""

    def unheard(self) -> float:
        """Return for how many seconds the other host has not confirmed bytes that are on their way.

        0 if none are on their way, or if the system cannot tell.
        """


class Incoming(Protocol):
    """A new connection; only its address is known."""

    remote: Address

    async def secure(self) -> Wire:
        """Perform the handshake.  Raises Unreachable when the other side breaks it.

        Waits as long as the other side does, so give it a deadline.
        """

    def abort(self) -> None: ...


class Datagrams(Protocol):
    """A port for datagrams, each of which may get lost, come twice, or overtake another one.

    Anybody may send one here, and write any sender on it.
    """

    local: Address

    async def send(self, data: bytes, to: Address) -> None:
        """Send one datagram to a numeric address; nobody tells whether it arrives.

        Raises OSError when this host cannot send it; ValueError for more than DATAGRAM_BYTES.
        """

    async def receive(self) -> tuple[bytes, Address]:
        """Return the next datagram and its sender.  Longer ones than DATAGRAM_BYTES are dropped."""

    def close(self) -> None:
        """Close the port; a waiting `receive` raises trio.ClosedResourceError."""


class PunchPort(Protocol):
    """A fresh local port, for one try of two programs to connect with each other at once.

    Each dials the other from there, which opens its own firewall for the other's dial.
    """

    directory: Wire  #: to the directory, from this port; it stays open until the try is over

    async def punch(self, spots: Sequence[Address], token: bytes, *, is_first: bool) -> Wire:
        """Connect with the program that has the same token, and perform the handshake.

        It is at one of these numeric addresses, of which 8 at most are dialled, and
        nobody else is answered at this port.  Of the two programs one `is_first`: the client of
        the handshake.

        Waits as long as it takes, so give it a deadline.  Raises Unreachable when the handshake
        breaks, or nothing can be dialled.  Does NOT judge name and key: the caller compares them.
        """

    def close(self) -> None:
        """Close the port, but not the wire to the directory."""


class Network(Protocol):
    listens_on: tuple[Address, ...]  #: known once `serve` has reported; several if IPv6 is apart

    def present(self, credentials: Credentials) -> None:
        """Show these credentials in every handshake from now on."""

    async def serve(
        self,
        host: str | None,
        port: int,
        answer: Callable[[Incoming], Awaitable[None]],
        *,
        task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED,
    ) -> NoReturn:
        """Run `answer` for each connection, in a task of its own, until cancelled.

        Reports the first bound address as soon as it listens.  Raises OSError when it
        cannot.  `answer` owns its connection, and lets no error of the other side escape.
        """

    def interfaces(self) -> tuple[Interface, ...]:
        """Return the addresses of this machine's own interfaces, as they are now."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """Return the numeric addresses of this host, the best one first; at least one.

        A numeric address stands for itself.  Raises Unreachable when nobody knows the name.
        """

    async def dial(self, candidates: Sequence[Address], *, anonymous: bool = False) -> Wire:
        """Connect to one of these addresses of one program and perform the handshake.

        They are tried in order, each when the one before has failed or is slow; at most
        `shared.candidates.CANDIDATES_MOST`.  Raises Unreachable, with the causes of all.

        `anonymous`: show no certificate, even if we have one.  Otherwise it is shown only
        to a host whose own certificate is from our authority.

        Does NOT judge name and key: the caller compares them.
        """

    async def punch_port(self, directory: Address) -> PunchPort:
        """Dial the directory from a fresh local port, and show our certificate.

        Raises Unreachable.
        """

    def gateway(self) -> str | None:
        """Return the IPv4 address of the router of this host; None if it is not known."""

    def upnp(self, host: str) -> "UpnpRouter | None":
        """Return the way to ask for a port by UPnP from this address; None without the library."""

    def surroundings(self) -> Surroundings:
        """Return what this host says about its firewall and its way out."""

    async def bind(self, host: str, port: int) -> Datagrams:
        """Open a port for datagrams at this numeric address; 0: a random one.  Raises OSError."""


class UpnpGrant(NamedTuple):
    port: int  #: of the router
    host: str  #: of the router's other side, as it says; empty if it does not


class UpnpRouter(Protocol):
    """A router that gives ports by UPnP."""

    async def map(self, port: int, wanted: int, lifetime: int) -> UpnpGrant | None:
        """Look for the router, and ask it to lead a port to mine; return what it gives, if it does.

        When cancelled, what it still gives is given back.
        """

    async def give_back(self, port: int) -> None:
        """Give a port back that was given."""


class FileReader(Protocol):
    """A file that is read from its beginning, by one task at a time."""

    size: int  #: in bytes, when it was opened

    async def read(self) -> bytes:
        """Return the next bytes, at most FILE_CHUNK_BYTES; b"" at the end.  Raises StorageError.

        What is read is the file that was opened, even if another one has its name by now.
        """

    def close(self) -> None: ...


class FileWriter(Protocol):
    """A file that is written by one task at a time; nobody sees it before it is finished."""

    async def write(self, chunk: bytes) -> None:
        """Append at most FILE_CHUNK_BYTES.  Raises StorageError, ValueError for a longer chunk."""

    async def finish(self) -> None:
        """Give the file its name, in one step; it is on disk at the return.  Raises StorageError.

        A file of that name is replaced.
        """

    def close(self) -> None:
        """Remove what was written, unless it is finished."""


class Disk(Protocol):
    """One program's own folder.  Everything in it is for its owner only (0600)."""

    def lock(self) -> None:
        """Take the folder for this process.  Raises Refused when another has it."""

    def unlock(self) -> None: ...

    def read(self, name: str) -> bytes | None:
        """Return the file's content, None if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Replace the file in one step; it is on disk at the return.  Raises StorageError."""

    def open(self, name: str) -> FileReader | None:
        """Open a file to read it in chunks; None if there is none.  Raises StorageError."""

    def create(self, name: str) -> FileWriter:
        """Begin a file that is written in chunks.

        Raises StorageError, also while somebody else writes a file of this name.
        """

    def database(self, name: str, *, readonly: bool = False) -> sqlite3.Connection:
        """Open (or make) an SQLite database for use by one thread at a time."""

    def reserve(self, size: int) -> bool:
        """Keep this many bytes for later; return False when there is no room for them now."""

    def release(self) -> None:
        """Give back the reserved bytes for another use."""

    @property
    def place(self) -> str:
        """The path of the folder, for people."""

    def free(self) -> int:
        """Return how many bytes there are left for it.  Raises StorageError."""

    async def run(self, work: Callable[[], T]) -> T:
        """Run work that waits for the disk, without blocking other tasks."""


class Clock(Protocol):
    """The time of day.  Durations are measured by `trio.current_time()`, in every world."""

    def time(self) -> float:
        """Return seconds since 1970, UTC."""


class SystemClock:
    def time(self) -> float:
        return time.time()


class World(Struct, frozen=True):
    network: Network
    disk: Disk
    clock: Clock
    chance: random.Random  #: for keys, ids, back-off; `random.SystemRandom` outside of tests
    bugs: Bugs  #: what to do about bugs that a connection meets

    def new_id(self) -> str:
        """Return 16 random bytes, in hex."""
        return self.chance.randbytes(16).hex()
