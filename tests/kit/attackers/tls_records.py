"""An attacker who performs an honest TLS 1.3 handshake, and then sends any records."""

import contextlib
import hmac
import ssl
from pathlib import Path
from typing import Final

import trio
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.identity import Credentials
from shared.tls import _pem_file
from shared.world import Address

ALERT: Final = 21
HANDSHAKE: Final = 22
DATA: Final = 23
TICKET: Final = b"\x04\0\0\x0e" + bytes(8) + b"\0" + b"\0\x01x" + b"\0\0"

# These are sizes of AES-256-GCM with SHA-384, which OpenSSL prefers.
_DIGEST: Final = "sha384"
_KEY_BYTES: Final = 32
_IV_BYTES: Final = 12
_SECRET_BYTES: Final = 48
_TAG_BYTES: Final = 16


def key_update(*, is_answered: bool = False) -> bytes:
    return b"\x18\0\0\x01" + bytes([is_answered])


class Side:
    """The keys of one side, and the number of the next record that it sends."""

    def __init__(self, secret: bytes) -> None:
        self._secret, self._number = secret, 0

    def seal(self, kind: int, content: bytes) -> bytes:
        """Make a record; after a KeyUpdate the next one has the next key."""
        inner = content + bytes([kind])
        head = b"\x17\x03\x03" + (len(inner) + _TAG_BYTES).to_bytes(2, "big")
        sealed = AESGCM(self._expand(b"key", _KEY_BYTES)).encrypt(self._nonce(), inner, head)
        self._count(kind, content)
        return head + sealed

    def open(self, record: bytes) -> tuple[int, bytes]:
        aead, head = AESGCM(self._expand(b"key", _KEY_BYTES)), record[:5]
        inner = aead.decrypt(self._nonce(), record[5:], head)
        self._count(inner[-1], inner[:-1])
        return inner[-1], inner[:-1]

    def _nonce(self) -> bytes:
        start = int.from_bytes(self._expand(b"iv", _IV_BYTES), "big")
        return (start ^ self._number).to_bytes(_IV_BYTES, "big")

    def _count(self, kind: int, content: bytes) -> None:
        self._number += 1
        if kind == HANDSHAKE and content[0] == key_update()[0]:
            self._secret, self._number = self._expand(b"traffic upd", _SECRET_BYTES), 0

    def _expand(self, label: bytes, size: int) -> bytes:
        label = b"tls13 " + label
        info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
        return hmac.digest(self._secret, info + b"\x01", _DIGEST)[:size]


class Speaker:
    """A connection whose handshake is done."""

    def __init__(self, stream: trio.SocketStream, own: Side, other: Side) -> None:
        self.stream, self.own, self.other = stream, own, other

    async def send(self, *records: tuple[int, bytes]) -> None:
        await self.stream.send_all(b"".join(self.own.seal(*record) for record in records))

    async def receive(self) -> tuple[int, bytes]:
        head = await self._exactly(5)
        return self.other.open(head + await self._exactly(int.from_bytes(head[3:], "big")))

    async def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            piece = await self.stream.receive_some(size - len(got))
            assert piece, "it has ended"
            got += piece
        return got


async def dialled(address: Address, folder: Path) -> Speaker:
    """A stranger's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return await _speak(await trio.open_tcp_stream(*address), context, folder)


async def accepted(stream: trio.SocketStream, credentials: Credentials, folder: Path) -> Speaker:
    """A server's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    with _pem_file(credentials) as path:
        context.load_cert_chain(path)
    return await _speak(stream, context, folder, server_side=True)


async def _speak(
    stream: trio.SocketStream, context: ssl.SSLContext, folder: Path, *, server_side: bool = False
) -> Speaker:
    keys = folder / f"keys-of-{'server' if server_side else 'client'}"
    context.keylog_filename = str(keys)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=server_side)
    is_done = False
    while not is_done:
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
            is_done = True
        if said := outgoing.read():
            await stream.send_all(said)
        if not is_done:
            incoming.write(await stream.receive_some())
    cipher = tls.cipher()
    assert cipher is not None
    assert cipher[0] == "TLS_AES_256_GCM_SHA384"
    client, server = (_side(keys, whose) for whose in ("CLIENT", "SERVER"))
    return Speaker(stream, server, client) if server_side else Speaker(stream, client, server)


def _side(keys: Path, whose: str) -> Side:
    """The last handshake is the one that counts."""
    lines = [line.split() for line in keys.read_text(encoding="ascii").splitlines()]
    secrets = [line[2] for line in lines if line[0] == f"{whose}_TRAFFIC_SECRET_0"]
    return Side(bytes.fromhex(secrets[-1]))
