"""Whom we believe: certificates of the community, and keys remembered at first sight."""

import contextlib
from collections.abc import Awaitable, Callable

from peer.journal import Journal
from shared.errors import KeyChanged, ProtocolError, Refused, Unreachable
from shared.identity import fingerprint, read_certificate
from shared.messages import Contact
from shared.world import Clock


class Trust:
    """Every name and key that a peer meets passes through here."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal, self._clock = journal, clock
        self.authority = b""  #: of our community, set when the directory was recognised

    def name_and_key(self, certificate: bytes | None) -> tuple[str, bytes]:
        """Whose certificate this is.  Raises ProtocolError when it is no user's of ours."""
        if certificate is None:
            raise ProtocolError("no certificate was shown")
        subject = read_certificate(certificate, self.authority, self._clock.time())
        if subject.name is None:
            raise ProtocolError("the certificate is the directory's")
        return subject.name, subject.key

    def check(self, name: str, key: bytes) -> None:
        """Raises KeyChanged when another key is remembered for this name."""
        known = self._journal.key_of(name)
        if known is not None and known != key:
            raise KeyChanged(
                f"The key of {name} has changed. It was {fingerprint(known)}, now it is"
                f" {fingerprint(key)}. Somebody may pose as {name}: ask {name} another way,"
                f" and type VERIFY {name} to accept the new key."
            )

    async def check_and_remember(self, name: str, key: bytes) -> None:
        self.check(name, key)
        if self._journal.key_of(name) is None:
            await self._journal.remember_key(name, key, self._clock.time())

    async def meet(
        self, name: str, key: bytes, lookup: Callable[[str], Awaitable[Contact]]
    ) -> None:
        """Somebody with a good certificate has dialled us.  Raises KeyChanged.

        At first sight the directory is asked as well: a certificate outlives a
        name that was given back.  While the directory is gone, the certificate
        is proof enough.
        """
        if self._journal.key_of(name) is None:
            with contextlib.suppress(Unreachable):
                contact = await lookup(name)
                if contact.key != key:
                    raise Refused(f"the name {name} belongs to another key now", "KEY")
        await self.check_and_remember(name, key)

    async def accept(self, name: str, key: bytes) -> bool:
        """The user says that this is the key; True when it replaces another."""
        known = self._journal.key_of(name)
        if known != key:
            await self._journal.remember_key(name, key, self._clock.time())
        return known is not None and known != key
