"""Know the user of this program: name, key and certificate, as they are now."""

from msgspec import Struct

from peer.core.membership import Me
from shared.identity import Identity
from shared.messages.common import Status
from shared.names import fold


class Registration(Struct):
    """The name, address and status to register with, also when I come back."""

    name: str
    port: int = 0
    host: str = ""  #: --advertise
    token: str = ""
    status: Status = Status.ACTIVE
    by_hand: bool = False
    note: str = ""  #: on the status, for others


class Myself:
    """I, as all parts of a peer know me; the directory sets my certificate and spells my name."""

    def __init__(self, registration: Registration, identity: Identity) -> None:
        self.registration, self.identity = registration, identity
        self.certificate = b""  #: empty until I have one
        self._signer: Me | None = None

    @property
    def name(self) -> str:
        return self.registration.name

    @property
    def key(self) -> bytes:
        return self.identity.public

    @property
    def id(self) -> str:
        """My id as a member of conversations."""
        return self.me.id

    @property
    def me(self) -> Me:
        """I, as the one who signs in conversations."""
        now, last = (self.name, self.certificate), self._signer
        if last is None or (last.name, last.certificate) != now:
            last = self._signer = Me(self.name, self.identity, self.certificate)
        return last

    def is_called(self, name: str) -> bool:
        return fold(name) == fold(self.name)
