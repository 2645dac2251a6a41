"""A user made of one blocking TLS socket: so cheap that a crowd of them loads the directory."""

import contextlib
import os
import socket
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import msgspec

from shared.codec import encode
from shared.identity import SEED_BYTES, Identity
from shared.messages.common import VERSION
from shared.messages.directory import Contact, Iam, List, Lookup, Users, Welcome, Who

AT_ONCE: Final = 24  # users that register side by side
SECONDS: Final = 60.0  # for one answer
LISTENS_AT: Final = 40_001  # so they say; nobody will dial them

U = TypeVar("U")


def context() -> ssl.SSLContext:
    """Believes everybody: who the directory is, is not the question here."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


class LeanUser:
    """All that can be computed before is computed by the constructor."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.identity = Identity(os.urandom(SEED_BYTES))
        self.certificate = self.authority = b""
        self.tls: ssl.SSLSocket
        self.watch: tuple[str, ...] = ()
        self._request = self.identity.request(name)
        self._proof = self.identity.sealing_proof()
        self._rest = b""

    def connect(self, port: int, context: ssl.SSLContext) -> None:
        raw = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls, self._rest = context.wrap_socket(raw), b""

    def register(self, port: int, context: ssl.SSLContext) -> None:
        self.connect(port, context)
        who = msgspec.json.decode(self.read_line(), type=Who)
        self.tls.sendall(encode(self._iam(who)))
        welcome = msgspec.json.decode(self.read_line(), type=Welcome)
        self.authority = who.authority
        self.certificate = welcome.certificate or self.certificate

    def _iam(self, who: Who) -> Iam:
        me = self.identity
        return Iam(
            version=VERSION,
            name=self.name,
            key=me.public,
            proof=me.registration_proof(authority=who.authority, nonce=who.nonce, name=self.name),
            port=LISTENS_AT,
            sealing_key=me.sealing_public,
            sealing_proof=self._proof,
            request=b"" if self.certificate else self._request,
            watch=self.watch,
        )

    def look_up(self, id: int, name: str) -> Contact:
        self.tls.sendall(encode(Lookup(id, name)))
        return msgspec.json.decode(self._answer(b'"CONTACT"'), type=Contact)

    def list(self, request: List) -> Users:
        """One page."""
        self.tls.sendall(encode(request))
        return msgspec.json.decode(self._answer(b'"USERS"'), type=Users)

    def _answer(self, tag: bytes) -> bytes:
        while tag not in (line := self.read_line()):
            pass  # news of others
        return line

    def echo(self, line: bytes) -> bytes:
        """From a bare server."""
        self.tls.sendall(line)
        return self.read_line()

    def read_line(self) -> bytes:
        while b"\n" not in self._rest:
            chunk = self.tls.recv(65_536)
            if not chunk:
                raise ConnectionError(f"{self.name} was cut off: {self._rest!r}")
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.tls.close()


def make(prefix: str, count: int) -> list[LeanUser]:
    return [LeanUser(f"{prefix}{number}") for number in range(count)]


def for_all(users: Iterable[U], work: Callable[[U], Any]) -> None:
    """AT_ONCE of them at a time.  Raises what the first one raised that failed."""
    with ThreadPoolExecutor(AT_ONCE) as crew:
        for _ in crew.map(work, users):
            pass
