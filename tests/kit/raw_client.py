"""A bare user for tests: one link to a directory, on any network.

    async with trio.open_nursery() as nursery:
        carol = await Client.register(nursery, network, address, "carol")
        contact = await carol.ask(Lookup(carol.next_id(), "dave"))
        await carol.hears(Arr)

It judges nothing, keeps all that it hears, and waits for nothing longer than
PATIENCE_SECONDS.  `register` raises the directory's refusal.
"""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import trio

from shared.errors import Refused, Unreachable
from shared.identity import SEED_BYTES, Credentials, Identity
from shared.link import Link
from shared.messages.common import VERSION, Answer, Bye, Err
from shared.messages.directory import FromDirectory, Iam, Tkn, Welcome, Who
from shared.names import fold
from shared.world import Address, Network

PATIENCE_SECONDS = 10.0
PORT = 40_001  # where the users of tests pretend to listen

M = TypeVar("M", bound=msgspec.Struct)


def identity_of(name: str) -> Identity:
    """Return the same key for the same name in every test."""
    return Identity(random.Random(f"identity of {fold(name)}").randbytes(SEED_BYTES))


def unchanged(iam: Iam) -> Iam:
    return iam


@dataclass
class Client:
    """A registered user."""

    name: str
    link: Link[Any]
    who: Who
    identity: Identity
    welcome: Welcome
    heard: list[Any] = field(default_factory=list)  #: all messages that were not asked for yet
    is_over: bool = False
    _news: trio.Event = field(default_factory=trio.Event)
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def register(
        cls,
        nursery: trio.Nursery,
        network: Network,
        address: Address,
        name: str,
        *,
        identity: Identity | None = None,
        change: Callable[[Iam], Iam] = unchanged,
        **fields: Any,
    ) -> "Client":
        """Register under this name.  `fields` and `change` replace values of IAM.

        Raises Refused when the directory refuses (the code is TKN for a taken
        name), Unreachable when it does not answer.
        """
        with trio.fail_after(PATIENCE_SECONDS):
            wire = await network.dial([address])
            link: Link[Any] = Link(wire, FromDirectory)
            identity = identity or identity_of(name)

            async def run(task_status: trio.TaskStatus["Client"]) -> None:
                await link.run(lambda: _live(link, name, identity, change, fields, task_status))

            try:
                client: Client = await nursery.start(run)
            except RuntimeError:  # it was never registered
                raise link.failure or Unreachable(link.reason) from None
        return client

    def next_id(self) -> int:
        return int(next(self._ids))

    def say(self, message: msgspec.Struct) -> None:
        self.link.post(message)

    async def ask(self, request: msgspec.Struct) -> Any:
        """Send a request; return its answer, or the ERR."""
        self.say(request)
        return await self.answer_to(request)

    async def answer_to(self, request: msgspec.Struct) -> Any:
        wanted: int = request.id  # type: ignore[attr-defined]
        return await self._next(
            lambda message: isinstance(message, Answer | Err) and message.re == wanted
        )

    async def hears(self, kind: type[M]) -> M:
        """Return the next message of this kind."""
        message: M = await self._next(lambda message: isinstance(message, kind))
        return message

    async def ends(self) -> str:
        """Wait for the end of the link; return the last reason."""
        with trio.fail_after(PATIENCE_SECONDS):
            while not self.is_over:
                await self._news.wait()
        return self.link.reason

    async def leaves(self) -> None:
        self.link.hang_up(Bye())
        await self.ends()

    def credentials(self) -> Credentials:
        """Return our credentials, with the certificate that IAM asked for."""
        return Credentials(self.identity.key, self.welcome.certificate, self.who.authority)

    async def _next(self, fits: Callable[[Any], bool]) -> Any:
        with trio.fail_after(PATIENCE_SECONDS):
            while True:
                for message in self.heard:
                    if fits(message):
                        self.heard.remove(message)
                        return message
                if self.is_over:
                    raise Unreachable(self.link.reason)
                await self._news.wait()

    def _hear(self, messages: list[Any]) -> None:
        self.heard += messages
        self.is_over = not messages
        self._news.set()
        self._news = trio.Event()


async def _live(
    link: Link[Any],
    name: str,
    identity: Identity,
    change: Callable[[Iam], Iam],
    fields: dict[str, Any],
    task_status: trio.TaskStatus[Client],
) -> None:
    """Run one registration, from WHO to the end of the link."""
    who = await link.expect(Who)
    link.identified()
    link.post(change(iam(who, name, identity, **fields)))
    answer = await link.expect(msgspec.Struct)
    if isinstance(answer, Tkn):
        raise Refused(f"the name {answer.name} is taken", "TKN")
    assert isinstance(answer, Welcome), answer
    client = Client(name, link, who, identity, answer)
    task_status.started(client)
    try:
        while messages := await link.receive():
            client._hear(messages)
    finally:
        client._hear([])


def iam(who: Who, name: str, identity: Identity, **fields: Any) -> Iam:
    """Return an honest user's answer to this WHO."""
    honest: dict[str, Any] = {
        "version": VERSION,
        "name": name,
        "key": identity.public,
        "proof": identity.registration_proof(authority=who.authority, nonce=who.nonce, name=name),
        "port": PORT,
        "sealing_key": identity.sealing_public,
        "sealing_proof": identity.sealing_proof(),
    }
    return Iam(**(honest | fields))
