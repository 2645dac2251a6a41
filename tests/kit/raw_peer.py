"""A registered user whose program sends, by hand, whatever a test wants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import trio

from peer.core import membership
from peer.core.conversation.hello import hello_statement
from peer.core.conversation.members.entrances import sign_entry
from peer.core.conversation.proof.digests import digest
from peer.core.conversation.texts import EPOCHS_TOLD, sign
from peer.core.membership import Me, Roll, member_id
from shared.link import Link
from shared.messages.common import VERSION, Message
from shared.messages.directory import Lookup
from shared.messages.peers import (
    SALT_BYTES,
    Accept,
    BetweenPeers,
    Confirm,
    Entry,
    Hello,
    Invite,
    Membership,
    PeerIam,
    Position,
    Ringing,
    Text,
)
from shared.world import Address
from tests.kit.community import DIRECTORY, PATIENCE, Community, Person
from tests.kit.raw_client import Client, identity_of
from tests.kit.world import EPOCH, MemoryNetwork

M = TypeVar("M", bound=msgspec.Struct)

INVITATION, RUN = "1" * 32, "3" * 16
SALT = b"s" * SALT_BYTES


def id_of(person: Person) -> str:
    """Return the person's id as a member of conversations."""
    return person.peer._memory.myself.id


@dataclass
class Raw:
    """A registered user with a good name and bad manners."""

    name: str
    host: str
    network: MemoryNetwork
    client: Client
    nursery: trio.Nursery
    run: str = "0" * 32
    said: dict[tuple[str, int], bytes] = field(default_factory=dict)  # digests, by epoch and seq

    async def dials(self, whom: Person, *, as_name: str | None = None) -> "RawLink":
        """Return a link, identified as by the honest; `as_name` lies about who we are."""
        link = await self.dials_silently(whom)
        link.says(PeerIam(VERSION, as_name or self.name, self.run, EPOCH))
        return link

    @property
    def me(self) -> Me:
        return Me(self.name, identity_of(self.name), self.client.credentials().certificate)

    @property
    def founded(self) -> Membership:
        """The first membership of a conversation of ours, always the same one."""
        return membership.found(self.me, SALT)

    @property
    def conversation(self) -> str:
        return membership.conversation_id(self.me.identity.public, SALT)

    async def invites(self, whom: Person, link: "RawLink") -> None:
        """Invite somebody as the honest do."""
        contact = await self.client.ask(Lookup(self.client.next_id(), whom.name))
        adding = membership.add(
            self.me, self.conversation, self.founded, member_id(whom.name, contact.key), 1
        )
        link.says(Invite(INVITATION, self.conversation, (self.name,), adding=adding))

    async def talks(self, whom: Person) -> "RawLink":
        """Return a link with somebody who was invited, and has no reason to say no."""
        link = await self.dials(whom)
        await self.invites(whom, link)
        await whom.sees(f"User {self.name} wants to chat with you. Would you like to? (Y/N)")
        await link.hears(Ringing)
        await whom.types("Y")
        accept = await link.hears(Accept)
        assert accept.membership is not None
        roll = Roll(self.conversation, self.client.who.authority)
        roll.merge([self.founded, accept.membership])
        link.says(self.confirm(whom, roll.all()), self.hello(1, roll.digest()))
        await whom.sees(f"You are now connected with {self.name}.")
        return link

    def confirm(
        self, whom: Person, members: tuple[Membership, ...], since: tuple[Position, ...] = (),
        lamport: int = 0,
    ) -> Confirm:  # fmt: skip
        """Return a CONFIRM for somebody whom we let in, signed as by the honest."""
        entry = Entry(self.conversation, id_of(whom), 1, since, EPOCHS_TOLD)
        signature = sign_entry(self.me, entry).signature
        return Confirm(INVITATION, members, since, lamport, entry.epochs, signature)

    def hello(self, number: int, members: str = "0" * 32, *have: Position) -> Hello:
        said = Hello(self.conversation, self.me.id, number, members, (), have)
        signature = self.me.identity.sign(hello_statement(said))
        return msgspec.structs.replace(said, signature=signature)

    def text(self, seq: int, *texts: str, epoch: str = RUN, **fields: Any) -> Text:
        """Return a signed text that follows the one before it.  `fields` replaces values."""
        chain = self.said.get((epoch, seq - 1), b"")
        said = texts or ("hello",)
        made = Text(self.conversation, self.me.id, epoch, seq, seq, EPOCH, said, chain=chain)
        made = msgspec.structs.replace(made, **fields)
        signed = sign(self.me, made)
        self.said[epoch, signed.last_seq] = digest(signed)
        return signed

    async def dials_silently(self, whom: Person) -> "RawLink":
        contact = await self.client.ask(Lookup(self.client.next_id(), whom.name))
        raw = RawLink(
            Link(await self.network.dial([Address(contact.host, contact.port)]), BetweenPeers)
        )
        raw.link.identified()
        self.nursery.start_soon(raw.live)
        return raw


@dataclass
class RawLink:
    """A link that keeps all that it hears."""

    link: Link[Message]
    heard: list[Message] = field(default_factory=list)
    news: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)
    is_over: bool = False

    def says(self, *messages: msgspec.Struct) -> None:
        for message in messages:
            self.link.post(message)

    def says_bytes(self, lines: bytes) -> None:
        self.link.post_bytes(lines)

    async def hears(self, kind: type[M]) -> M:
        """Return the next message of this kind."""
        with trio.fail_after(PATIENCE):
            while True:
                for message in self.heard:
                    if isinstance(message, kind):
                        self.heard.remove(message)
                        return message
                assert not self.is_over, f"it ended: {self.link.reason}"
                await self.news.park()

    async def ends(self) -> str:
        """Wait for the end; return the reason that the other side gave."""
        with trio.fail_after(PATIENCE):
            while not self.is_over:
                await self.news.park()
        return self.link.reason

    async def live(self) -> None:
        await self.link.run(self._listen)
        self.is_over = True
        self.news.unpark_all()

    async def _listen(self) -> None:
        while batch := await self.link.receive():
            self.heard += batch
            self.news.unpark_all()


@asynccontextmanager
async def raw(community: Community, name: str) -> AsyncIterator[Raw]:
    """Register somebody for as long as the block runs."""
    host = f"10.0.2.{len(name)}"
    network = community.hub.network(host)
    async with trio.open_nursery() as nursery:
        request = identity_of(name).request(name)
        client = await Client.register(nursery, network, DIRECTORY, name, request=request)
        network.present(client.credentials())
        yield Raw(name, host, network, client, nursery)
        nursery.cancel_scope.cancel()
