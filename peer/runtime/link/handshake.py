"""Exchange identities over a new link: who is at its other end?"""

import trio

from peer.core.keys.key_alarms import KeyAlarms
from peer.core.myself import Myself
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.locator import Locator
from peer.runtime.link.table import OpenLink
from peer.runtime.link.tables import LinkTables
from shared.errors import KeyChanged, ProtocolError, Refused, TurnedAway, Unreachable
from shared.link import Link
from shared.messages.common import VERSION, Message
from shared.messages.directory import Contact
from shared.messages.peers import LinkKind, PeerIam, PeerIamFor
from shared.names import fold
from shared.world import Clock


class Handshake:
    """The first messages on a link.  The other side reads why it is refused."""

    def __init__(
        self, known_keys: KnownKeys, myself: Myself, locator: Locator, tables: LinkTables,
        alarms: KeyAlarms, clock: Clock, *, run: str,
    ) -> None:  # fmt: skip
        """`run` is new at each start of a program."""
        self._known_keys, self._myself, self._locator = known_keys, myself, locator
        self._tables, self._alarms, self._clock, self._run = tables, alarms, clock, run

    async def introduce(self, link: Link[Message], contact: Contact, kind: LinkKind) -> OpenLink:
        """Greet a user whom I have dialled and recognised.  Raises Refused, KeyChanged..."""
        link.post(self._iam(kind))
        try:
            them = await self._meet(link)
        except TurnedAway as no:
            if no.code == "UNKNOWN" and kind is not LinkKind.TEXT:
                raise Refused(f"the program of {contact.name} is too old for this", "KIND") from no
            raise
        if them.kind is not kind:
            raise Refused("this link is of another kind", "KIND")
        if fold(them.name) != fold(contact.name):
            raise Refused(f"you are {them.name}, not {contact.name}", "KEY")
        them.dialled_by = self._myself.name
        return them

    async def answer(self, link: Link[Message], kind: LinkKind | None = None) -> OpenLink:
        """Greet somebody who has dialled me, for a link of any kind, or of this one.

        Raises Refused, KeyChanged...
        """
        them = await self._meet(link)
        if kind not in (None, them.kind):
            raise Refused("this link is of another kind", "KIND")
        link.post(self._iam(them.kind))
        return them

    def alarm(self, failure: KeyChanged) -> None:
        """Tell the user that somebody showed a key that is not the remembered one."""
        self._alarms.ring(str(failure), str(failure), trio.current_time())

    async def _meet(self, link: Link[Message]) -> OpenLink:
        them = await link.expect(PeerIam)
        behind = self._clock.time() - them.time
        if them.version != VERSION:
            raise Refused(f"this program speaks version {VERSION} of the protocol", "VERSION")
        kind = LinkKind.TEXT
        if isinstance(them, PeerIamFor):
            kind = self._tables.check_kind(them.kind)
        key = await self._judge(them, link.wire.certificate)
        self._tables.check(kind, them.name, key)
        return OpenLink(kind, them.name, key, them.run, link, them.name, behind)

    def _iam(self, kind: LinkKind) -> PeerIam:
        me = (VERSION, self._myself.name, self._run, self._clock.time())
        return PeerIam(*me) if kind is LinkKind.TEXT else PeerIamFor(*me, kind.value)

    def recognise(self, contact: Contact, certificate: bytes | None) -> None:
        """Check, before we say a word, that it is the user whom the directory named.

        Raises Unreachable, or ProtocolError for a certificate that is none.
        """
        name, key = self._known_keys.name_and_key(certificate)
        if fold(name) != fold(contact.name) or key != contact.key:
            raise Unreachable(f"somebody else answers there, who says to be {name}")

    async def _judge(self, them: PeerIam, certificate: bytes | None) -> bytes:
        """Check that they are who they say they are, and return their key."""
        try:
            name, key = self._known_keys.name_and_key(certificate)
        except ProtocolError as error:
            raise Refused(f"you are not {them.name}: {error}", "KEY") from None
        if name != them.name:
            raise Refused(f"you are not {them.name}: your certificate says {name}", "KEY")
        if self._myself.is_called(name):
            raise Refused("that is my own name", "KEY")
        try:
            await self._known_keys.meet(name, key, self._locator.ask)
        except KeyChanged as failure:
            self.alarm(failure)
            raise Refused(f"the key of {name} is not the one known here", "KEY") from None
        return key
