"""A network, a disk and a clock in memory: what a program sees through `shared.world`.

A `Hub` connects all machines of one test.  Each `Machine` has a disk that survives its
programs, and gives each program that starts on it a fresh `World`.  There are no sockets
and no threads, so everything runs under an autojump clock, and the same seed gives the
same run.

Where TCP allows several outcomes, the network here chooses the worst: a reset destroys
unread bytes, and closing with unread bytes is a reset.
"""

import errno
import os
import random
import sqlite3
import weakref
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import Any, Final, NoReturn, TypeVar

import trio

from shared.border import Bugs
from shared.candidates import first_of
from shared.database import Database
from shared.datagrams import check_datagram
from shared.errors import NotOurs, ProtocolError, Refused, SaysNo, StorageError, Unreachable
from shared.file_streams import check_chunk, check_file_name
from shared.identity import (
    SEED_BYTES,
    Credentials,
    Identity,
    issue_for_directory,
    issue_for_user,
    make_authority,
    read_certificate,
)
from shared.spots import Interface, Surroundings
from shared.world import FILE_CHUNK_BYTES, Address, Incoming, UpnpRouter, Wire, World

T = TypeVar("T")
C = TypeVar("C", bound=sqlite3.Connection)
D = TypeVar("D", bound="MemoryConnection")

PIPE_BYTES: Final = 256 * 1024  # the most that two kernels buffer for a reader that does not read
CHUNK_BYTES: Final = 16 * 1024  # the most that one read returns, as under TLS
DATAGRAMS_WAITING: Final = 64  # at one port; more get lost
CONNECT_SECONDS: Final = 127.0  # until Linux gives up connecting to a silent host
FIRST_PORT: Final = 40_000
DIALLER: Final = Address("10.0.0.1", FIRST_PORT)
ANSWERER: Final = Address("10.0.0.2", 1994)
RESERVE_COMMITS: Final = 20  # that fit into the reserve of a disk
FREE_BYTES: Final = 41 * 1024**3  # of a disk that is not full
EPOCH: Final = 1_700_000_000.0  # the time at which a FakeClock begins


# --- Wires ------------------------------------------------------------------------


class _Pipe:
    """One direction of a cable: the bytes that one side has sent and the other has not read."""

    def __init__(self, room: int) -> None:
        self.bytes = bytearray()
        self.room = room
        self.ended = False  # the sender has closed: the end follows the bytes
        self.deserted = False  # the reader has closed: a send is answered by a reset
        self.broken = False
        self.held = False  # neither bytes nor ends arrive for now
        self.confirming = True  # the other host confirms all bytes that arrive, even unread ones
        self.unconfirmed_since: float | None = None
        self.news = trio.lowlevel.ParkingLot()

    def tear(self) -> None:
        self.broken = True
        self.bytes.clear()
        self.news.unpark_all()

    def hold(self, *, confirming: bool) -> None:
        self.held, self.confirming = True, confirming

    def let_go(self) -> None:
        self.held, self.confirming, self.unconfirmed_since = False, True, None
        self.news.unpark_all()


class MemoryWire:
    """`shared.world.Wire`: one end of a cable."""

    def __init__(
        self, sent: _Pipe, coming: _Pipe, local: Address, remote: Address, certificate: bytes | None
    ) -> None:
        self.local, self.remote, self.certificate = local, remote, certificate
        self.chunk_bytes = CHUNK_BYTES  #: 1 makes every split of every message happen
        self.writes = 0  #: how often send_all was called
        self._sent, self._coming = sent, coming
        self._is_sending = self._is_receiving = False
        self._closed = False
        self._spoilt = False  # a send_all was cancelled: under TLS nothing can follow it

    async def send_all(self, data: bytes | bytearray) -> None:
        if self._is_sending:
            raise trio.BusyResourceError("another task sends on this wire")
        if self._spoilt:
            raise trio.BrokenResourceError
        self.writes += 1
        self._is_sending = True
        try:
            await trio.lowlevel.checkpoint()
            await self._pour(memoryview(data))
        except trio.Cancelled:
            self._spoilt = True
            raise
        finally:
            self._is_sending = False

    def try_send(self, data: bytes) -> int:
        """Take nothing: here every send lets other tasks run first."""
        return 0

    async def _pour(self, data: memoryview) -> None:
        pipe = self._sent
        while True:
            self._check(pipe)
            if pipe.deserted and not pipe.held:
                # The first send to a closed other side succeeds, and causes a reset.
                pipe.tear()
                self._coming.tear()
                return
            space = max(0, pipe.room - len(pipe.bytes))
            if space and data:
                pipe.bytes += data[:space]
                data = data[space:]
                if not pipe.confirming and pipe.unconfirmed_since is None:
                    pipe.unconfirmed_since = trio.current_time()
                pipe.news.unpark_all()
            if not data:
                return
            await pipe.news.park()

    async def receive_some(self) -> bytes | bytearray:
        if self._is_receiving:
            raise trio.BusyResourceError("another task receives on this wire")
        self._is_receiving = True
        try:
            await trio.lowlevel.checkpoint()
            return await self._scoop()
        finally:
            self._is_receiving = False

    async def _scoop(self) -> bytes:
        pipe = self._coming
        while True:
            self._check(pipe)
            if not pipe.held and pipe.bytes:
                chunk = bytes(pipe.bytes[: self.chunk_bytes])
                del pipe.bytes[: self.chunk_bytes]
                pipe.news.unpark_all()
                return chunk
            if not pipe.held and pipe.ended:
                return b""
            await pipe.news.park()

    def _check(self, pipe: _Pipe) -> None:
        if self._closed:
            raise trio.ClosedResourceError
        if pipe.broken and not pipe.held:
            raise trio.BrokenResourceError

    async def aclose(self) -> None:
        self.close()
        await trio.lowlevel.cancel_shielded_checkpoint()

    def close(self) -> None:
        """Close the wire, as the kernel does for a program that closes it, or ends."""
        if self._closed:
            return
        if self._coming.bytes:
            self.abort()
            return
        self._closed = self._sent.ended = self._coming.deserted = True
        self._wake()

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            self.tear()

    def tear(self) -> None:
        """Reset the connection.  A side that is cut off by a held pipe does not see it yet."""
        self._sent.tear()
        self._coming.tear()

    def _wake(self) -> None:
        self._sent.news.unpark_all()
        self._coming.news.unpark_all()

    def unheard(self) -> float:
        since = self._sent.unconfirmed_since
        return 0.0 if since is None else trio.current_time() - since

    @property
    def is_closed(self) -> bool:
        """Whether this side has closed it."""
        return self._closed

    @property
    def unread(self) -> int:
        """How many bytes have arrived and are not yet read."""
        return len(self._coming.bytes)

    async def secured(self) -> None:
        """Wait until the first bytes could arrive.  Raises the error that prevents it."""
        while self._coming.held:
            await self._coming.news.park()
        self._check(self._coming)


class Cable:
    """One connection, which a test can disturb."""

    def __init__(self, dialler: MemoryWire, answerer: MemoryWire) -> None:
        self.dialler, self.answerer = dialler, answerer
        self._pipes = (dialler._sent, answerer._sent)

    def cut(self) -> None:
        """Reset the connection; both sides see it now."""
        self.heal()
        self.dialler.tear()

    def silence(self) -> None:
        """Pull the cable: nothing arrives, nothing is confirmed, nobody is told."""
        for pipe in self._pipes:
            pipe.hold(confirming=False)

    def stall(self, *, reader: str) -> None:
        """Let the program on this host stop reading (as if stopped); its kernel still confirms."""
        for wire in (self.dialler, self.answerer):
            if wire.local.host == reader:
                wire._coming.hold(confirming=True)

    def deafen(self, host: str) -> None:
        """Half-open the connection: nothing arrives at this host any more, and nobody is told."""
        for wire in (self.dialler, self.answerer):
            if wire.local.host == host:
                wire._coming.hold(confirming=False)

    def heal(self) -> None:
        """Undo all of these; what was sent meanwhile arrives now."""
        for pipe in self._pipes:
            pipe.let_go()

    @property
    def is_over(self) -> bool:
        return self.dialler.is_closed and self.answerer.is_closed

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset((self.dialler.local.host, self.answerer.local.host))


def cable(
    *,
    dialler: Address = DIALLER,
    answerer: Address = ANSWERER,
    dialler_shows: bytes | None = None,
    answerer_shows: bytes | None = None,
    room: int = PIPE_BYTES,
    wire: type[MemoryWire] = MemoryWire,
) -> Cable:
    """Connect two wires, without a listener or a dialler."""
    forth, back = _Pipe(room), _Pipe(room)
    return Cable(
        wire(forth, back, dialler, answerer, answerer_shows),
        wire(back, forth, answerer, dialler, dialler_shows),
    )


# --- The network ------------------------------------------------------------------


class MemoryIncoming:
    """`shared.world.Incoming`: a dialler waits for the handshake."""

    def __init__(
        self,
        wire: MemoryWire,
        dialler: Credentials | None,
        to: "MemoryNetwork",
        *,
        is_careless: bool = False,
    ) -> None:
        self._is_careless = is_careless
        self.remote = wire.remote
        self.wire = wire
        self.settled = trio.Event()  #: secured or broken off, from the dialler's view
        self.proof: bytes | None = None  #: the certificate that we showed the dialler
        self._dialler, self._to = dialler, to

    async def secure(self) -> MemoryWire:
        await self._to.presented.wait()
        own = self._to.credentials
        assert own is not None
        try:
            await self.wire.secured()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise Unreachable("no TLS connection: the connection was lost") from None
        if self._dialler is not None and not self._is_careless:
            self._be_judged(own.certificate, self._dialler.authority)
        # As in TLS 1.3, the dialler accepts the link before we have judged it.
        self.proof = own.certificate
        self.settled.set()
        if self._dialler is not None:
            self._judge(self._dialler, own.authority)
        return self.wire

    def _be_judged(self, certificate: bytes, authority: bytes) -> None:
        """Let a dialler who distrusts our certificate break off before showing their own."""
        try:
            read_certificate(certificate, authority, now=0)
        except ProtocolError:
            self.abort()
            raise Unreachable("no TLS connection: the other side broke off") from None

    def _judge(self, dialler: Credentials, authority: bytes) -> None:
        try:
            read_certificate(dialler.certificate, authority, now=0)
        except ProtocolError:
            self.wire.abort()
            raise Unreachable("no TLS connection: certificate verify failed") from None
        self.wire.certificate = dialler.certificate

    def abort(self) -> None:
        self.wire.abort()
        self.settled.set()

    def end(self) -> None:
        self.wire.close()
        self.settled.set()


class _Listener:
    def __init__(self, network: "MemoryNetwork", address: Address, nursery: trio.Nursery,
                 answer: Callable[[Incoming], Awaitable[None]]) -> None:  # fmt: skip
        self.network, self.address = network, address
        self._nursery, self._answer = nursery, answer

    def take(self, incoming: MemoryIncoming) -> None:
        self._nursery.start_soon(self._serve, incoming)

    async def _serve(self, incoming: MemoryIncoming) -> None:
        try:
            await self._answer(incoming)
        finally:
            incoming.end()


class MemoryPort:
    """`shared.world.Datagrams`: one port of a host."""

    def __init__(self, hub: "Hub", local: Address) -> None:
        self.local, self._hub = local, hub
        sent = trio.open_memory_channel[tuple[bytes, Address]](DATAGRAMS_WAITING)
        self._coming, self._waiting = sent
        self._is_open = True

    async def send(self, data: bytes, to: Address) -> None:
        check_datagram(data, to)
        await trio.lowlevel.checkpoint()
        if not self._is_open:
            raise trio.ClosedResourceError
        if self._hub.ports.get(self.local) is self:
            self._hub.carry(data, self.local, to)

    async def receive(self) -> tuple[bytes, Address]:
        return await self._waiting.receive()

    def take(self, data: bytes, sender: Address) -> None:
        """Take a datagram that has arrived, if there is room for it."""
        with suppress(trio.WouldBlock):
            self._coming.send_nowait((data, sender))

    def close(self) -> None:
        self._is_open = False
        self._waiting.close()
        self.vanish()

    def vanish(self) -> None:
        """Be free for others, as when the program is killed."""
        if self._hub.ports.get(self.local) is self:
            del self._hub.ports[self.local]


class MemoryPunchPort:
    """`shared.world.PunchPort`: two of them connect if each dials where the other is seen.

    So a router that takes another port for each target is one that others see elsewhere than
    the directory does; see `Hub.moody`.
    """

    def __init__(self, network: "MemoryNetwork", local: Address, directory: MemoryWire) -> None:
        self.directory: Wire = directory
        self.network, self.local = network, local
        self.spots: Sequence[Address] = ()
        self.word = b""  #: what the other side must say
        self.address = local  # as a listener has one
        self._coming = trio.open_memory_channel[MemoryIncoming](1)
        self._said = b""

    @property
    def outer(self) -> Address:
        """The address at which others see it."""
        hub, host = self.network.hub, self.local.host
        seen = self.local._replace(host=hub.translated.get(host, host))
        return seen._replace(port=hub.free_port()) if host in hub.moody else seen

    async def punch(self, spots: Sequence[Address], token: bytes, *, is_first: bool) -> MemoryWire:
        hub = self.network.hub
        self.spots = spots[:8]
        self._said, self.word = token + b"cC"[is_first : is_first + 1], token + b"Cc"[is_first:][:1]
        hub.punched += [(trio.current_time(), spot) for spot in self.spots]
        hub.punching[self.local] = self
        hub.punch_news.unpark_all()
        try:
            if not is_first:
                return await (await self._coming[1].receive()).secure()
            while (other := self._other()) is None:
                with trio.move_on_after(0.3):  # what was between them may be gone by then
                    await hub.punch_news.park()
            return await self.network.secure_client(other, self.local)
        finally:
            hub.punching.pop(self.local, None)

    def _other(self) -> "MemoryPunchPort | None":
        hub = self.network.hub
        for one in hub.punching.values():
            apart = hub.is_apart(self.local.host, one.local.host)
            fits = one.word == self._said and self.word == one._said and not apart
            if fits and one.outer in self.spots and self.outer in one.spots:
                return one
        return None

    def take(self, incoming: MemoryIncoming) -> None:
        with suppress(trio.WouldBlock):
            self._coming[0].send_nowait(incoming)

    def close(self) -> None:
        self.network.hub.punching.pop(self.local, None)


class MemoryNetwork:
    """`shared.world.Network` for one program on one host of the hub."""

    def __init__(self, hub: "Hub", host: str) -> None:
        self.hub, self.host = hub, host
        self.listens_on: tuple[Address, ...] = ()
        self.credentials: Credentials | None = None
        self.is_careless = False  #: shows its certificate to anybody
        self.presented = trio.Event()
        self._wires: list[MemoryWire] = []
        self._ports: list[MemoryPort] = []

    def present(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.presented.set()

    async def serve(
        self,
        host: str | None,
        port: int,
        answer: Callable[[Incoming], Awaitable[None]],
        *,
        task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED,
    ) -> NoReturn:
        if host not in {None, "", self.host, "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        address = Address(self.host, port or self.hub.free_port())
        if address in self.hub.listeners:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        async with trio.open_nursery() as nursery:
            self.hub.listeners[address] = _Listener(self, address, nursery, answer)
            try:
                self.listens_on = (Address(host or "0.0.0.0", address.port),)
                task_status.started(self.listens_on[0])
                await trio.sleep_forever()
            finally:
                self.hub.listeners.pop(address, None)
        raise AssertionError("serve does not return")

    def interfaces(self) -> tuple[Interface, ...]:
        return self.hub.interfaces.get(self.host, (Interface("eth0", self.host, 24),))

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        await trio.lowlevel.checkpoint()
        self.hub.asked_for.append(host)
        return self.hub.names.get(host, (host,))

    async def dial(self, candidates: Sequence[Address], *, anonymous: bool = False) -> MemoryWire:
        return await first_of(candidates, partial(self._dial, anonymous))

    async def _dial(self, anonymous: bool, to: Address) -> MemoryWire:
        host, port = to
        self.hub.dialled.append((trio.current_time(), to))
        host = self.host if host in {"localhost", "127.0.0.1", "::1"} else host
        address = Address(host, port)
        listener = await self.hub.knock(self.host, address)
        if listener is None:
            raise SaysNo(f"nothing answers at {address} (connection refused)")
        shown = None if anonymous else self.credentials
        return await self._settle(*self._connect(listener, shown))

    async def secure_client(self, to: MemoryPunchPort, own: Address) -> MemoryWire:
        """Connect from this port to another one, and perform the handshake."""
        return await self._settle(*self._connect(to, self.credentials, own))

    async def _settle(self, incoming: MemoryIncoming, wire: MemoryWire) -> MemoryWire:
        try:
            await incoming.settled.wait()
        except trio.Cancelled:
            wire.abort()
            raise
        if incoming.proof is None:
            wire.abort()
            raise NotOurs("no TLS connection: the connection was lost")
        wire.certificate = incoming.proof
        return wire

    async def punch_port(self, directory: Address) -> MemoryPunchPort:
        own = Address(self.host, self.hub.free_port())
        self.hub.dialled.append((trio.current_time(), directory))
        listener = await self.hub.knock(self.host, directory)
        if listener is None:
            raise SaysNo(f"nothing answers at {directory} (connection refused)")
        wire = await self._settle(*self._connect(listener, self.credentials, own))
        return MemoryPunchPort(self, own, wire)

    def gateway(self) -> str | None:
        return self.hub.gateways.get(self.host)

    def upnp(self, host: str) -> UpnpRouter | None:
        return self.hub.upnp.get(host)

    def surroundings(self) -> Surroundings:
        return self.hub.surroundings.get(self.host, Surroundings())

    async def bind(self, host: str, port: int) -> MemoryPort:
        await trio.lowlevel.checkpoint()
        local = Address(self.host, port or self.hub.free_port())
        if local in self.hub.ports:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        opened = self.hub.ports[local] = MemoryPort(self.hub, local)
        self._ports.append(opened)
        return opened

    def _connect(
        self,
        listener: "_Listener | MemoryPunchPort",
        credentials: Credentials | None,
        own: Address | None = None,
    ) -> tuple[MemoryIncoming, MemoryWire]:
        own = own or Address(self.host, self.hub.free_port())
        hub = self.hub
        new = cable(dialler=own, answerer=listener.address, room=hub.pipe_bytes, wire=hub.wire)
        new.answerer.remote = own._replace(host=hub.translated.get(self.host, self.host))
        self.hub.add(new)
        self._wires.append(new.dialler)
        listener.network._wires.append(new.answerer)
        incoming = MemoryIncoming(
            new.answerer, credentials, listener.network, is_careless=self.is_careless
        )
        listener.take(incoming)
        return incoming, new.dialler

    def die(self) -> None:
        """Die as by `kill -9`: wires are reset, ports become free, and no BYE is sent."""
        for wire in self._wires:
            wire.abort()
        for port in self._ports:
            port.vanish()
        for punch in list(self.hub.punching.values()):
            if punch.network is self:
                punch.close()
        for address, listener in list(self.hub.listeners.items()):
            if listener.network is self:
                del self.hub.listeners[address]


class Hub:
    """The network that connects all machines of one test."""

    wire: type[MemoryWire] = MemoryWire  #: the type of the wires of connections

    def __init__(self, *, pipe_bytes: int = PIPE_BYTES, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.pipe_bytes, self.chunk_bytes = pipe_bytes, chunk_bytes
        self.listeners: dict[Address, _Listener] = {}
        self.refusing: set[str] = set()  #: hosts whose firewall refuses every dial
        self.swallowing: set[str] = set()  #: hosts whose firewall ignores dials
        self.names: dict[str, tuple[str, ...]] = {"localhost": ("127.0.0.1",)}
        self.interfaces: dict[str, tuple[Interface, ...]] = {}  #: of hosts with more than one
        self.others: dict[str, str] = {}  #: further addresses of hosts, and whose they are
        self.surroundings: dict[str, Surroundings] = {}  #: of hosts that say something
        self.gateways: dict[str, str] = {}  #: the router of each host that has one
        self.upnp: dict[str, UpnpRouter] = {}  #: what gives ports to each host by UPnP
        self.translated: dict[str, str] = {}  #: hosts, each with the address that others see
        self.forwards: dict[Address, Address] = {}  #: ports of routers, and where they lead
        self.asked_for: list[str] = []  #: host names that were looked up
        self.dialled: list[tuple[float, Address]] = []  #: time and address of each dial
        self.ports: dict[Address, MemoryPort] = {}  #: for datagrams
        self.punching: dict[Address, MemoryPunchPort] = {}  #: by the local address
        self.punch_news = trio.lowlevel.ParkingLot()
        self.punched: list[tuple[float, Address]] = []  #: time and address of each such dial
        self.moody: set[str] = set()  #: hosts behind a router with another port for each target
        self.lost = self.doubled = 0  #: of the next datagrams, so many get lost, then come twice
        self._cables: list[Cable] = []
        self._apart: set[frozenset[str]] = set()
        self._last_port = FIRST_PORT

    def network(self, host: str) -> MemoryNetwork:
        """Return the network for a program that starts on this host; several may share a host."""
        return MemoryNetwork(self, host)

    def machine(self, host: str, *, seed: int = 0) -> "Machine":
        return Machine(self, host, seed=seed)

    def cables(self, one: str | None = None, other: str | None = None) -> list[Cable]:
        """Return the live connections, of one host or between two; the oldest first."""
        self._cables = [one for one in self._cables if not one.is_over]
        wanted = {host for host in (one, other) if host is not None}
        return [one for one in self._cables if wanted <= one.hosts]

    def cut(self, one: str, other: str | None = None) -> None:
        """Reset the connections between them; they may dial again at once."""
        for each in self.cables(one, other):
            each.cut()

    def separate(self, one: str, other: str) -> None:
        """Let nothing pass between these two hosts, silently, until they are reunited."""
        self._apart.add(frozenset((one, other)))
        for each in self.cables(one, other):
            each.silence()

    def reunite(self, one: str, other: str) -> None:
        self._apart.discard(frozenset((one, other)))
        for each in self.cables(one, other):
            each.heal()

    # --- For the networks ---

    def is_apart(self, one: str, other: str) -> bool:
        return frozenset((one, other)) in self._apart

    def carry(self, data: bytes, sender: Address, to: Address) -> None:
        """Bring a datagram to its port, if there is one, and nothing is between them."""
        if self.lost:
            self.lost -= 1
            return
        host = sender.host if to.host in {"127.0.0.1", "::1"} else to.host
        apart = frozenset((sender.host, host)) in self._apart
        port = self.ports.get(Address(host, to.port))
        if port is None or apart or host in self.refusing | self.swallowing:
            return
        port.take(data, sender)
        if self.doubled:
            self.doubled -= 1
            port.take(data, sender)

    def add(self, new: Cable) -> None:
        new.dialler.chunk_bytes = new.answerer.chunk_bytes = self.chunk_bytes
        self._cables.append(new)

    def free_port(self) -> int:
        self._last_port += 1
        return self._last_port

    async def knock(self, caller: str, address: Address) -> _Listener | None:
        await trio.lowlevel.checkpoint()
        address = self.forwards.get(address, address)
        apart = frozenset((caller, address.host)) in self._apart
        if apart or address.host in self.swallowing:
            await trio.sleep(CONNECT_SECONDS)
            raise Unreachable(f"no connection to {address}: connection timed out")
        if address.host in self.refusing:
            return None
        host = self.others.get(address.host, address.host)
        return self.listeners.get(address._replace(host=host))


# --- The disk ---------------------------------------------------------------------


class MemoryFileReader:
    """`shared.world.FileReader`: of the content that a file had when it was opened."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._rest: bytes | None = content

    async def read(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if self._rest is None:
            raise trio.ClosedResourceError
        chunk, self._rest = self._rest[:FILE_CHUNK_BYTES], self._rest[FILE_CHUNK_BYTES:]
        return chunk

    def close(self) -> None:
        self._rest = None


class MemoryFileWriter:
    """`shared.world.FileWriter`."""

    def __init__(self, disk: "MemoryDisk", name: str) -> None:
        if check_file_name(name) in disk.being_written:
            raise StorageError(f"{name} is being written already")
        self._disk, self._name, self._written = disk, name, bytearray()
        self._is_open = True
        disk.being_written[name] = self

    async def write(self, chunk: bytes) -> None:
        check_chunk(chunk)
        await self._check()
        self._written += chunk

    async def finish(self) -> None:
        await self._check()
        self._disk.files[self._name] = bytes(self._written)
        self.close()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            if self._disk.being_written.get(self._name) is self:
                del self._disk.being_written[self._name]

    async def _check(self) -> None:
        await trio.lowlevel.checkpoint()
        if not self._is_open:
            raise trio.ClosedResourceError
        if self._disk.is_full:
            raise StorageError(f"cannot write {self._name}: no space left on device")


class MemoryDisk:
    """`shared.world.Disk`: its content survives every program of the test."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.being_written: dict[str, MemoryFileWriter] = {}  #: files, in chunks
        self.is_full = False  #: every write fails, as on a full disk
        self.has_reserve = False
        self.spare = 0  #: commits that a full disk still takes after the reserve is released
        self.seconds = 0.0  #: the duration of each `run`; math.inf for a disk that hangs
        self.commits = 0
        self._is_locked = False
        self._keepers: dict[str, sqlite3.Connection] = {}
        self._opened: weakref.WeakSet[MemoryConnection] = weakref.WeakSet()

    def lock(self) -> None:
        if self._is_locked:
            raise Refused("another program is already running on this folder", "LOCK")
        self._is_locked = True

    def unlock(self) -> None:
        """Unlock the folder, as any end of a process does."""
        self._is_locked = False
        self.being_written.clear()

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def write(self, name: str, content: bytes) -> None:
        if self.is_full:
            raise StorageError(f"cannot write {name}: no space left on device")
        self.files[name] = bytes(content)

    def database(self, name: str, *, readonly: bool = False) -> sqlite3.Connection:
        return self.connect(name, MemoryConnection, readonly=readonly)

    def open(self, name: str) -> MemoryFileReader | None:
        content = self.files.get(check_file_name(name))
        return None if content is None else MemoryFileReader(content)

    def create(self, name: str) -> MemoryFileWriter:
        return MemoryFileWriter(self, name)

    def connect(self, name: str, kind: "type[D]", *, readonly: bool) -> "D":
        if name not in self._keepers:
            # An SQLite database in memory lives as long as a connection to it is open.
            keeper = self._keepers[name] = self._connect(name, sqlite3.Connection)
            weakref.finalize(self, keeper.close)
        connection = self._connect(name, kind)
        connection.disk = self
        self._opened.add(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        # Else a half-read SELECT would block the writer, which it does not in WAL mode.
        connection.execute("PRAGMA read_uncommitted = ON")
        if readonly:
            connection.execute("PRAGMA query_only = ON")
        return connection

    def _connect(self, name: str, kind: type[C]) -> C:
        return sqlite3.connect(
            f"file:{id(self)}-{name}?mode=memory&cache=shared",
            uri=True, isolation_level=None, check_same_thread=False, timeout=0, factory=kind,
        )  # fmt: skip

    def reserve(self, size: int) -> bool:
        self.has_reserve = self.has_reserve or not self.is_full
        return self.has_reserve

    def release(self) -> None:
        self.spare = RESERVE_COMMITS if self.has_reserve else 0
        self.has_reserve = False

    def loses(self, name: str) -> None:
        """Delete this database, which no program may have open."""
        self._keepers.pop(name).close()

    @property
    def place(self) -> str:
        return "/home/somebody"

    def free(self) -> int:
        return 0 if self.is_full else FREE_BYTES

    def abandon(self) -> None:
        """Close the files of a killed program, once none of its tasks runs, as the kernel does."""
        for connection in list(self._opened):
            connection.close()

    def ask(self, name: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Read or change a database beside the programs, as a person with `sqlite3` does."""
        with closing(self.database(name)) as connection:
            return connection.execute(sql, values).fetchall()

    async def run(self, work: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        with trio.CancelScope(shield=True):  # as a thread cannot be cancelled either
            if self.seconds:
                await trio.sleep(self.seconds)
            result = work()
            await trio.lowlevel.checkpoint()
        return result


_fresh: Final[dict[tuple[str, ...], sqlite3.Connection]] = {}
_migrate = Database._migrate


def migrates_once(self: Database, migrations: list[str]) -> None:
    """Replace `Database._migrate`: copy the first fresh database instead of building another.

    Tests make thousands of them, and the migration scripts are half of the time in which a
    community starts.
    """
    to, key = self._writer, tuple(migrations)
    if not isinstance(to, MemoryConnection) or to.execute("SELECT 1 FROM sqlite_schema").fetchone():
        _migrate(self, migrations)
    elif key in _fresh:
        for _ in migrations:
            to._notice("COMMIT")
        _fresh[key].backup(to)
    else:
        _migrate(self, migrations)
        _fresh[key] = sqlite3.connect(":memory:", check_same_thread=False)
        to.backup(_fresh[key])


class MemoryConnection(sqlite3.Connection):
    """A connection that fails where SQLite fails on a full disk: at the commit."""

    disk: MemoryDisk

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self._notice(sql)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        self._notice(sql)
        return super().executemany(sql, parameters)

    def executescript(self, sql: str, /) -> sqlite3.Cursor:
        self._notice("COMMIT")  # all our scripts end with one
        return super().executescript(sql)

    def _notice(self, sql: str) -> None:
        word = sql.split(None, 1)[0].upper()
        is_alone = word in {"INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE"}
        if word in {"COMMIT", "END"} or (is_alone and not self.in_transaction):
            if self.disk.is_full and self.disk.spare:
                self.disk.spare -= 1
            elif self.disk.is_full:
                raise sqlite3.OperationalError("database or disk is full")
            self.disk.commits += 1


# --- Clock, chance, and who is who ------------------------------------------------


class FakeClock:
    """`shared.world.Clock` that follows trio's clock, and can be set."""

    def __init__(self, now: float = EPOCH) -> None:
        self._offset = now - _passed()

    def time(self) -> float:
        return self._offset + _passed()

    def set(self, now: float) -> None:
        """Set the clock, without any time passing."""
        self._offset = now - _passed()


def _passed() -> float:
    try:
        return trio.current_time()
    except RuntimeError:  # outside of trio.run no time passes
        return 0.0


class RaisedBugs:
    """`shared.border.Bugs` that raises each bug, so that it fails the test."""

    def met(self, where: str, bug: Exception) -> None:
        raise bug


class Machine:
    """A computer: its host name, disk and clock survive its programs."""

    def __init__(self, hub: Hub, host: str, *, seed: int = 0) -> None:
        self.hub, self.host, self.seed = hub, host, seed
        self.disk = MemoryDisk()
        self.clock = FakeClock()
        self.bugs: Bugs = RaisedBugs()
        self.starts = 0
        self.network: MemoryNetwork | None = None  #: of the program that started last

    def world(self) -> World:
        """Return the world for a program that starts now."""
        self.starts += 1
        self.network = self.hub.network(self.host)
        chance = random.Random(f"{self.seed} {self.host} {self.starts}")
        return World(self.network, self.disk, self.clock, chance, self.bugs)

    def kill(self) -> None:
        """End the program as the kernel does for a killed one; cancel its tasks as well."""
        if self.network is not None:
            self.network.die()
        self.disk.unlock()


class Authority:
    """A community's authority, for tests that need certificates without a directory."""

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(f"authority {seed}")
        self._owner = self.identity()
        self.key = self._owner.key
        self.certificate = make_authority(self.key)

    def identity(self) -> Identity:
        return Identity(self._chance.randbytes(SEED_BYTES))

    def user(self, name: str, now: float = EPOCH) -> tuple[Identity, Credentials]:
        identity = self.identity()
        leaf = self.certify(name, identity.public, now)
        return identity, Credentials(identity.key, leaf, self.certificate)

    def certify(self, name: str, public: bytes, now: float = EPOCH) -> bytes:
        """Return a certificate of this key for this name."""
        return issue_for_user(self.certificate, self.key, name, public, now)

    def directory(self) -> Credentials:
        key = self.identity().key
        leaf = issue_for_directory(self.certificate, self.key, key.public_key())
        return Credentials(key, leaf, self.certificate)
