"""One TLS connection on a real socket: the handshake, then bytes both ways.

A wire has one reader and one writer, so it needs no locks and buffers of Trio's SSLStream,
which cost a third of the time of a short message.  OpenSSL gets one record at a time, from
memory: on the socket itself it would read on, without an end and without a turn for anybody
else, while the other side sends records that hold no data.
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
from shared.records import Records
from shared.wording import system_reason
from shared.world import Address

CLOSE_SECONDS: Final = 1.0  # the most that a polite end may take
RECORD_BYTES: Final = 16 * 1024  # the most that TLS puts into one record
SLICE_BYTES: Final = 4 * 1024  # what we put into one: its peak is kept, here and there, for life
RECEIVE_BYTES: Final = 4 * RECORD_BYTES  # read at once, before other tasks get a turn
RECORDS_AT_ONCE: Final = 64  # the same; the dearest record takes some 20 us
EMPTY_BYTES: Final = 4 * 1024  # of records without data, in the life of a wire: we send none
HANDSHAKE_BYTES: Final = 32 * 1024  # an honest one takes 2 KiB
STEP_BYTES: Final = 4 * 1024  # of a handshake

_LINGER_NONE = struct.pack("ii", 1, 0)
_TCP_INFO_BYTES = 60
_TCP_UNACKED = 24  # offsets into Linux's struct tcp_info
_TCP_LAST_ACK_RECEIVED = 56


class TlsWire:
    """`shared.world.Wire` on a real socket, which it owns."""

    __slots__ = (
        "_ahead",
        "_empty_bytes",
        "_fault",
        "_has_ended",
        "_incoming",
        "_outgoing",
        "_records",
        "_socket",
        "_tls",
        "_unsent",
        "certificate",
        "local",
        "remote",
    )

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, *, server_side: bool) -> None:
        _check_connected(sock)
        self._socket = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server_side)
        self._records = Records()
        self._empty_bytes = 0  # of records without data that have come
        self._has_ended = False  # the other side has closed, behind what was read last
        self._fault: Exception | None = None  # the same, if it broke off
        self._unsent = b""  # encrypted
        self._ahead = 0  # bytes in it of which `try_send` said that it did not send them
        self.remote = address(sock.getpeername())
        self.local = address(sock.getsockname())
        self.certificate: bytes | None = None

    @classmethod
    async def secure(
        cls,
        sock: socket.socket,
        context: ssl.SSLContext,
        limiter: trio.CapacityLimiter,
        *,
        server_side: bool = False,
    ) -> Self:
        """Perform the handshake; return the wire.  Raises Unreachable if the other side breaks it.

        A step of a handshake costs a millisecond of our only thread.  Each step takes
        one of a few places, and waiting for the other side takes none, so neither
        a crowd of newcomers nor silent ones stop anybody.
        """
        try:
            wire = cls(sock, context, server_side=server_side)
            await wire._shake_hands(limiter)
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            _forget_unread(sock)
            raise Unreachable(f"no TLS connection: {cause_of(error)}") from error
        return wire

    async def _shake_hands(self, limiter: trio.CapacityLimiter) -> None:
        left = HANDSHAKE_BYTES
        while not await self._step(limiter):
            if not left:
                raise trio.BrokenResourceError("its handshake is too long")
            await wait_readable(self._socket)
            _check_open(self._socket)
            with contextlib.suppress(BlockingIOError):
                raw = self._socket.recv(min(STEP_BYTES, left))
                if not raw:
                    raise trio.BrokenResourceError(ENDED)
                left -= len(raw)
                self._incoming.write(raw)
        self.certificate = self._tls.getpeercert(binary_form=True)
        self._records.add(self._incoming.read())  # what came behind the handshake

    async def _step(self, limiter: trio.CapacityLimiter) -> bool:
        """Do what can be done of the handshake; return whether it is done."""
        is_done = True
        async with limiter:
            _check_open(self._socket)
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                is_done = False
            except OSError:
                self._say_why()
                raise
        await self._flush()
        return is_done

    async def send_all(self, data: bytes | bytearray) -> None:
        rest = memoryview(data)[self._ahead :]
        self._ahead -= len(data) - len(rest)
        try:
            while rest or self._unsent:
                _check_open(self._socket)
                if not self._unsent:
                    self._encrypt(rest[:RECORD_BYTES])
                    rest = rest[RECORD_BYTES:]
                if not self._push():
                    await wait_writable(self._socket)
        except OSError as error:
            raise trio.BrokenResourceError from error
        await trio.lowlevel.checkpoint()

    def try_send(self, data: bytes) -> int:
        if self._socket.fileno() < 0 or self._unsent:
            return 0
        with contextlib.suppress(OSError):  # the next `send_all` meets it too
            self._encrypt(data)
            self._ahead = len(data)
            if self._push():
                self._ahead = 0
                return len(data)
        return 0

    def _encrypt(self, data: bytes | memoryview) -> None:
        for start in range(0, len(data), SLICE_BYTES):
            self._tls.write(data[start : start + SLICE_BYTES])
            self._collect()

    def _collect(self) -> None:
        """Add what OpenSSL has to say to what is to be sent."""
        said = self._outgoing.read()
        self._unsent = self._unsent + said if self._unsent else said

    def _push(self) -> bool:
        """Send what can be sent at once; return whether that is all."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            return False
        return True

    async def _flush(self) -> None:
        self._collect()
        _check_open(self._socket)
        while not self._push():
            await wait_writable(self._socket)
            _check_open(self._socket)

    def _say_why(self) -> None:
        """Send TLS's last alert, if there is room for it."""
        self._collect()
        with contextlib.suppress(OSError):
            self._push()

    async def receive_some(self) -> bytes:
        data = b""
        while not data and not self._has_ended:
            _check_open(self._socket)
            if self._fault is not None:
                raise trio.BrokenResourceError from self._fault
            is_here = self._records.has_whole
            if is_here:
                await trio.lowlevel.checkpoint()
            else:
                await wait_readable(self._socket)
            # Somebody may have closed it before we woke up.
            _check_open(self._socket)
            if not is_here:
                self._fetch()
            data = self._decrypt()
        return data

    def _fetch(self) -> None:
        """Take over what has come."""
        try:
            raw = self._socket.recv(RECEIVE_BYTES - len(self._records))
        except BlockingIOError:
            return
        except OSError as error:
            self._fault = error
            return
        self._records.add(raw)
        if not raw:  # an end without TLS's own close is a lost link
            self._fault = trio.BrokenResourceError(ENDED)

    def _decrypt(self) -> bytes:
        """Return the data of some of the records that have come."""
        pieces: list[bytes] = []
        for record in self._records.take(RECORDS_AT_ONCE):
            self._incoming.write(record)
            try:
                data = self._tls.read(RECORD_BYTES)
            except ssl.SSLWantReadError:
                self._empty_bytes += len(record)
                if self._empty_bytes > EMPTY_BYTES:
                    self._fault = trio.BrokenResourceError(DATALESS)
                    break
            except OSError as error:
                self._say_why()
                self._fault = error
                break
            else:
                if not data:
                    self._has_ended = True
                    break
                pieces.append(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def aclose(self) -> None:
        # Shielded, so that the last messages are sent although everything else ends;
        # with a deadline, because the other side may have stopped reading.
        with (
            trio.move_on_after(CLOSE_SECONDS, shield=True),
            _already_broken(),
            contextlib.suppress(trio.BusyResourceError),  # a write is stuck: there is no room
        ):
            await trio.lowlevel.checkpoint()
            _check_open(self._socket)
            with contextlib.suppress(ssl.SSLWantReadError):  # the other side's end is not awaited
                self._tls.unwrap()
            await self._flush()
        close(self._socket)

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
        sock.recv(RECEIVE_BYTES)


def _check_connected(sock: socket.socket) -> None:
    """Raise OSError if it is broken already; what fails later would not say why."""
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _check_open(sock: socket.socket) -> None:
    if sock.fileno() < 0:
        raise trio.ClosedResourceError


def _already_broken() -> contextlib.suppress:
    """Ignore that a wire which is being closed was broken already."""
    return contextlib.suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError)


ENDED: Final = "the other side ended it"
DATALESS: Final = "it sends records without data"
_REASONS: Final = {
    "WRONG_VERSION_NUMBER": "what answers there does not speak TLS",
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
