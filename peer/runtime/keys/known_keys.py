"""Decide whose key a name has, by certificates of the community and remembered keys.

A certificate proves only that a key had a name once.  Two sources say whose the name is now:
my own memory, of a key that I have met by an act of mine; and for a name of which I remember
nothing, the directory, asked today.  No other key is ever shown under the bare name.

A key is remembered when I act: with my yes, an invitation of mine, a private line, a
letter, VERIFY, a text in a conversation, or by entering one.  Acts of others make
no key known, so nobody can spoil a name before its owner comes.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from peer.core.keys.key_alarms import KeyAlarms
from peer.core.keys.name_marks import ANOTHER_KEY, NOT_CONFIRMED
from peer.core.membership import member_id
from peer.core.myself import Myself
from peer.runtime.tasks import Tasks
from peer.storage.contacts import ContactStore
from shared.errors import KeyChanged, ProtocolError, Refused, StorageError, Unreachable
from shared.identity import fingerprint, read_certificate
from shared.messages.directory import Contact
from shared.names import fold
from shared.world import Clock

WORDS_MOST: Final = 10_000  # answers of the directory, about names that I have not met

log = logging.getLogger("peer")

Lookup = Callable[[str], Awaitable[Contact]]


class KnownKeys:
    """The judge of every name and key that a peer meets."""

    def __init__(
        self, contacts: ContactStore, clock: Clock, alarms: KeyAlarms, myself: Myself, tasks: Tasks
    ) -> None:
        self._contacts, self._clock, self._alarms = contacts, clock, alarms
        self._myself, self._tasks = myself, tasks
        self._said: dict[str, bytes | None] = {}  # folded name -> key, as the directory says
        self._owners: set[tuple[str, str]] = set()  # members who may be called by the bare name
        self._wondered: dict[str, str] = {}  # names that were read and not confirmed
        self.authority = b""  #: of our community, set when the directory was recognised

    def name_and_key(self, certificate: bytes | None) -> tuple[str, bytes]:
        """Return the owner of a certificate.  Raises ProtocolError unless it is a user of ours."""
        if certificate is None:
            raise ProtocolError("no certificate was shown")
        subject = read_certificate(certificate, self.authority, self._clock.time())
        if subject.name is None:
            raise ProtocolError("the certificate is the directory's")
        return subject.name, subject.key

    # --- Remembered keys ---

    def check(self, name: str, key: bytes) -> None:
        """Raise KeyChanged when another key is remembered for this name."""
        known = self._contacts.key_of(name)
        if known is not None and known != key:
            verified = ", whom you have verified," if self.is_verified(name) else ""
            raise KeyChanged(
                f"The key of {name}{verified} has changed. It was {fingerprint(known)}, now it is"
                f" {fingerprint(key)}. Someone may be impersonating {name}: ask {name} another way,"
                f" and type VERIFY {name} to compare the new key."
            )

    async def remember(self, contact: Contact) -> None:
        """Remember the key of a user towards whom I act.  Raises KeyChanged if another is known."""
        self.check(contact.name, contact.key)
        if self._contacts.key_of(contact.name) is None:
            await self._contacts.remember_key(contact.name, contact.key, self._clock.time())

    def pin(self, *names: str) -> None:
        """Remember the keys of these users, as I have acted towards them.

        Only keys that the directory has told can be remembered.
        """
        for name in names:
            key = self._said.get(fold(name))
            if key is not None and self._contacts.key_of(name) is None:
                self._tasks.spawn(self._remember, name, key)

    async def _remember(self, name: str, key: bytes) -> None:
        try:
            if self._contacts.key_of(name) is None:
                await self._contacts.remember_key(name, key, self._clock.time())
        except StorageError as failure:
            log.warning("the key of %s is not on disk: %s", name, failure)

    def is_verified(self, name: str) -> bool:
        """Whether the user has compared the words of the remembered key."""
        return fold(name) in self._contacts.verified

    def remembers(self, name: str, key: bytes) -> bool:
        return self._contacts.key_of(name) == key

    async def accept(self, name: str, key: bytes) -> None:
        """Remember this key as verified: the user has compared the words."""
        self._owners.clear()
        await self._contacts.remember_key(name, key, self._clock.time(), verified=True)

    # --- Names of which nothing is remembered ---

    def note(self, name: str, key: bytes | None) -> None:
        """Note the key that the directory gives for this name; None: the name is nobody's."""
        self._owners.clear()
        self._said.pop(fold(name), None)
        self._said[fold(name)] = key
        if len(self._said) > WORDS_MOST:
            del self._said[next(iter(self._said))]

    def is_judged(self, name: str) -> bool:
        """Whether nothing more need be asked about this name."""
        known = self._contacts.key_of(name) is not None
        return known or fold(name) in self._said or self._myself.is_called(name)

    def take_wondered(self) -> list[str]:
        """Return the names that were shown unconfirmed since the last call, and are not judged."""
        wondered, self._wondered = list(self._wondered.values()), {}
        return [name for name in wondered if not self.is_judged(name)]

    async def meet(self, name: str, key: bytes, lookup: Lookup) -> None:
        """Check the key of a linked user with a good certificate.  Raises KeyChanged, Refused.

        At first sight the directory is asked as well: a certificate outlives a
        name that was given back.  While the directory is gone the name is shown
        as not confirmed.
        """
        self.check(name, key)
        if self._contacts.key_of(name) is None:
            try:
                contact = await lookup(name)
            except Unreachable:
                return
            if contact.key != key:
                raise Refused(f"the name {name} belongs to another key now", "KEY")
            self.check(name, key)

    # --- What the user reads ---

    def called(self, member: str, name: str) -> str:
        """Return what the user reads for a member of a conversation with this id and name."""
        if (member, name) in self._owners:  # called for each text
            return name
        known = self.believed(name)
        if known is None:
            self._wondered[fold(name)] = name
            return name + NOT_CONFIRMED
        if member == member_id(name, known):
            self._owners.add((member, name))
            return name
        return self._another(name, member)

    def called_by_key(self, name: str, key: bytes | None) -> str:
        """Return what the user reads for somebody who shows this name and key."""
        known = self.believed(name)
        if known is None:
            self._wondered[fold(name)] = name
            return name + NOT_CONFIRMED
        if known == key:
            return name
        return self._another(name, member_id(name, key) if key else "")

    def _another(self, name: str, member: str) -> str:
        self._alarms.ring(
            (fold(name), member),
            f"Somebody shows another key under the name {name} than the one that you know:"
            f" they are shown as {name}{ANOTHER_KEY}.",
            trio.current_time(),
        )
        return name + ANOTHER_KEY

    def believed(self, name: str) -> bytes | None:
        """Return the one key that is shown under this name, if it is known."""
        if self._myself.is_called(name):
            return self._myself.key
        return self._contacts.key_of(name) or self._said.get(fold(name))

    def is_contradicted(self, name: str) -> bool:
        """Whether the directory gives another key for this name than the remembered one."""
        known, said = self._contacts.key_of(name), self._said.get(fold(name))
        return known is not None and said is not None and known != said
