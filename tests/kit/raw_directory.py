"""A directory that says whatever a test wants, and several of one community in one process.

    first, second = await raw_directories(community, 2)
    carol = await comes_in(community, "carol", first, second)
    visit = await first.visit()
    visit.says(Move(str(second.address)))

It lets everybody in, answers what every peer asks (LIST, FETCH, STATUS), and leaves the rest
to the test.  It knows nothing of the other ones: a takeover is what the test says.
"""

from typing import Any, TypeVar

import msgspec
import trio

from peer.options import Options
from shared.link import Link
from shared.messages.common import VERSION, Bye, Err, Status
from shared.messages.directory import (
    Done,
    Fetch,
    Iam,
    List,
    Mail,
    Presence,
    SetStatus,
    Stir,
    ToDirectory,
    Users,
    Welcome,
    Who,
)
from shared.messages.spots import Spot
from shared.world import Address, Incoming
from tests.kit.community import Community, Person
from tests.kit.world import Authority, Machine

PATIENCE = 60.0  # for a peer that has a reason to wait
TAKEOVER = Err("TAKEOVER", "another program of yours took over the name")

M = TypeVar("M", bound=msgspec.Struct)


class Visit:
    """One registration at a raw directory."""

    def __init__(self, link: Link[Any], iam: Iam) -> None:
        self.link, self.iam = link, iam
        self.heard: list[Any] = []  #: what the test has not looked at yet
        self.asked: list[str] = []  #: the kinds of all messages that came
        self.is_over = False
        self.news = trio.lowlevel.ParkingLot()

    def says(self, *messages: msgspec.Struct) -> None:
        for message in messages:
            self.link.post(message)

    def takes_over(self) -> None:
        """Say that another program of this user has registered."""
        self.link.hang_up(TAKEOVER, Bye())

    async def hears(self, kind: type[M]) -> M:
        with trio.fail_after(PATIENCE):
            while True:
                for message in self.heard:
                    if isinstance(message, kind):
                        self.heard.remove(message)
                        return message
                assert not self.is_over, f"{kind.__name__} never came"
                await self.news.park()

    async def ends(self) -> None:
        with trio.fail_after(PATIENCE):
            while not self.is_over:
                await self.news.park()


class RawDirectory:
    def __init__(self, machine: Machine, authority: Authority, nursery: trio.Nursery) -> None:
        self.machine, self.authority = machine, authority
        self.address = Address(machine.host, 5000)
        self.others: tuple[str, ...] = ()
        self.users: list[Presence] = []  #: for LIST
        self.seen: Spot | None = None  #: in WELCOME, as its clock; None and 0: it does not tell
        self.time = 0.0
        self.refusal: Err | None = None  #: instead of WELCOME
        self.enters_at_once = True  #: else `lets_in` says WELCOME
        self.met = 0  #: connections to which WHO was said
        self.visits: list[Visit] = []
        self._nursery = nursery
        self._seen = 0
        self._may_enter = trio.Event()
        self._news = trio.lowlevel.ParkingLot()

    async def starts(self) -> None:
        network = self.machine.world().network
        network.present(self.authority.directory())
        await self._nursery.start(network.serve, None, self.address.port, self._answer)

    def dies(self) -> None:
        """Die as by `kill -9`."""
        self.machine.kill()

    async def visit(self) -> Visit:
        """Return the next registration that no test has looked at; it may wait for WELCOME."""
        with trio.fail_after(PATIENCE):
            while len(self.visits) <= self._seen:
                await self._news.park()
        self._seen += 1
        return self.visits[self._seen - 1]

    def lets_in(self) -> None:
        self._may_enter.set()

    async def _answer(self, incoming: Incoming) -> None:
        link: Link[Any] = Link(await incoming.secure(), ToDirectory)
        await link.run(lambda: self._serve(link))

    async def _serve(self, link: Link[Any]) -> None:
        self.met += 1
        link.post(Who(VERSION, self.authority.certificate, bytes(32)))
        iam = await link.expect(Iam)
        link.identified()
        visit = Visit(link, iam)
        self.visits.append(visit)
        self._news.unpark_all()
        try:
            if self.refusal is not None:
                link.hang_up(self.refusal, Bye())
                return
            if not self.enters_at_once:
                await self._may_enter.wait()
            link.post(self._welcome(iam))
            while messages := await link.receive():
                for message in messages:
                    self._hear(visit, message)
        finally:
            visit.is_over = True
            visit.news.unpark_all()

    def _welcome(self, iam: Iam) -> Welcome:
        certificate = self.authority.certify(iam.name, iam.key) if iam.request else b""
        return Welcome(
            iam.name, "10.0.0.9", 0, 300.0, certificate, 1, others=self.others,
            time=self.time, seen=self.seen,
        )  # fmt: skip

    def _hear(self, visit: Visit, message: Any) -> None:
        visit.asked.append(type(message).__name__)
        match message:
            case List(id=re):
                me = Presence(visit.iam.name, Status.ACTIVE, 0.0)
                visit.says(Users(re, (me, *self.users)))
            case Fetch(id=re):
                visit.says(Mail(re, ()))
            case SetStatus(id=re):
                visit.says(Done(re))
                visit.heard.append(message)
            case Stir():
                pass
            case _:
                visit.heard.append(message)
        visit.news.unpark_all()


async def raw_directories(
    community: Community, many: int, *, authority: Authority | None = None, at: str = "10.0.2"
) -> list[RawDirectory]:
    """Start so many directories of one community, each on its own machine."""
    shared = authority or Authority(0)
    machines = [community.hub.machine(f"{at}.{number + 1}") for number in range(many)]
    found = [RawDirectory(machine, shared, community.nursery) for machine in machines]
    for one in found:
        await one.starts()
    return found


async def comes_in(
    community: Community, name: str, *named: RawDirectory, options: Options | None = None
) -> Person:
    """Start a person who names these directories, and is registered at the first."""
    person = community.person(name, options)
    person.directories = [one.address for one in named]
    await person.starts()
    return person
