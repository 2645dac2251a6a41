"""Turn all that was measured into the lines of DOCTOR, and into the findings of its verdict."""

from msgspec import Struct

from peer.core.conversation.route import Route
from peer.core.doctor import check_lines
from peer.core.doctor.check import Check
from peer.core.doctor.check_lines import USERS_MOST, Software
from peer.core.doctor.firewall import hints
from peer.core.doctor.verdict import Findings, Port
from peer.core.mapping.actions import Action, Mapped, NotMapped, Why
from shared.spots import (
    Interface,
    Surroundings,
    ip_of,
    is_global6,
    is_inner,
    is_inside,
    is_outer,
    is_own_cable,
)


class Acquaintance(Struct, frozen=True):
    """Somebody of my conversation or rooms, and how they are reached.

    `route`: None if they are not; `way`: the same in words.
    """

    name: str
    route: Route | None = None
    way: str = ""
    is_offline: bool = False


class Facts(Struct):
    """All that was measured; what a deadline left unmeasured keeps the value here."""

    name: str
    key: str  #: its fingerprint; "" if there is none yet
    software: Software
    interfaces: tuple[Interface, ...] = ()
    directory: str = ""  #: its address
    cause: str = ""  #: why it is not there
    is_alone: bool = False  #: no program of mine was registered there
    is_refused: bool = False  #: it answers, and does not want me
    is_remembered: bool = True  #: its key was known before
    round_trip: float | None = None
    clocks: float | None = None  #: how many seconds the directory's is ahead
    own: str = ""  #: my address on the way to the directory
    directory_host: str = ""  #: its address on that way
    seen: str = ""  #: my address, as the directory sees it
    number: int = 0  #: my port; 0: I do not listen
    is_fixed: bool = False  #: the port is the same at each start
    said: str = ""  #: the address that I advertise
    port: Port = Port.UNKNOWN
    milliseconds: int = 0
    why: str = "the directory did not answer in time"
    surroundings: Surroundings = Surroundings()
    router: str | None = None
    is_router_asked: bool = False
    mapping: Action | None = None
    outer: str = ""  #: the router's address to the world, as it says
    keeps_port: bool | None = None
    listens_for_announcements: bool = False
    announced: str | None = None
    announced_at: str = ""  #: its address, if it is told
    others: tuple[str, ...] = ()  #: the other directories that are announced
    free: int | None = None
    folder: str = ""
    company: tuple[Acquaintance, ...] = ()

    @property
    def is_translated(self) -> bool | None:
        """Whether a router changes my address; None: unknown."""
        mine, seen = ip_of(self.own), ip_of(self.seen)
        return None if mine is None or seen is None else mine != seen

    @property
    def is_beside_directory(self) -> bool:
        """Whether it runs on this machine: then no firewall is between us."""
        return bool(self.own) and ip_of(self.own) == ip_of(self.directory_host)


def findings(facts: Facts) -> Findings:
    is_translated, port = facts.is_translated, facts.port
    is_open_over_ipv6 = port is Port.OPEN and is_global6(facts.seen)
    if is_open_over_ipv6:
        is_translated, port = None, Port.UNKNOWN  # over IPv4
    return Findings(
        no_directory=facts.cause,
        is_alone=facts.is_alone,
        is_refused=facts.is_refused,
        is_translated=is_translated,
        port=port,
        mapped=facts.mapping.port if isinstance(facts.mapping, Mapped) else 0,
        has_second_router=facts.mapping == NotMapped(Why.SECOND_ROUTER),
        keeps_port=facts.keeps_port,
        is_open_over_ipv6=is_open_over_ipv6,
        is_beside_directory=facts.is_beside_directory,
        here=_here(facts),
        number=facts.number,
        outer=_outer(facts),
        said=facts.said,
    )


def _here(facts: Facts) -> str:
    """Return the address at which others of my network reach me."""
    if facts.own and not is_own_cable(facts.own):
        return facts.own
    useful = (one.host for one in facts.interfaces if not is_inner(one))
    return next((host for host in useful if not is_own_cable(host)), facts.own)


def _outer(facts: Facts) -> str:
    """Return my address to the world; "" if it is the one that the directory sees anyway."""
    if facts.is_translated:
        return facts.seen
    if not is_inside(facts.seen):
        return ""
    mine = (one.host for one in facts.interfaces if not is_inner(one) and ":" not in one.host)
    return next((host for host in (facts.outer, *mine) if is_outer(host)), "")


def checks(facts: Facts) -> list[Check]:
    """Return the lines, in the order in which they are shown."""
    found = [
        check_lines.me(facts.name, facts.key, facts.software),
        check_lines.machine(facts.interfaces),
    ]
    if facts.cause:
        found.append(check_lines.no_directory(facts.directory, facts.cause))
    else:
        found += _seen_from_the_directory(facts)
    if facts.listens_for_announcements:
        found.append(
            check_lines.discovery(
                facts.announced, facts.announced_at, facts.others, is_there=not facts.cause
            )
        )
    found.append(check_lines.disk(facts.free, facts.folder))
    for one in facts.company[:USERS_MOST]:
        found.append(check_lines.user(one.name, one.route, one.way, is_offline=one.is_offline))
    if (more := len(facts.company) - USERS_MOST) > 0:
        found.append(check_lines.more_users(more))
    return found


def _seen_from_the_directory(facts: Facts) -> list[Check]:
    is_translated = facts.is_translated
    found = [
        check_lines.directory(
            facts.directory, facts.round_trip, facts.clocks, is_remembered=facts.is_remembered
        ),
        check_lines.seen(facts.seen, facts.own, is_translated=is_translated),
        check_lines.port(facts.number, facts.port, facts.milliseconds, facts.why, _hints(facts)),
        check_lines.router(
            facts.router, facts.mapping, facts.seen, is_asked=facts.is_router_asked,
            outer=facts.outer, leads_nowhere=findings(facts).leads_nowhere,
        ),
    ]  # fmt: skip
    return [*found, check_lines.ports(facts.keeps_port)] if is_translated else found


def _hints(facts: Facts) -> tuple[str, ...]:
    """Return what to do about a silent port, unless a router explains it."""
    if facts.port is not Port.SILENT:
        return ()
    if facts.is_translated and not isinstance(facts.mapping, Mapped):
        return ()
    return hints(facts.surroundings, facts.number, is_fixed=facts.is_fixed)
