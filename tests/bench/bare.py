"""The bare trio programs that the others are compared with: TLS 1.3 and nothing else.

Both sides show certificates, as peers do; with `anonymous` the client shows none, as a peer
does at the directory.
"""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import trio
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.identity import issue_for_directory, make_authority
from tests.bench.processes import Child, module

GREETING: Final = b"welcome\n"

BareStream = trio.SSLStream[trio.SocketStream]


def write_credentials(folder: Path) -> None:
    """A key with its certificate, and the authority that vouches for it, as PEM files."""
    authority_key, key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    authority = make_authority(authority_key)
    leaf = issue_for_directory(authority, authority_key, key.public_key())
    folder.mkdir()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "leaf.pem").write_bytes(private + pem(leaf))
    (folder / "authority.pem").write_bytes(pem(authority))


def pem(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


def client_context(folder: Path, *, anonymous: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    return _complete(context, folder, shows=not anonymous, believes=False)


def server_context(folder: Path, *, anonymous: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0
    return _complete(context, folder, shows=True, believes=anonymous)


def _complete(
    context: ssl.SSLContext, folder: Path, *, shows: bool, believes: bool
) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_NONE if believes else ssl.CERT_REQUIRED
    context.load_verify_locations(folder / "authority.pem")
    if shows:
        context.load_cert_chain(folder / "leaf.pem")
    return context


@asynccontextmanager
async def bare_server(
    folder: Path, service: str, *, anonymous: bool = False
) -> AsyncIterator[tuple[Child, int]]:
    """Another process that offers `service` of `tests.bench.bare_server`, and its port."""
    write_credentials(folder)
    to = ["anonymous"] if anonymous else []
    async with module("bare_server", service, folder, *to) as child:
        yield child, int(await child.hear())


async def dial(port: int, context: ssl.SSLContext) -> BareStream:
    """A stream whose handshake is done: the server has greeted."""
    stream = trio.SSLStream(await trio.open_tcp_stream("127.0.0.1", port), context)
    await receive_exactly(stream, len(GREETING))
    return stream


async def receive_exactly(stream: BareStream, size: int) -> None:
    while size > 0:
        size -= len(await stream.receive_some(size)) or size


async def close(stream: BareStream) -> None:
    """At once: nothing is on its way, and nobody waits for a last word."""
    await trio.aclose_forcefully(stream)


def random_text(characters: int) -> str:
    return os.urandom(characters // 2 + 1).hex()[:characters]
