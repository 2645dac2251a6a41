"""Four programs under fire: the directory, a peer, its letters, and its link to a directory.

Each is a real program on the loopback.  The attackers live here, in one trio loop.  Meanwhile
an honest user does something simple, whose duration is measured.
"""

import math
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from directory_server.core.authority import SEED_BYTES, Authority
from peer.core import membership
from peer.core.conversation.hello import hello_statement
from peer.core.conversation.members.entrances import sign_entry
from peer.core.conversation.proof.digests import digest
from peer.core.conversation.texts import sign
from peer.core.membership import Me
from shared import sealing
from shared.errors import ParleyError
from shared.link import Link
from shared.messages import common, peers
from shared.messages import directory as wire
from shared.messages.common import VERSION
from shared.messages.directory import FromDirectory, ToDirectory
from shared.messages.peers import BetweenPeers, PeerIam
from shared.sealing import About
from shared.tls import TlsNetwork
from shared.world import Address, Incoming
from tests.kit.attackers.mutants import Mutants
from tests.kit.programs import HOST, PATIENCE, Program, Stage, connect
from tests.kit.raw_client import Client, iam, identity_of

PROBE_SECONDS: Final = PATIENCE  # until an honest user's act counts as never answered
PROBE_PAUSE: Final = 0.1
NOTICED_SECONDS: Final = 0.1  # by somebody who types
ROUND_SECONDS: Final = 8.0  # of one member of a conversation, before the next one is added
RUN: Final = "0" * 32
NAMES: Final = 20  # of attackers at the directory, which allows 64 from one address


@dataclass
class Figures:
    """The results of an attack."""

    target: str
    messages: int = 0
    connections: int = 0
    letters: int = 0
    accepted: int = 0  # conversations entered, or registrations
    probes: int = 0
    lost_probes: int = 0
    slow_probes: int = 0  # took longer than an honest user would notice
    worst: float = 0.0  # seconds of the slowest probe
    growth_kib: int = 0
    wounds: tuple[str, ...] = ()  # tracebacks, bugs, deaths

    def __str__(self) -> str:
        lines = [
            f"{self.target}: {self.messages} messages, {self.connections} connections,"
            f" {self.letters} letters, {self.accepted} accepted;"
            f" {self.probes} probes, {self.lost_probes} lost, {self.slow_probes} over"
            f" {1000 * NOTICED_SECONDS:.0f} ms, the slowest {1000 * self.worst:.0f} ms;"
            f" memory grew by {self.growth_kib / 1024:.1f} MiB",
            *self.wounds,
        ]
        return "\n  ".join(lines)


class Victim(ABC):
    """One target.  `attack` runs until cancelled."""

    name: str

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage, self.chance = stage, chance
        self.mutants = Mutants(chance)
        self.figures = Figures(self.name)
        self.targets: list[Program] = []

    @abstractmethod
    def begin(self) -> None:
        """Start the programs; in a thread."""

    @abstractmethod
    async def attack(self) -> None: ...

    @abstractmethod
    def probe(self, number: int) -> None:
        """Do something simple as an honest user; return when it is done.  In a thread."""

    async def play(self, seconds: float) -> Figures:
        await trio.to_thread.run_sync(self.begin)
        before = [one.resident_kib() for one in self.targets]
        with trio.move_on_after(seconds):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.attack)
                nursery.start_soon(self._probe)
        figures = self.figures
        figures.wounds = tuple(self._wounds())
        if not figures.wounds:
            after = [one.resident_kib() for one in self.targets]
            figures.growth_kib = max(a - b for a, b in zip(after, before, strict=True))
        return figures

    async def _probe(self) -> None:
        while True:
            await trio.sleep(PROBE_PAUSE)
            begun = time.monotonic()
            with trio.CancelScope(shield=True):
                try:
                    await trio.to_thread.run_sync(self.probe, self.figures.probes)
                except (AssertionError, OSError) as failure:
                    self.figures.lost_probes += 1
                    self.figures.wounds += (str(failure)[:500],)
            seconds = time.monotonic() - begun
            self.figures.probes += 1
            self.figures.slow_probes += seconds > NOTICED_SECONDS
            self.figures.worst = max(self.figures.worst, seconds)

    def _wounds(self) -> list[str]:
        found = list(self.figures.wounds)
        for program in self.stage.programs:
            if program.process.poll() is not None:
                found.append(f"{program.name} ended with {program.process.poll()}")
            bad = ("Traceback", "Error", "met a bug", "Exception")
            for line in (*program.errors, *program.lines):
                if any(word in line for word in bad) and "Err(" not in line:
                    found.append(f"{program.name}: {line[:600]}")
        return found[:20]

    # --- For the attackers ---

    async def registered(self, nursery: trio.Nursery, name: str) -> "Attacker":
        network = TlsNetwork()
        identity = identity_of(name)
        address = Address(HOST, self.stage.port)
        client = await Client.register(
            nursery, network, address, name, identity=identity, request=identity.request(name)
        )
        network.present(client.credentials())
        return Attacker(name, network, client)

    async def talk(
        self,
        link: Link[Any],
        say: Callable[[], Any],
        hear: Callable[[Any], None],
        lines: int,
        pause: float = 0.002,
    ) -> None:
        """Send this many lines, or as many as the other side allows."""
        self.figures.connections += 1
        self.mutants.be_otherwise()

        async def listen() -> None:
            try:
                while batch := await link.receive():
                    for message in batch:
                        self.mutants.hear(message)
                        hear(message)
            finally:
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            for number in range(lines):
                if link.is_over:
                    break
                link.post_bytes(self.mutants.line(say()))
                self.figures.messages += 1
                if number % 8 == 7:
                    await link.flush()
                    await trio.sleep(pause)
            await trio.sleep(0.05)
            nursery.cancel_scope.cancel()


@dataclass
class Attacker:
    name: str
    network: TlsNetwork
    client: Client

    @property
    def me(self) -> Me:
        certificate = self.client.credentials().certificate
        return Me(self.name, self.client.identity, certificate)

    async def dial(self, whom: str) -> Link[Any]:
        """Return a link to a peer, identified as by the honest.  Raises ParleyError."""
        contact = await self.client.ask(wire.Lookup(self.client.next_id(), whom))
        if isinstance(contact, common.Err):
            raise ParleyError(contact.text)
        made: Link[Any] = Link(
            await self.network.dial([Address(contact.host, contact.port)]), BetweenPeers
        )
        made.identified()
        made.post(PeerIam(VERSION, self.name, RUN, time.time()))
        return made


def _nothing(_: Any) -> None:
    pass


async def _again(work: Callable[[], Any]) -> None:
    """Repeat the work until cancelled, whatever the other side answers."""
    while True:
        try:
            await work()
        except* (ParleyError, OSError, AssertionError, trio.BrokenResourceError):
            pass
        await trio.sleep(0.02)


# --- The directory ---------------------------------------------------------------------


class OfDirectory(Victim):
    """Newcomers and users who send anything to the directory."""

    name = "directory"

    def begin(self) -> None:
        self.targets = [self.stage.directory("--verbose")]
        self.carol = self.stage.peer("carol")

    def probe(self, number: int) -> None:
        self.carol.types(f"LEAVE carol{number}x hello")  # an unknown name: the directory is asked
        self.carol.sees_like(rf".*carol{number}x.*", PROBE_SECONDS)

    async def attack(self) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(_again, lambda number=number: self._visit(number))

    async def _visit(self, number: int) -> None:
        chance, mutants = self.chance, self.mutants
        name = f"m{number}x{chance.randrange(NAMES // 4)}"
        network, identity = TlsNetwork(), identity_of(name)
        link: Link[Any] = Link(await network.dial([Address(HOST, self.stage.port)]), FromDirectory)

        async def serve() -> None:
            who = await link.expect(wire.Who)
            link.identified()
            honest = iam(who, name, identity, request=identity.request(name))
            mutants.hear(honest)
            if chance.random() < 0.3:
                fields = msgspec.structs.asdict(mutants.made(wire.Iam))
                keep = chance.sample(sorted(fields), chance.randint(1, 3))
                changed = {field: fields[field] for field in keep}
                proof = _attempt(
                    lambda: identity.registration_proof(
                        authority=who.authority, nonce=who.nonce, name=changed.get("name", name)
                    )
                )
                honest = msgspec.structs.replace(honest, **({"proof": proof} | changed))
            link.post_bytes(mutants.line(honest))
            await self.talk(link, self._say, self._hear, chance.choice((5, 50, 200)))

        await link.run(serve)

    def _hear(self, message: Any) -> None:
        if isinstance(message, wire.Welcome):
            self.figures.accepted += 1

    def _say(self) -> Any:
        kinds = [kind for kind in ToDirectory.__args__ if kind is not wire.Iam]
        weights = [0.1 if kind in (wire.Unregister, common.Bye) else 1.0 for kind in kinds]
        (kind,) = self.chance.choices(kinds, weights)
        return self.mutants.made(kind)


# --- A peer, for strangers and in a conversation ------------------------------------------


class OfPeer(Victim):
    """Strangers and members who send anything to two who talk."""

    name = "peer"

    def begin(self) -> None:
        self.stage.directory("--verbose")
        self.carol = self.stage.peer("carol", "--verbose")
        self.dave = self.stage.peer("dave", "--verbose")
        connect(self.carol, "carol", self.dave, "dave")
        self.targets = [self.carol, self.dave]

    def probe(self, number: int) -> None:
        self.dave.types(f"probe {number}")
        self.carol.sees(f"dave: probe {number}", PROBE_SECONDS)

    async def attack(self) -> None:
        async with trio.open_nursery() as nursery:
            stranger = await self.registered(nursery, "mallory")
            nursery.start_soon(_again, lambda: self._stranger(stranger))
            nursery.start_soon(self._members, nursery)

    async def _stranger(self, stranger: Attacker) -> None:
        link = await stranger.dial(self.chance.choice(("carol", "dave")))

        async def serve() -> None:
            if self.chance.random() < 0.1:
                link.post_bytes(self.mutants.line(self.mutants.made(PeerIam)))
            say = lambda: self.mutants.one_of(BetweenPeers)  # noqa: E731
            await self.talk(link, say, _nothing, self.chance.choice((20, 200)))

        await link.run(serve)

    async def _members(self, nursery: trio.Nursery) -> None:
        """Let carol add one after the other; each sends anything, and is forgotten."""
        number = 0
        while True:
            number += 1
            try:
                attacker = await self.registered(nursery, f"member{number}")
            except ParleyError:
                await trio.sleep(5)
                continue
            member = Member(self, attacker)
            with trio.move_on_after(ROUND_SECONDS):
                async with trio.open_nursery() as links:
                    links.start_soon(_again, lambda member=member: member.live("carol"))
                    await trio.sleep(0.3)
                    self.carol.types(f"/add {attacker.name}")
                    await member.is_in.wait()
                    self.figures.accepted += 1
                    links.start_soon(_again, lambda member=member: member.live("dave"))


class Member:
    """An attacker who was let into the conversation, and signs what it makes up."""

    def __init__(self, victim: OfPeer, attacker: Attacker) -> None:
        self.victim, self.me, self.attacker = victim, attacker.me, attacker
        self.mutants, self.chance = victim.mutants, victim.chance
        self.is_in = trio.Event()
        self.conversation = ""
        self.mine: peers.Membership | None = None
        self.invite: peers.Invite | None = None
        self.links: list[Link[Any]] = []
        self.seqs: dict[str, int] = {}
        self.chains: dict[str, bytes] = {}
        self.number = 1

    async def live(self, whom: str) -> None:
        link = await self.attacker.dial(whom)

        async def serve() -> None:
            lines = self.chance.choice((50, 500))
            while not self.is_in.is_set() and not link.is_over:
                for message in await link.receive():
                    self.hear(link, message)
            await self.victim.talk(link, self.say, lambda message: self.hear(link, message), lines)

        await link.run(serve)

    def hear(self, link: Link[Any], message: Any) -> None:
        match message:
            case peers.Invite(id=id, adding=peers.Adding() as adding, counter=counter):
                if self.mine is None:
                    self.conversation = message.conversation
                    self.mine = membership.join(self.me, message.conversation, counter, adding)
                link.post(peers.Ringing(id))
                link.post(peers.Accept(id, self.mine))
            case peers.Confirm(members=members) if self.mine is not None:
                link.post(peers.Members(self.conversation, (*members, self.mine)))
                link.post(self.hello(honest=True))
                self.is_in.set()

    def say(self) -> Any:
        made, mine = self.mutants.made, {"conversation": self.conversation}
        match self.chance.randrange(12):
            case 0 | 1 | 2 | 3:
                return self.text()
            case 4:
                return self.hello(honest=False)
            case 5:
                return made(peers.Acknowledge, **mine)
            case 6:
                return made(peers.Want, **mine)
            case 7:
                return self.members()
            case 8:
                entry = made(peers.Entry, **mine)
                return _attempt(lambda: sign_entry(self.me, entry)) or entry
            case _:
                return self.mutants.one_of(BetweenPeers)

    def text(self) -> peers.Text:
        """Return a text; most follow earlier ones, so they are shown and kept."""
        chance = self.chance
        if not self.seqs or chance.random() < 0.02:
            fresh = f"{chance.getrandbits(64):016x}"
            self.seqs[fresh], self.chains[fresh] = 0, b""
        epoch = chance.choice(list(self.seqs))
        fields: dict[str, Any] = {"conversation": self.conversation, "author": self.me.id}
        if chance.random() < 0.9:
            fields |= {"epoch": epoch, "seq": self.seqs[epoch] + 1, "chain": self.chains[epoch]}
        text: peers.Text = self.mutants.made(peers.Text, **fields)
        signed: peers.Text = _attempt(lambda: sign(self.me, text)) or text
        if text.epoch == epoch and isinstance(text.texts, tuple):
            self.seqs[epoch] = self.seqs[epoch] + len(text.texts)
            self.chains[epoch] = _attempt(lambda: digest(signed)) or b""
        return signed

    def hello(self, *, honest: bool) -> peers.Hello:
        self.number += 1
        if honest:
            made = peers.Hello(self.conversation, self.me.id, self.number, "0" * 32, (), ())
        else:
            fields: dict[str, Any] = {"conversation": self.conversation, "by": self.me.id}
            if self.chance.random() < 0.9:
                fields["number"] = self.number
            made = self.mutants.made(peers.Hello, **fields)
        signature = _attempt(lambda: self.me.identity.sign(hello_statement(made)))
        return msgspec.structs.replace(made, signature=signature or bytes(64))

    def members(self) -> peers.Members:
        """Return memberships; its own is signed, and sometimes tells that it is out."""
        counter = self.chance.choice((1, 1, 1, 3, 5, 2**52 - 1, 2**52 + 1))
        mine, adding = self.mine, self.mine.adding if self.mine else None
        if self.chance.random() < 0.5:
            first = mine or membership.found(self.me, b"")
            adding = _attempt(
                lambda: membership.add(self.me, self.conversation, first, "x" * 24, 1)
            )
        odd = membership._sign(self.me, self.conversation, counter, adding, b"")
        heard = self.mutants.made(peers.Members, conversation=self.conversation)
        known = heard.members if isinstance(heard.members, tuple) else ()
        return peers.Members(self.conversation, (*known[:9], odd, *((mine,) if mine else ())))


def _attempt(work: Callable[[], Any]) -> Any:
    """Return the result; None if the made-up content cannot even be signed."""
    try:
        return work()
    except (TypeError, ValueError, OverflowError, AttributeError, ParleyError, RecursionError):
        return None


# --- Letters -------------------------------------------------------------------------------


class OfLetters(Victim):
    """Sealed envelopes with anything inside."""

    name = "letters"

    def begin(self) -> None:
        self.stage.directory("--verbose")
        self.carol = self.stage.peer("carol", "--verbose")
        self.dave = self.stage.peer("dave")
        connect(self.carol, "carol", self.dave, "dave")
        self.targets = [self.carol]

    def probe(self, number: int) -> None:
        self.dave.types(f"probe {number}")
        self.carol.sees(f"dave: probe {number}", PROBE_SECONDS)

    async def attack(self) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(4):
                attacker = await self.registered(nursery, f"mallory{number}")
                nursery.start_soon(_again, lambda attacker=attacker: self._leave(attacker))

    async def _leave(self, attacker: Attacker) -> None:
        client, chance = attacker.client, self.chance
        self.mutants.be_otherwise()
        contact = await client.ask(wire.Lookup(client.next_id(), "carol"))
        for _ in range(20):
            id = f"{chance.getrandbits(128):032x}"
            sealed = self._sealed(attacker, contact.sealing_key, id)
            if sealed is not None:
                answer = await client.ask(wire.Drop(client.next_id(), "carol", id, sealed))
                self.figures.messages += 1
                self.figures.letters += isinstance(answer, wire.Stored)
        await trio.sleep(0.05)

    def _sealed(self, attacker: Attacker, key: bytes, id: str) -> bytes | None:
        if self.chance.random() < 0.05:
            return self.chance.randbytes(self.chance.choice((1, 31, 48, 1_000)))
        inside = self.mutants.made(
            sealing._Inside, certificate=attacker.me.certificate, id=id, signature=bytes(64)
        )
        if self.chance.random() < 0.7:
            about = self.mutants.made(About) if self.chance.random() < 0.5 else None
            inside = msgspec.structs.replace(inside, about=about)
        said = (key, inside.id, inside.time, inside.text, inside.about, inside.after)
        signature = _attempt(lambda: attacker.me.identity.sign(sealing._statement(*said)))
        inside = msgspec.structs.replace(inside, signature=signature or bytes(64))

        def encrypt() -> bytes:
            content = msgspec.msgpack.encode(inside)
            if self.chance.random() < 0.05:
                content = content[: self.chance.randrange(len(content))]
            receiver = X25519PublicKey.from_public_bytes(key)
            return sealing._suite.encrypt(content, receiver, info=sealing._INFO)

        sealed: bytes | None = _attempt(encrypt)
        return None if sealed is None or len(sealed) > wire.ENVELOPE_BYTES else sealed


# --- A false directory -----------------------------------------------------------------------


class OfFalseDirectory(Victim):
    """A directory that says anything to the peers that have registered there."""

    name = "false-directory"

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        super().__init__(stage, chance)
        self.authority = Authority.found(b"\1" * SEED_BYTES)
        self.network = TlsNetwork()
        self.network.present(self.authority.credentials(b"\2" * SEED_BYTES))
        self.met: dict[str, bytes] = {}

    def begin(self) -> None:
        """Do nothing: the peers start once the directory is there."""

    def probe(self, number: int) -> None:
        """Do something that needs nobody else."""
        carol = self.targets[0]
        carol.types("HISTORY")
        carol.sees_like(r"No history here.*", PROBE_SECONDS)

    async def play(self, seconds: float) -> Figures:
        async with trio.open_nursery() as nursery:
            bound = await nursery.start(self.network.serve, HOST, 0, self._answer)
            self.stage.port = bound.port
            for name in ("carol", "dave", "erin"):
                peer = await trio.to_thread.run_sync(self.stage.peer, name, "--verbose")
                self.targets.append(peer)
            figures = await super().play(seconds)
            nursery.cancel_scope.cancel()
        return figures

    async def attack(self) -> None:
        await trio.sleep(math.inf)

    async def _answer(self, incoming: Incoming) -> None:
        try:
            link: Link[Any] = Link(await incoming.secure(), ToDirectory)
            await link.run(lambda: self._serve(link))
        except* (ParleyError, OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _serve(self, link: Link[Any]) -> None:
        mutants, chance = self.mutants, self.chance
        link.post(wire.Who(VERSION, self.authority.certificate, chance.randbytes(32)))
        hello = await link.expect(wire.Iam)
        link.identified()
        is_new = hello.name not in self.met
        if hello.request:
            now = time.time()
            self.met[hello.name] = self.authority.certify(name=hello.name, key=hello.key, now=now)
        welcome = wire.Welcome(hello.name, HOST, 1, 600.0, self.met.get(hello.name, b""))
        mutants.hear(welcome)
        mutants.hear(hello)
        if is_new:
            link.post(welcome)
            with trio.move_on_after(1):  # it learns that it is registered
                await link.receive()
        elif chance.random() < 0.1:
            link.post_bytes(mutants.line(mutants.one_of(FromDirectory)))
        else:
            link.post(welcome)
        self.figures.accepted += 1
        asked: list[Any] = []

        def hear(message: Any) -> None:
            if isinstance(message, common.Request):
                asked.append(message)

        def say() -> Any:
            if asked and chance.random() < 0.8:
                return self._answer_to(asked.pop())
            return mutants.one_of(FromDirectory)

        await self.talk(link, say, hear, chance.choice((10, 50)), pause=0.02)

    def _answer_to(self, request: Any) -> Any:
        made, re = self.mutants.made, {"re": request.id}
        match request:
            case wire.Lookup():
                return made(wire.Contact, name=request.name, **re)
            case wire.Fetch():
                return made(wire.Mail, **re)
            case wire.Drop():
                return made(wire.Stored, envelope=request.envelope, **re)
            case wire.List():
                return made(wire.Users, **re)
            case _:
                return made(wire.Done, **re)


VICTIMS: Final = {one.name: one for one in (OfDirectory, OfPeer, OfLetters, OfFalseDirectory)}
