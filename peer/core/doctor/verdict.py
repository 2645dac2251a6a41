"""Decide who can reach me, from all that the checks have found."""

from enum import Enum, auto

from msgspec import Struct


class Port(Enum):
    """The finding at my port, from where the directory is."""

    OPEN = auto()
    REFUSED = auto()
    SILENT = auto()
    OTHER = auto()  #: somebody else answers there
    UNKNOWN = auto()


class Findings(Struct, frozen=True):
    """The findings of the checks.  None: it is not known."""

    no_directory: str = ""  #: why it is not there; "" if it is
    is_alone: bool = False  #: no program of mine was ever registered there since its start
    is_refused: bool = False  #: it answers, and does not want me; the reason says what to do
    is_translated: bool | None = False  #: a router changes my address
    port: Port = Port.UNKNOWN
    mapped: int = 0  #: the port of the router that leads to mine; 0: none
    has_second_router: bool = False
    keeps_port: bool | None = None  #: the router takes the same port for each target
    is_open_over_ipv6: bool = False  #: at an address that is good everywhere; the rest is of IPv4
    is_beside_directory: bool = False  #: on the machine of the directory
    here: str = ""  #: my own address
    number: int = 0  #: my own port
    outer: str = ""  #: my address to the world, if the directory sees another one or it is known
    said: str = ""  #: the address that I advertise

    @property
    def is_closed(self) -> bool:
        return self.port in {Port.REFUSED, Port.SILENT, Port.OTHER}

    @property
    def leads_nowhere(self) -> bool:
        """Whether the router gave a port away that was tried, and does not lead to me."""
        return bool(self.mapped) and self.mapped == self.number and self.is_closed


class Judgement(Struct, frozen=True):
    """A sentence about who can reach me; `code` names it for programs."""

    code: str
    text: str


def verdict(found: Findings) -> Judgement:
    if found.no_directory:
        return Judgement("V9", _without_directory(found))
    if found.is_open_over_ipv6:
        over_ipv4 = _of_one_family(found)
        return Judgement("V7", f"Over IPv6 everybody reaches me. Over IPv4: {over_ipv4.text}")
    return _of_one_family(found)


def _without_directory(found: Findings) -> str:
    cause = found.no_directory[:1].upper() + found.no_directory[1:]
    if found.is_refused:
        return f"{cause}."
    if found.is_alone:
        return (
            f"{cause}. See whether HOST and PORT are right, dirserver runs there, and this machine"
            " is in a network that leads there."
        )
    return f"{cause}. Conversations go on; nothing new can be found."


def _of_one_family(found: Findings) -> Judgement:
    if found.said:
        return Judgement("V3", _advertised(found))
    if found.is_beside_directory:
        return Judgement(
            "V0",
            "The directory is on this machine, so it cannot tell whether others reach me.",
        )
    if found.is_translated is None:
        return Judgement("V0", "Whether others reach me is not known.")
    return _translated(found) if found.is_translated else _not_translated(found)


def _advertised(found: Findings) -> str:
    if found.port is Port.OPEN:
        return f"Others reach me at {found.said}, which I advertise. Nothing to do."
    return (
        f"Others are told {found.said}, as --advertise says; only somebody outside can tell"
        " whether it leads to me."
    )


def _not_translated(found: Findings) -> Judgement:
    if found.outer:
        return Judgement(
            "V8",
            f"The directory sits in my own network: users outside will be told {found.here}."
            " Start with --advertise.",
        )
    if found.port is Port.OPEN:
        return Judgement("V1", f"Everybody who can reach {found.here} can reach me.")
    if found.is_closed:
        return Judgement(
            "V2",
            "A firewall keeps others out. I can dial them, and my program dials those who want"
            " me; two such users open a way from both sides.",
        )
    return Judgement("V0", "Whether others get through to my port is not known.")


def _translated(found: Findings) -> Judgement:
    if found.port is Port.OPEN or (found.mapped and not found.leads_nowhere):
        return Judgement("V3", "Others reach me through the mapping of my router. Nothing to do.")
    if found.has_second_router or found.leads_nowhere:
        return Judgement("V6", _without_mapping(found))
    if found.keeps_port is False:
        return Judgement("V5", f"{_without_mapping(found)} {_advice(found)}")
    return Judgement("V4", _without_mapping(found))


def _without_mapping(found: Findings) -> str:
    if found.keeps_port is False:
        return "Only users whose port is open reach me, by my dialling them."
    unless = "" if found.keeps_port else ", unless the router takes another port for each target"
    return (
        f"Others reach me when both sides open a way (punching){unless};"
        " the directory must be up for it."
    )


def _advice(found: Findings) -> str:
    host, port = found.outer or "HOST", found.number
    return (
        f"Turn on port mapping (UPnP or NAT-PMP) in the router, or forward TCP {port} to"
        f" {found.here} and start with --listen {port} --advertise {host}:{port}."
    )
