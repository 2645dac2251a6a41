"""The addresses that the directory gave us last, for use while it is away."""

from typing import Final

from msgspec import Struct

from shared.messages.common import Status
from shared.messages.directory import Contact
from shared.names import fold

MOST: Final = 1_000  # users: as many as addresses are remembered (peer.core.reach.dial_policy)


class Callee(Struct, frozen=True):
    """The user whom an invitation is for."""

    name: str
    key: bytes
    is_offline: bool = False


def callee_of(contact: Contact) -> Callee:
    return Callee(contact.name, contact.key, contact.status is Status.OFFLINE)


class Contacts:
    """The contacts asked for last, each until its user comes or goes."""

    def __init__(self) -> None:
        self._known: dict[str, Contact] = {}

    def note(self, contact: Contact) -> None:
        self._known.pop(fold(contact.name), None)
        if contact.status is not Status.OFFLINE:
            self._known[fold(contact.name)] = contact
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]

    def forget(self, name: str) -> None:
        """Drop a user who came or went: their next address is another one."""
        self._known.pop(fold(name), None)

    def of(self, name: str) -> Contact | None:
        return self._known.get(fold(name))
