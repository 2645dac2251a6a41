"""Say who I am to a directory, once it has proved to be one of our community."""

from typing import Protocol

from peer.core.myself import Myself
from peer.runtime.directory.certificates import Certificates
from peer.runtime.directory.watching import Watching
from shared.errors import ProtocolError, Refused, TurnedAway, Unreachable
from shared.link import Link
from shared.messages.common import VERSION, Message
from shared.messages.directory import Iam, Tkn, Welcome, Who
from shared.messages.spots import Spot
from shared.world import Address


class NameTaken(TurnedAway):
    """The name belongs to another key."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The name {name} is taken: it belongs to the key that registered it first.", "TKN"
        )


class SpotSource(Protocol):
    def spots(self) -> tuple[Spot, ...]:
        """Return where I may be reached."""


class Introduction:
    def __init__(
        self, spots: SpotSource, myself: Myself, certificates: Certificates, watching: Watching
    ) -> None:
        self._spots, self._myself, self._certificates = spots, myself, certificates
        self._watching = watching

    async def meet(self, link: Link[Message], address: Address) -> Who:
        """Return the first words of a directory of our community.

        Nothing was said to it until then.  Raises Refused, KeyChanged, Unreachable or
        ProtocolError.
        """
        who = await link.expect(Who)
        if who.version != VERSION:
            raise Refused(
                f"the directory speaks version {who.version} of the protocol, this program"
                f" {VERSION}",
                "VERSION",
            )
        self._certificates.recognise(link.wire.certificate, who.authority, address)
        link.identified()
        return who

    async def enter(self, link: Link[Message], who: Who, address: Address) -> Welcome:
        """Register.  Raises NameTaken, Refused, Unreachable or ProtocolError."""
        link.post(self._iam(who))
        try:
            answer = await link.expect(Message)
        except TurnedAway as no:
            if no.code == "DRAINING":  # it will be there again, so what is written is kept
                raise Unreachable(str(no)) from None
            raise
        match answer:
            case Tkn():
                raise NameTaken(self._myself.name)
            case Welcome():
                await self._certificates.accept(answer, who.authority, address)
                return answer
            case _:
                raise ProtocolError("WELCOME was expected")

    def _iam(self, who: Who) -> Iam:
        wanted, me = self._myself.registration, self._myself.identity
        return Iam(
            version=VERSION,
            name=wanted.name,
            key=me.public,
            proof=me.registration_proof(authority=who.authority, nonce=who.nonce, name=wanted.name),
            port=wanted.port,
            sealing_key=me.sealing_public,
            sealing_proof=me.sealing_proof(),
            host=wanted.host,
            request=me.request(wanted.name) if self._certificates.is_mine_wanted else b"",
            token=wanted.token,
            status=wanted.status,
            by_hand=wanted.by_hand,
            note=wanted.note,
            spots=self._spots.spots(),
            watch=self._watching.introduce(),
        )
