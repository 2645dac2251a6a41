"""Perform the checks of DOCTOR, all side by side, each with a deadline of its own."""

import logging
import platform
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final, Protocol

import trio

from peer.core.doctor.check_lines import Software
from peer.core.doctor.report import Acquaintance, Facts, checks, findings
from peer.core.doctor.verdict import Port, verdict
from peer.core.myself import Myself
from peer.options import Options
from peer.results import Doctor
from peer.runtime.directory.certificates import Certificates
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.doctor.free_space import FreeSpace
from peer.runtime.doctor.probing import NOT_REGISTERED, outer_address, ports_seen, why_not_there
from peer.runtime.doctor.sight import Sight
from peer.runtime.mapping.port_mapper import PortMapper
from shared.announcement import Announcement
from shared.clean import on_one_line
from shared.errors import ParleyError, Refused
from shared.identity import fingerprint
from shared.messages.directory import Contact, Lookup
from shared.messages.probes import Outcome, PortTested, TestPort
from shared.spots import is_inside
from shared.version import VERSION
from shared.wording import clause
from shared.world import Address, World

ALL_SECONDS: Final = 6.0  # for everything
EACH_SECONDS: Final = 5.5  # for one check at most
ANSWER_SECONDS: Final = 3.0  # for the directory
MAPPING_SECONDS: Final = 1.5  # to wait for the router, before the port is tried
NEIGHBOUR_SECONDS: Final = 3.0  # to begin to listen for announcements, and to listen
COMPANY_SECONDS: Final = 2.0  # to measure the ways to others
WHY_CHARACTERS: Final = 700  # of a reason that the directory gives; a changed key needs as many

log = logging.getLogger("peer")

Check = Callable[[Facts], Awaitable[None]]


class Neighbours(Protocol):
    """A part that hears what directories announce on this network."""

    async def announced(self, key: str) -> str | None:
        """Return how the directory with this key is called there; None if it is not heard."""

    async def all_announced(
        self, known: Collection[str]
    ) -> tuple[tuple[Announcement, ...], tuple[Announcement, ...]]:
        """Return what is announced with one of these keys, and what else is."""


class Company(Protocol):
    """A part that knows with whom I am in a conversation, or in rooms."""

    async def measure(self) -> None:
        """Measure the ways to them, which takes time."""

    def acquaintances(self) -> tuple[Acquaintance, ...]: ...


class Examiner:
    """Finds out what keeps others from reaching me."""

    def __init__(
        self, world: World, directories: Sequence[Address], options: Options, myself: Myself,
        directory: DirectoryClient, sight: Sight, certificates: Certificates,
        mapper: PortMapper | None, company: Company, free_space: FreeSpace,
        neighbours: Neighbours | None = None,
    ) -> None:  # fmt: skip
        """`mapper`, `neighbours`: None, if nobody asks the router, or listens."""
        self._world, self._directories, self._options = world, directories, options
        self._myself, self._directory, self._sight = myself, directory, sight
        self._certificates, self._mapper = certificates, mapper
        self._company, self._free_space, self._neighbours = company, free_space, neighbours

    async def examine(self) -> Doctor:
        """Perform all checks; what is not done in time is said to be unknown."""
        facts = self._known()
        works: list[Check] = [self._measure_company, self._measure_disk]
        if self._neighbours is not None:
            works.append(self._listen)
        if self._directory.is_there:
            works += [self._measure_round_trip, self._try_port, self._try_router, self._ask_router]
        else:
            works.append(self._find_cause)
        with trio.move_on_after(ALL_SECONDS):
            async with trio.open_nursery() as nursery:
                for work in works:
                    nursery.start_soon(_in_time, work, facts)
        if not self._directory.is_there and not facts.cause:
            facts.cause = "the directory was lost just now"
        facts.company = self._company.acquaintances()
        if self._mapper is not None and self._mapper.is_asked:
            facts.is_router_asked, facts.mapping = True, self._mapper.state
        return told(facts)

    def _known(self) -> Facts:
        """Return what needs no waiting."""
        network, link, options = self._world.network, self._directory.link, self._options
        place = Address(options.advertise_host, self._myself.registration.port)
        address = link.wire.remote if link is not None else self._directories[0]
        return Facts(
            self._myself.name,
            fingerprint(self._myself.key),
            software(),
            interfaces=network.interfaces(),
            directory=str(address),
            is_remembered=not self._certificates.first_seen,
            clocks=self._sight.clocks,
            own=link.wire.local.host if link is not None else "",
            directory_host=link.wire.remote.host if link is not None else "",
            seen=self._sight.host,
            number=self._myself.registration.port,
            is_fixed=bool(options.listen),
            said=str(place) if options.advertise_host else "",
            surroundings=network.surroundings(),
            router=network.gateway(),
            listens_for_announcements=self._neighbours is not None,
            folder=self._world.disk.place,
        )

    # --- What is measured ---

    async def _find_cause(self, facts: Facts) -> None:
        cause = await why_not_there(self._world, self._directories)
        if cause == NOT_REGISTERED and self._sight.refusal:
            cause, facts.is_refused = _told_by_others(self._sight.refusal.removesuffix(".")), True
        facts.cause, facts.is_alone = cause, self._sight.welcome is None

    async def _measure_round_trip(self, facts: Facts) -> None:
        begun = trio.current_time()
        with trio.move_on_after(ANSWER_SECONDS):
            await self._directory.ask(lambda id: Lookup(id, self._myself.name), Contact)
            facts.round_trip = trio.current_time() - begun

    async def _try_port(self, facts: Facts) -> None:
        """Let the directory dial my port, once the router has had time to map it."""
        welcome = self._sight.welcome
        if welcome is None or welcome.seen is None:
            facts.why = "the directory is of an earlier version, which tries no ports"
            return
        if facts.is_beside_directory:
            facts.why = "the directory is on this machine, so it cannot tell what others meet"
            return
        if self._mapper is not None and self._mapper.is_asked:
            with trio.move_on_after(MAPPING_SECONDS):
                await self._mapper.wait_known()
        try:
            said = await self._directory.ask(TestPort, PortTested)
        except Refused as no:
            facts.why = _told_by_others(clause(no))
            return
        if said.outcome in Outcome.__members__:
            facts.port, facts.milliseconds = Port[said.outcome], said.milliseconds
        else:
            facts.why = "the directory gave an answer that this program does not know"

    async def _try_router(self, facts: Facts) -> None:
        """Find out whether the router takes one port of mine for all targets."""
        welcome = self._sight.welcome
        if welcome is None or not facts.is_translated:
            return
        seen: dict[int, int] = {}
        asked = tuple(dict.fromkeys(welcome.probe_ports))
        if len(asked) > 1 and ":" not in facts.own:
            seen = await ports_seen(
                self._world, facts.own, facts.directory_host, asked, welcome.cookie
            )
        if len(seen) > 1:
            facts.keeps_port = len(set(seen.values())) == 1
        elif self._sight.kept_port:
            facts.keeps_port = True  # another router would do so only by chance

    async def _ask_router(self, facts: Facts) -> None:
        """Wait for the router's answer; ask for its address to the world, if nobody else does."""
        if self._mapper is None or self._options.advertise_host:
            return
        if self._mapper.is_asked:
            await self._mapper.wait_known()
        elif facts.router is not None and is_inside(facts.own) and ":" not in facts.own:
            facts.outer = await outer_address(self._world, facts.own, facts.router)

    async def _measure_disk(self, facts: Facts) -> None:
        facts.free = await self._free_space.look()

    async def _measure_company(self, _: Facts) -> None:
        with trio.move_on_after(COMPANY_SECONDS):
            await self._company.measure()

    async def _listen(self, facts: Facts) -> None:
        if self._neighbours is not None:
            with trio.move_on_after(NEIGHBOUR_SECONDS):
                facts.announced = await self._neighbours.announced(self._certificates.key)


async def examine_alone(
    world: World, name: str, key: str, directories: Sequence[Address], cause: str,
    *, is_refused: bool = False, neighbours: Neighbours | None = None,
    known: Collection[str] = (),
) -> Doctor:  # fmt: skip
    """Perform the checks that need no directory.  `cause`: why I am not registered there.

    `is_refused`: it answers, and does not want me.  `neighbours`: None, if nobody listens;
    `known`: the keys of my directories, without spaces.
    """
    facts = Facts(
        name, key, software(), interfaces=world.network.interfaces(),
        directory=str(directories[0]) if directories else "", cause=_told_by_others(cause),
        is_alone=True, is_refused=is_refused, folder=world.disk.place,
        listens_for_announcements=neighbours is not None,
    )  # fmt: skip

    async def listen(facts: Facts) -> None:
        if neighbours is not None:
            mine, others = await neighbours.all_announced(known)
            facts.announced = mine[0].name if mine else None
            facts.announced_at = _place(mine[0]) if mine else ""
            facts.others = tuple(f'"{one.name}" at {_place(one)}' for one in others)

    async def measure_disk(facts: Facts) -> None:
        facts.free = await world.disk.run(world.disk.free)

    with trio.move_on_after(NEIGHBOUR_SECONDS):
        await _in_time(listen, facts)
    await _in_time(measure_disk, facts)
    return told(facts)


def _told_by_others(why: str) -> str:
    """Return a reason that the directory may have given, as a part of one line."""
    reason = on_one_line(why)
    return reason if len(reason) <= WHY_CHARACTERS else f"{reason[: WHY_CHARACTERS - 1]}…"


def _place(one: Announcement) -> str:
    return str(Address(one.hosts[0], one.port))


def told(facts: Facts) -> Doctor:
    judged = verdict(findings(facts))
    return Doctor(tuple(checks(facts)), judged.text, judged.code)


def software() -> Software:
    return Software(VERSION, platform.python_version(), platform.system())


async def _in_time(work: Check, facts: Facts) -> None:
    """Perform one check; what hinders it leaves its facts unknown."""
    with trio.move_on_after(EACH_SECONDS):
        try:
            await work(facts)
        except (ParleyError, OSError) as failure:
            log.info("a check of DOCTOR failed: %s", failure)
