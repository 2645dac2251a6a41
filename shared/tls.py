"""The network as it is: TCP, and TLS 1.3 on all of it.

Both sides show a certificate (a peer that has none yet shows none).  Python's
ssl cannot judge ours by name, so it only proves that the other side owns the key
in its certificate; whoever dials or answers compares name and key afterwards.
"""

import contextlib
import os
import socket
import ssl
import struct
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final, NoReturn

import trio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.errors import Unreachable
from shared.identity import Credentials
from shared.world import Address, Incoming

HANDSHAKES_AT_ONCE: Final = 4  # 1,200 at once stalled everybody for 1.5 s, with this for 44 ms
CLOSE_SECONDS: Final = 1.0  # how long a polite end may take
BACKLOG: Final = 1024  # connections that the kernel keeps for us
PORT_TRIES: Final = 16  # random ports, until one is free for IPv4 and IPv6

# A host that vanished is noticed 3 + 3 * 2 s later.  No TCP_USER_TIMEOUT: Linux
# would then count that one instead, and it kills slow readers (see `unheard`).
KEEPALIVE_IDLE: Final = 3
KEEPALIVE_INTERVAL: Final = 2
KEEPALIVE_PROBES: Final = 3

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME: `read_certificate` judges the date, and can say so.
_WHATEVER_THE_DATE = 0x200000

_LINGER_NONE = struct.pack("ii", 1, 0)
_TCP_INFO_BYTES = 60
_TCP_UNACKED = 24  # offsets into Linux's struct tcp_info
_TCP_LAST_ACK_RECEIVED = 56

_TlsStream = trio.SSLStream["_Paced"]


class TlsNetwork:
    """`shared.world.Network` on real sockets."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(HANDSHAKES_AT_ONCE)
        self._client = self._anonymous = _client_context()
        self._server: ssl.SSLContext | None = None
        self._presented = trio.Event()

    def present(self, credentials: Credentials) -> None:
        client, server = _client_context(), _server_context(credentials.authority)
        with _pem_file(credentials) as path:
            client.load_cert_chain(path)
            server.load_cert_chain(path)
        self._client, self._server = client, server
        self._presented.set()

    async def serve(
        self,
        host: str | None,
        port: int,
        answer: Callable[[Incoming], Awaitable[None]],
        *,
        task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED,
    ) -> NoReturn:
        async def take(stream: trio.SocketStream) -> None:
            try:
                incoming = TcpIncoming(stream, self)
            except OSError:
                stream.socket.close()  # gone before we looked
            else:
                try:
                    await answer(incoming)
                finally:
                    stream.socket.close()

        try:
            listeners = await _listen(host, port)
        except UnicodeError as error:
            raise OSError(f"the host name {host} is not known") from error
        bound = _address(listeners[0].socket.getsockname())
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, take, listeners)
            task_status.started(bound)
        raise AssertionError("serve_listeners does not return")

    async def dial(self, host: str, port: int, *, anonymous: bool = False) -> "TlsWire":
        try:
            stream = await trio.open_tcp_stream(host, port)
        except (OSError, UnicodeError) as error:  # no letters of a host name: UnicodeError
            raise Unreachable(_why_not(error, Address(host, port))) from error
        try:
            context = self._anonymous if anonymous else self._client
            return await self._handshake(stream, context, server_side=False)
        except BaseException:
            stream.socket.close()
            raise

    async def answer(self, stream: trio.SocketStream) -> "TlsWire":
        await self._presented.wait()
        assert self._server is not None
        return await self._handshake(stream, self._server, server_side=True)

    async def _handshake(
        self, stream: trio.SocketStream, context: ssl.SSLContext, *, server_side: bool
    ) -> "TlsWire":
        paced = _Paced(stream, self._limiter)
        tls = trio.SSLStream(paced, context, server_side=server_side)
        try:
            async with paced.turns():
                await tls.do_handshake()
            paced.step_aside()
            return TlsWire(tls, stream.socket)
        except (OSError, trio.BrokenResourceError) as error:
            raise Unreachable(f"no TLS connection: {cause_of(error)}") from error


class TcpIncoming:
    """`shared.world.Incoming`: a connection before its handshake."""

    def __init__(self, stream: trio.SocketStream, network: TlsNetwork) -> None:
        self._stream, self._network = stream, network
        self.remote = _address(stream.socket.getpeername())
        _keep_alive(stream.socket)

    async def secure(self) -> "TlsWire":
        return await self._network.answer(self._stream)

    def abort(self) -> None:
        _abort(self._stream.socket)


class TlsWire:
    """`shared.world.Wire` on a real socket."""

    def __init__(self, stream: _TlsStream, sock: trio.socket.SocketType) -> None:
        self._stream, self._socket = stream, sock
        _keep_alive(sock)
        self.remote = _address(sock.getpeername())
        self.local = _address(sock.getsockname())
        self.certificate: bytes | None = stream.getpeercert(binary_form=True)
        self.send_all = stream.send_all
        self.receive_some = stream.receive_some

    async def aclose(self) -> None:
        # Shielded, so that the last words go out although everything else ends;
        # with a deadline, because the other side may read nothing any more.
        with trio.move_on_after(CLOSE_SECONDS, shield=True), _already_broken():
            await self._stream.aclose()
        self._socket.close()

    def abort(self) -> None:
        _abort(self._socket)

    def unheard(self) -> float:
        if not sys.platform.startswith("linux"):
            return 0.0  # there, a vanished host is noticed by keepalive and lease only
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        except OSError:
            return 0.0
        (unacked,) = struct.unpack_from("I", info, _TCP_UNACKED)
        (milliseconds,) = struct.unpack_from("I", info, _TCP_LAST_ACK_RECEIVED)
        return milliseconds / 1000 if unacked else 0.0


class _Paced(trio.abc.Stream):
    """A transport whose handshakes take turns.

    A handshake costs a millisecond of our only thread.  It holds one of a few
    places while it computes and gives it up while it waits for the other side,
    so neither a crowd of newcomers nor silent ones stop anybody.
    """

    def __init__(self, stream: trio.SocketStream, limiter: trio.CapacityLimiter) -> None:
        self._stream, self._limiter = stream, limiter

    @contextlib.asynccontextmanager
    async def turns(self) -> AsyncIterator[None]:
        await self._limiter.acquire_on_behalf_of(self)
        try:
            yield
        finally:
            self._give_up()

    def step_aside(self) -> None:
        """The handshake is done: reading and writing go straight through from now on."""
        self.receive_some = self._stream.receive_some  # type: ignore[method-assign]
        self.send_all = self._stream.send_all  # type: ignore[method-assign]

    def _give_up(self) -> None:
        # A cancelled wait in receive_some leaves us without a place.
        with contextlib.suppress(RuntimeError):
            self._limiter.release_on_behalf_of(self)

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        self._give_up()
        data = await self._stream.receive_some(max_bytes)
        await self._limiter.acquire_on_behalf_of(self)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


# --- Contexts -------------------------------------------------------------------


def _client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # judged by name and key, by whoever dials
    return context


def _server_context(authority: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Optional, so that a stranger reads in a message why it is refused.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= _WHATEVER_THE_DATE
    context.load_verify_locations(cadata=authority)
    context.num_tickets = 0  # no resumption: it would skip the comparison of names
    return context


@contextlib.contextmanager
def _pem_file(credentials: Credentials) -> Iterator[str]:
    """Key and certificate as the file that OpenSSL wants; in memory where that is possible."""
    key = credentials.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    leaf = x509.load_der_x509_certificate(credentials.certificate).public_bytes(Encoding.PEM)
    if sys.platform.startswith("linux"):
        descriptor = os.memfd_create("credentials")
        name = f"/proc/self/fd/{descriptor}"
    else:
        descriptor, name = tempfile.mkstemp()
    try:
        os.write(descriptor, key + leaf)
        yield name
    finally:
        os.close(descriptor)
        if not sys.platform.startswith("linux"):
            Path(name).unlink()


# --- Sockets --------------------------------------------------------------------


async def _listen(host: str | None, port: int) -> list[trio.SocketListener]:
    """Listeners on one port, for IPv4 and IPv6 alike.  A `port` of 0: a random one."""
    if port:
        return await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    for attempt in range(PORT_TRIES):
        (first, *others) = await trio.open_tcp_listeners(0, host=host, backlog=BACKLOG)
        for other in others:
            other.socket.close()
        chosen = _address(first.socket.getsockname()).port
        first.socket.close()
        try:
            return await trio.open_tcp_listeners(chosen, host=host, backlog=BACKLOG)
        except OSError:
            if attempt == PORT_TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _address(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    return Address(name[0], name[1])


def _keep_alive(sock: trio.socket.SocketType) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    idle = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
    if idle is not None:
        sock.setsockopt(socket.IPPROTO_TCP, idle, KEEPALIVE_IDLE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)


def _abort(sock: trio.socket.SocketType) -> None:
    with _already_broken():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    sock.close()


def _already_broken() -> contextlib.suppress:
    """Closing what is broken already is no failure."""
    return contextlib.suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError)


def cause_of(error: BaseException) -> str:
    """What went wrong, in words: TLS and trio leave their own texts empty."""
    deepest = error
    while deepest.__cause__ is not None:
        deepest = deepest.__cause__
    if isinstance(deepest, ssl.SSLError):
        return (getattr(deepest, "reason", None) or "it broke off").replace("_", " ").lower()
    if isinstance(deepest, OSError) and deepest.strerror:
        return deepest.strerror.lower()
    return str(deepest).lower() or "the connection was lost"


def _why_not(error: OSError | UnicodeError, address: Address) -> str:
    causes = [error, error.__cause__, *getattr(error.__cause__, "exceptions", ())]
    for one in causes:
        if isinstance(one, socket.gaierror | UnicodeError):
            return f"the host name {address.host} is not known"
        if isinstance(one, ConnectionRefusedError):
            return f"nothing answers at {address} (connection refused)"
    deepest = next(one for one in reversed(causes) if isinstance(one, OSError))
    return f"no connection to {address}: {(deepest.strerror or str(deepest)).lower()}"
