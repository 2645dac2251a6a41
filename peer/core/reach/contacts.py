"""Where users were when the directory said it last, for as long as it is away."""

from typing import Final

from msgspec import Struct

from shared.messages import Contact, Status
from shared.names import fold

MOST: Final = 1_000  # users: as many as addresses are remembered (peer.core.reach.dial_policy)


class Callee(Struct, frozen=True):
    """Whom an invitation is for."""

    name: str
    key: bytes
    is_offline: bool = False


def callee_of(contact: Contact) -> Callee:
    return Callee(contact.name, contact.key, contact.status is Status.OFFLINE)


class Contacts:
    """The ones that were asked for last, as long as they have not come or gone since."""

    def __init__(self) -> None:
        self._known: dict[str, Contact] = {}

    def note(self, contact: Contact) -> None:
        self._known.pop(fold(contact.name), None)
        if contact.status is not Status.OFFLINE:
            self._known[fold(contact.name)] = contact
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]

    def forget(self, name: str) -> None:
        """They came or went: the next address is another one."""
        self._known.pop(fold(name), None)

    def of(self, name: str) -> Contact | None:
        return self._known.get(fold(name))
