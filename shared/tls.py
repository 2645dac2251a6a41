"""The real network: TCP, and TLS 1.3 on every connection.

Both sides show a certificate (a peer that has none yet shows none).  Python's
ssl cannot judge ours by name, so it only proves that the other side owns the key
in its certificate; the program that dials or answers compares name and key afterwards.
In TLS 1.3 the server shows its certificate first, so a dialler shows its own, with its
name, only to members of its community.
"""

import contextlib
import errno
import os
import socket
import ssl
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import trio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.accepting import serve_all
from shared.candidates import first_of
from shared.datagrams import UdpPort
from shared.errors import NoRoute, NotOurs, SaysNo, Unreachable
from shared.gateway import default_gateway, surroundings
from shared.identity import Credentials
from shared.interfaces import own_interfaces
from shared.punching import TcpPunchPort
from shared.sockets import bare, keep_alive
from shared.spots import Interface, Surroundings
from shared.upnp import Upnp, is_installed
from shared.wire import TlsWire, abort, address, cause_of, close
from shared.wording import system_reason
from shared.world import Address, Incoming, PunchPort

HANDSHAKES_AT_ONCE: Final = 4  # 1,200 at once stalled everybody for 1.5 s, with this for 44 ms
BACKLOG: Final = 1024  # connections that the kernel keeps for us
PORT_TRIES: Final = 16  # random ports, until one is free for IPv4 and IPv6

_NO_ROUTE: Final = {errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME: `read_certificate` checks the date, and reports it.
_WHATEVER_THE_DATE = 0x200000


class TlsNetwork:
    """`shared.world.Network` on real sockets."""

    def __init__(self, inherited: Sequence[trio.SocketListener] = ()) -> None:
        self._inherited = inherited
        self.limiter = trio.CapacityLimiter(HANDSHAKES_AT_ONCE)
        self.listens_on: tuple[Address, ...] = ()
        self._client = self._anonymous = _client_context()
        self._server: ssl.SSLContext | None = None
        self._presented = trio.Event()

    def present(self, credentials: Credentials) -> None:
        authority = credentials.authority
        client, server = _client_context(authority), _server_context(authority)
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
            sock = bare(stream)
            try:
                incoming = TcpIncoming(sock, self)
            except OSError:
                close(sock)  # it was gone before we looked
            else:
                try:
                    await answer(incoming)
                finally:
                    incoming.close()

        try:
            listeners = [*self._inherited] or await _listen(host, port)
        except UnicodeError as error:
            raise OSError(f"the host name {host} is not known") from error
        self.listens_on = tuple(address(one.socket.getsockname()) for one in listeners)
        async with trio.open_nursery() as nursery:
            await nursery.start(serve_all, listeners, take)
            task_status.started(self.listens_on[0])
        raise AssertionError("nobody ends it")

    def interfaces(self) -> tuple[Interface, ...]:
        return own_interfaces()

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        try:
            found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # UnicodeError: it cannot be a host name
            raise _no_connection(error, Address(host, port)) from error
        return tuple(dict.fromkeys(str(name[0]) for *_, name in found))

    async def dial(self, candidates: Sequence[Address], *, anonymous: bool = False) -> TlsWire:
        context = self._anonymous if anonymous else self._client
        return await first_of(candidates, partial(self._dial, context))

    async def _dial(self, context: ssl.SSLContext, where: Address) -> TlsWire:
        try:
            stream = await trio.open_tcp_stream(*where)
        except (OSError, UnicodeError) as error:  # UnicodeError: it cannot be a host name
            raise _no_connection(error, where) from error
        try:
            return await self._secure_client(bare(stream), context)
        except Unreachable as failure:
            raise NotOurs(_why_no_tls(failure, where)) from failure

    async def secure_dialled(self, sock: socket.socket) -> TlsWire:
        """Perform the handshake as a client who shows a certificate, on a socket that this owns.

        Raises Unreachable.
        """
        return await self._secure_client(sock, self._client)

    async def _secure_client(self, sock: socket.socket, context: ssl.SSLContext) -> TlsWire:
        try:
            keep_alive(sock)
            return await TlsWire.secure(sock, context, self.limiter)
        except BaseException:
            close(sock)
            raise

    async def secure_accepted(self, sock: socket.socket) -> TlsWire:
        """The same as a server."""
        try:
            keep_alive(sock)
            context = await self.server_context()
            return await TlsWire.secure(sock, context, self.limiter, server_side=True)
        except BaseException:
            close(sock)
            raise

    async def punch_port(self, directory: Address) -> PunchPort:
        return await TcpPunchPort.open(self, directory)

    def gateway(self) -> str | None:
        return default_gateway()

    def surroundings(self) -> Surroundings:
        return surroundings()

    def upnp(self, host: str) -> Upnp | None:
        return Upnp(host) if is_installed() else None

    async def bind(self, host: str, port: int) -> UdpPort:
        return await UdpPort.bind(host, port)

    async def server_context(self) -> ssl.SSLContext:
        """Return the context for incoming connections; wait until we have credentials."""
        await self._presented.wait()
        assert self._server is not None
        return self._server


class TcpIncoming:
    """`shared.world.Incoming`: a connection before its handshake."""

    def __init__(self, sock: socket.socket, network: TlsNetwork) -> None:
        self._socket, self._network = sock, network
        self.remote = address(sock.getpeername())
        keep_alive(sock)

    async def secure(self) -> TlsWire:
        context = await self._network.server_context()
        limiter = self._network.limiter
        return await TlsWire.secure(self._socket, context, limiter, server_side=True)

    def abort(self) -> None:
        abort(self._socket)

    def close(self) -> None:
        close(self._socket)


# --- Contexts -------------------------------------------------------------------


def _client_context(authority: bytes | None = None) -> ssl.SSLContext:
    """Return a context for dialling.  With an `authority` it breaks off, before it shows anything
    of ours, unless the authority certified the other side.  The dialler judges name and key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= _WHATEVER_THE_DATE
        context.load_verify_locations(cadata=authority)
    return context


def _server_context(authority: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Optional, so that a stranger gets a message with the reason for the refusal.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= _WHATEVER_THE_DATE
    context.load_verify_locations(cadata=authority)
    context.num_tickets = 0  # no resumption, which would skip the comparison of names
    return context


@contextlib.contextmanager
def _pem_file(credentials: Credentials) -> Iterator[str]:
    """Yield a file with key and certificate, as OpenSSL wants it; in memory if possible."""
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
    """Return listeners on one port, for IPv4 and IPv6.  A `port` of 0: a random one."""
    if port:
        return await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    for attempt in range(PORT_TRIES):
        (first, *others) = await trio.open_tcp_listeners(0, host=host, backlog=BACKLOG)
        for other in others:
            other.socket.close()
        chosen = address(first.socket.getsockname()).port
        first.socket.close()
        try:
            return await trio.open_tcp_listeners(chosen, host=host, backlog=BACKLOG)
        except OSError:
            if attempt == PORT_TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _why_no_tls(failure: Unreachable, where: Address) -> str:
    if isinstance(failure.__cause__, ssl.SSLCertVerificationError):
        return f"somebody else answers there, who is not of this community ({where})"
    return f"no TLS connection to {where}: {cause_of(failure)}"


def _no_connection(error: OSError | UnicodeError, address: Address) -> Unreachable:
    causes = [error, error.__cause__, *getattr(error.__cause__, "exceptions", ())]
    for one in causes:
        if isinstance(one, socket.gaierror | UnicodeError):
            return Unreachable(f"the host name {address.host} is not known")
        if isinstance(one, ConnectionRefusedError):
            return SaysNo(f"nothing answers at {address} (connection refused)")
    deepest = next(one for one in reversed(causes) if isinstance(one, OSError))
    kind = NoRoute if deepest.errno in _NO_ROUTE else Unreachable
    return kind(f"no connection to {address}: {system_reason(deepest)}")
