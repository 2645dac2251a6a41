"""Open a TCP connection from both sides at once, through firewalls that let nobody in.

All sockets of one try share one fresh local port: the connection to the directory, which so
sees where a router leads that port; a listener; and one dial to each address of the other
side.  A dial opens the own firewall for the other side's.  When two dials cross, both sides
connect and nobody accepts: so who is what on TLS is agreed upon before, and not by that.

A dial waits as long as the kernel sends it again: a new one from the same port in its place
would meet what is left of the old one on the way.
"""

import errno
import hashlib
import random
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Protocol, Self

import trio

from shared.errors import Unreachable
from shared.sockets import bare
from shared.strangers import Strangers
from shared.wire import TlsWire, address, cause_of
from shared.world import Address, Wire

SPOTS_MOST: Final = 8  # that are dialled
# Until another dial, after one that was refused: the other side's firewall may open a little
# later.  Then no more, as somebody else may be there who has nothing to do with us.
PAUSES: Final = (0.3, 0.3, 0.3, 0.6, 1.2, 2.4)
JITTER_SECONDS: Final = 0.05  # and a little more, so that two refusals do not keep in step
AGAIN_SECONDS: Final = 0.3  # until we accept again, after an error
BACKLOG: Final = 8  # connections that the kernel keeps for us
COMING_MOST: Final = 8  # connections that have not said the word; the oldest is cut
PORT_TRIES: Final = 3  # of local ports, for one from which the directory can be dialled

_MARK: Final = {True: b"C", False: b"c"}  # of the side that says which connection is to stay
_STAYS: Final = b"K"
_LINGER_NONE: Final = struct.pack("ii", 1, 0)


class Securing(Protocol):
    """Performs handshakes on sockets, which it then owns.  Raises Unreachable."""

    async def secure_dialled(self, sock: socket.socket) -> TlsWire: ...

    async def secure_accepted(self, sock: socket.socket) -> TlsWire: ...


class TcpPunchPort:
    """`shared.world.PunchPort` on real sockets."""

    def __init__(self, network: Securing, listener: trio.SocketListener, wire: TlsWire) -> None:
        self._network, self._listener = network, listener
        self.directory: Wire = wire

    @classmethod
    async def open(cls, network: Securing, directory: Address) -> Self:
        """Raises Unreachable."""
        for _ in range(PORT_TRIES):
            try:
                listener = await _listen(_anywhere(directory.host))
            except OSError as error:
                raise Unreachable(f"no port to dial from: {cause_of(error)}") from error
            try:
                stream = await _dial_from(_port(listener), directory)
                return cls(network, listener, await network.secure_dialled(bare(stream)))
            except BaseException as failure:
                listener.socket.close()
                if not isinstance(failure, OSError):
                    raise
                cause = failure
                if failure.errno != errno.EADDRNOTAVAIL:
                    break
        raise Unreachable(f"no connection to {directory}: {cause_of(cause)}") from cause

    async def punch(self, spots: Sequence[Address], token: bytes, *, is_first: bool) -> TlsWire:
        wanted = list(dict.fromkeys(spots))[:SPOTS_MOST]
        stream = await _Punch(self._listener, token, is_first=is_first).run(wanted)
        sock = bare(stream)
        if is_first:
            return await self._network.secure_dialled(sock)
        return await self._network.secure_accepted(sock)

    def close(self) -> None:
        self._listener.socket.close()


def word_for(token: bytes) -> bytes:
    """Return what both sides say to each other, and to whoever else is at these addresses.

    The directory chooses the token and the addresses: it must not choose what we say there.
    """
    return hashlib.sha256(b"parley punch 1\0" + token).digest()[: len(token)]


class _Side(NamedTuple):
    says: bytes
    hears: bytes


class _Punch:
    """One try, until both sides have agreed upon one connection."""

    def __init__(self, listener: trio.SocketListener, token: bytes, *, is_first: bool) -> None:
        self._listener, self._is_first = listener, is_first
        word = word_for(token)
        self._side = _Side(word + _MARK[is_first], word + _MARK[not is_first])
        self._won: trio.SocketStream | None = None
        self._coming = Strangers(COMING_MOST, COMING_MOST)

    async def run(self, spots: list[Address]) -> trio.SocketStream:
        try:
            async with trio.open_nursery() as nursery:
                for spot in spots:
                    nursery.start_soon(self._dial, spot, nursery.cancel_scope)
                nursery.start_soon(self._accept, {_plain(one.host) for one in spots}, nursery)
        except BaseException:
            if self._won is not None:
                _abort(self._won)
            raise
        if self._won is None:
            raise Unreachable("none of these addresses can be dialled")
        return self._won

    async def _dial(self, spot: Address, over: trio.CancelScope) -> None:
        for pause in (*PAUSES, 0.0):
            try:
                stream = await _dial_from(_port(self._listener), spot)
            except OSError as error:
                if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL):
                    return  # this will not change; the other side may still come through
            else:
                await self._judge(stream, over)
            jitter = random.uniform(0, JITTER_SECONDS)  # nosec B311  # no secret: so that both differ
            await trio.sleep(pause + jitter)

    async def _accept(self, hosts: set[str], nursery: trio.Nursery) -> None:
        while True:
            try:
                stream = await self._listener.accept()
            except OSError:
                await trio.sleep(AGAIN_SECONDS)  # no file is free
                continue
            host = _host_of(stream)
            if host in hosts:
                nursery.start_soon(self._judge_stranger, stream, host, nursery.cancel_scope)
            else:
                _abort(stream)

    async def _judge_stranger(
        self, stream: trio.SocketStream, host: str, over: trio.CancelScope
    ) -> None:
        scope = trio.CancelScope()
        stranger = self._coming.enter(host, scope.cancel)
        try:
            with scope:
                await self._judge(stream, over)
        finally:
            self._coming.leave(stranger)

    async def _judge(self, stream: trio.SocketStream, over: trio.CancelScope) -> None:
        """Keep the connection if the other side is at its end, and it is the one that stays."""
        try:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._agree(stream, over)
        finally:
            if self._won is not stream:
                _abort(stream)

    async def _agree(self, stream: trio.SocketStream, over: trio.CancelScope) -> None:
        await stream.send_all(self._side.says)
        heard = await _receive(stream, len(self._side.hears))
        if heard != self._side.hears or self._won is not None:
            return
        if self._is_first:
            self._won = stream
            await stream.send_all(_STAYS)
        elif await _receive(stream, len(_STAYS)) == _STAYS and self._won is None:
            self._won = stream
        if self._won is stream:
            over.cancel()


async def _receive(stream: trio.SocketStream, size: int) -> bytes:
    """Return so many bytes, and take no more; fewer at the end."""
    heard = b""
    while len(heard) < size:
        more = await stream.receive_some(size - len(heard))
        if not more:
            break
        heard += more
    return heard


# --- Sockets ----------------------------------------------------------------------


def _anywhere(host: str) -> str:
    """Return the host that stands for all addresses of the family of this one."""
    return "::" if ":" in host else "0.0.0.0"  # nosec B104  # a firewall is what we dial through


async def _bound(host: str, port: int) -> trio.socket.SocketType:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        await sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock


async def _listen(host: str) -> trio.SocketListener:
    sock = await _bound(host, 0)
    sock.listen(BACKLOG)
    return trio.SocketListener(sock)


async def _dial_from(port: int, to: Address) -> trio.SocketStream:
    """Raises OSError."""
    sock = await _bound(_anywhere(to.host), port)
    try:
        await sock.connect(tuple(to))
        return trio.SocketStream(sock)
    except BaseException:
        sock.close()
        raise


def _port(listener: trio.SocketListener) -> int:
    return address(listener.socket.getsockname()).port


def _host_of(stream: trio.SocketStream) -> str:
    """Return the address of the other side; empty if it is gone already."""
    try:
        return _plain(stream.socket.getpeername()[0])
    except OSError:
        return ""


def _plain(host: str) -> str:
    """Return the address without the interface where it is good."""
    return host.partition("%")[0]


def _abort(stream: trio.SocketStream) -> None:
    """Close with a reset: what is left of a port may not delay a later try."""
    with suppress(OSError):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    stream.socket.close()
