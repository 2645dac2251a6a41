"""One TLS connection on a real socket: the handshake, then bytes both ways.

OpenSSL works on the socket itself.  Trio's own SSLStream passes every byte through
two buffers and three locks, which we do not need: a wire has one reader and one
writer.  That saves a third of the time of a short message, and 13 KiB a connection.
"""

import contextlib
import errno
import os
import socket
import ssl
import struct
import sys
from typing import Final, Self

import trio
from trio.lowlevel import notify_closing, wait_readable, wait_writable

from shared.errors import Unreachable
from shared.wording import system_reason
from shared.world import Address

CLOSE_SECONDS: Final = 1.0  # the most that a polite end may take
RECORD_BYTES: Final = 16 * 1024  # the most that TLS puts into one record, and returns at once
RECEIVE_BYTES: Final = 4 * RECORD_BYTES  # read at once, before other tasks get a turn

_LINGER_NONE = struct.pack("ii", 1, 0)
_TCP_INFO_BYTES = 60
_TCP_UNACKED = 24  # offsets into Linux's struct tcp_info
_TCP_LAST_ACK_RECEIVED = 56


def wrap(
    sock: socket.socket, context: ssl.SSLContext, *, server_side: bool = False
) -> ssl.SSLSocket:
    """Take over the socket.  Raises Unreachable when the other side has gone already."""
    try:
        _check_connected(sock)
        return context.wrap_socket(
            sock,
            server_side=server_side,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,  # an end without TLS's own close is a lost link
        )
    except OSError as error:
        raise Unreachable(f"no TLS connection: {cause_of(error)}") from error


class TlsWire:
    """`shared.world.Wire` on a real socket, which it owns."""

    __slots__ = ("_has_ended", "_socket", "certificate", "local", "remote")

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self._socket = sock
        self._has_ended = False  # the other side has closed, behind what was read last
        self.remote = address(sock.getpeername())
        self.local = address(sock.getsockname())
        self.certificate: bytes | None = sock.getpeercert(binary_form=True)

    @classmethod
    async def secure(cls, sock: ssl.SSLSocket, limiter: trio.CapacityLimiter) -> Self:
        """Perform the handshake; return the wire.  Raises Unreachable if the other side breaks it.

        A step of a handshake costs a millisecond of our only thread.  Each step takes
        one of a few places, and waiting for the other side takes none, so neither
        a crowd of newcomers nor silent ones stop anybody.
        """
        try:
            while True:
                async with limiter:
                    _check_open(sock)
                    try:
                        sock.do_handshake()
                        return cls(sock)
                    except ssl.SSLWantReadError:
                        wait = wait_readable
                    except ssl.SSLWantWriteError:
                        wait = wait_writable
                await wait(sock)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            _forget_unread(sock)
            raise Unreachable(f"no TLS connection: {cause_of(error)}") from error

    async def send_all(self, data: bytes | bytearray) -> None:
        rest = memoryview(data)
        while rest:
            _check_open(self._socket)
            try:
                rest = rest[self._socket.write(rest) :]
            except ssl.SSLWantWriteError:
                await wait_writable(self._socket)
            except OSError as error:
                raise trio.BrokenResourceError from error
        await trio.lowlevel.checkpoint()

    def try_send(self, data: bytes) -> int:
        if self._socket.fileno() < 0:
            return 0
        try:
            return self._socket.write(data)
        except OSError:  # there is no room, or the next `send_all` meets it too
            return 0

    async def receive_some(self) -> bytes:
        data = b"" if self._has_ended else None
        while data is None:
            _check_open(self._socket)
            await wait_readable(self._socket)
            data = self._read()
        received = len(data)
        if received < RECORD_BYTES:
            return data
        # A full record is part of something long, and the rest may be here.
        pieces = [data]
        while received < RECEIVE_BYTES and (more := self._read()) is not None:
            if not more:
                self._has_ended = True
                break
            pieces.append(more)
            received += len(more)
        return b"".join(pieces)

    def _read(self) -> bytes | None:
        """Read one record; None while there is none, b"" at the end."""
        # Somebody may have closed it before we woke up.
        _check_open(self._socket)
        try:
            return self._socket.read(RECORD_BYTES)
        except ssl.SSLWantReadError:
            return None
        except OSError as error:
            raise trio.BrokenResourceError from error

    async def aclose(self) -> None:
        # Shielded, so that the last messages are sent although everything else ends;
        # with a deadline, because the other side may have stopped reading.
        with (
            trio.move_on_after(CLOSE_SECONDS, shield=True),
            _already_broken(),
            contextlib.suppress(trio.BusyResourceError),  # a write is stuck: there is no room
        ):
            await self._say_end()
        close(self._socket)

    async def _say_end(self) -> None:
        await trio.lowlevel.checkpoint()
        while True:
            _check_open(self._socket)
            try:
                self._socket.unwrap()
            except ssl.SSLWantReadError:
                return  # sent; the other side's end is not awaited
            except ssl.SSLWantWriteError:
                await wait_writable(self._socket)
            else:
                return

    def abort(self) -> None:
        abort(self._socket)

    def unheard(self) -> float:
        if not sys.platform.startswith("linux"):
            return 0.0  # there, only keepalive and lease notice a vanished host
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        except OSError:
            return 0.0
        (unacked,) = struct.unpack_from("I", info, _TCP_UNACKED)
        (milliseconds,) = struct.unpack_from("I", info, _TCP_LAST_ACK_RECEIVED)
        return milliseconds / 1000 if unacked else 0.0


def abort(sock: socket.socket) -> None:
    """Close the socket with a reset."""
    with _already_broken():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
    close(sock)


def close(sock: socket.socket) -> None:
    """Close the socket; tasks that wait for it get ClosedResourceError."""
    if sock.fileno() >= 0:
        notify_closing(sock)
        sock.close()


def address(name: tuple[str, int] | tuple[str, int, int, int]) -> Address:
    """Return the address in the name of a socket; IPv4 within IPv6 as what it is."""
    host, port = name[:2]
    return Address(host.removeprefix("::ffff:") if "." in host else host, port)


def _forget_unread(sock: socket.socket) -> None:
    """Read what is left: closing with unread bytes would reset, and lose TLS's last alert."""
    with contextlib.suppress(OSError):
        socket.socket.recv(sock, RECEIVE_BYTES)


def _check_connected(sock: socket.socket) -> None:
    """Raise OSError if not connected; `wrap_socket` would too, but leaves the socket open."""
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    sock.getpeername()


def _check_open(sock: socket.socket) -> None:
    if sock.fileno() < 0:
        raise trio.ClosedResourceError


def _already_broken() -> contextlib.suppress:
    """Ignore that a wire which is being closed was broken already."""
    return contextlib.suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError)


ENDED: Final = "the other side ended it"
_REASONS: Final = {
    "WRONG_VERSION_NUMBER": "what answers there does not speak TLS",
    "UNEXPECTED_EOF_WHILE_READING": ENDED,
}


def cause_of(error: BaseException) -> str:
    """Return the cause in words: TLS and trio leave their own texts empty."""
    deepest = error
    while deepest.__cause__ is not None:
        deepest = deepest.__cause__
    if isinstance(deepest, ssl.SSLZeroReturnError):  # of Python 3.11.2, which gives no reason
        return ENDED
    if isinstance(deepest, ssl.SSLError):
        reason = getattr(deepest, "reason", None) or "it broke off"
        return _REASONS.get(reason, reason.replace("_", " ").lower())
    return system_reason(deepest) or "the connection was lost"


def why_not_heard(error: OSError, host: str | None, port: int, program: str) -> str:
    """Return why a `program` cannot listen there, as a sentence; `host` None: everywhere."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is already in use, by another {program} or another program"
    if error.errno == errno.EACCES:
        return f"port {port} needs special rights: choose one from 1024 to 65535"
    if host and (isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL):
        return f"{host} is not an address of this machine"
    return f"cannot listen on port {port}: {cause_of(error)}"
