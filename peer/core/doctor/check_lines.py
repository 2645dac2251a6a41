"""Say what each check of DOCTOR has found, one line each."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from peer.core.conversation.route import Route
from peer.core.doctor.check import Check, CheckState
from peer.core.doctor.verdict import Port
from peer.core.mapping.actions import Action, Mapped, NotMapped, Why
from shared.spots import Interface, is_inner, is_own_cable, shown_place

CLOCKS_SECONDS: Final = 5.0  # clocks that differ by more are worth a look
FULL_BYTES: Final = 100 * 1024 * 1024  # a disk with less room is nearly full
ADDRESSES_MOST: Final = 8  # that one line names
DIRECTORIES_MOST: Final = 3  # that one line names
USERS_MOST: Final = 20  # of whom a line tells
TOLD_MILLISECONDS: Final = 60_000  # a longer time is hardly true
_UNITS: Final = ((86_400 * 365, "years"), (86_400, "days"), (3_600, "h"), (60, "min"))


class Software(Struct, frozen=True):
    """The program, and what runs it."""

    version: str
    python: str
    system: str


def me(name: str, key: str, program: Software) -> Check:
    """`key`: its fingerprint; "" if none was made yet."""
    said = f"key {key}" if key else "without a key yet"
    text = (
        f"Me: {name}, {said}, Parley {program.version}, Python {program.python}, {program.system}."
    )
    data: dict[str, object] = {
        "name": name, "key": key, "version": program.version, "python": program.python,
        "system": program.system,
    }  # fmt: skip
    return Check("me", CheckState.FINE, text, data)


def machine(interfaces: Iterable[Interface]) -> Check:
    """Name the addresses of this machine; loopback and link-local ones are of no use to others."""
    useful = [one for one in interfaces if not is_own_cable(one.host)]
    own = [one for one in useful if not is_inner(one)]
    inner = [one for one in useful if is_inner(one)]
    left_out = f" Left out: {_named(inner)}." if inner else ""
    data: dict[str, object] = {
        "addresses": [one.host for one in own], "left_out": [one.host for one in inner]
    }  # fmt: skip
    if not own:
        text = f"This machine: it has no address in any network.{left_out}"
        return Check("machine", CheckState.WRONG, text, data)
    return Check("machine", CheckState.FINE, f"This machine: {_named(own)}.{left_out}", data)


def _named(interfaces: Sequence[Interface]) -> str:
    named = [f"{one.host} ({one.name})" if one.name else one.host for one in interfaces]
    more = len(named) - ADDRESSES_MOST
    return ", ".join(named[:ADDRESSES_MOST]) + (f" and {more} more" if more > 0 else "")


def no_directory(address: str, cause: str) -> Check:
    """The verdict says all of the cause; this line says its first sentence."""
    first = cause.partition(". ")[0]
    text = f"Directory: {first}." if address in first else f"Directory {address}: {first}."
    return Check("directory", CheckState.WRONG, text, {"address": address, "cause": cause})


def directory(
    address: str, seconds: float | None, clocks: float | None, *, is_remembered: bool
) -> Check:
    """`clocks`: how many seconds the directory's is ahead; None: it does not tell."""
    data: dict[str, object] = {
        "address": address, "seconds": seconds, "clocks_differ_by": clocks,
        "key_is_remembered": is_remembered,
    }  # fmt: skip
    if seconds is None:
        text = f"Directory: {address} does not answer in time."
        return Check("directory", CheckState.UNKNOWN, text, data)
    key = "its key is the remembered one" if is_remembered else "its key is new to me"
    says = f"Directory: {address} answers in {milliseconds(seconds)}, {key}"
    if clocks is None:
        return Check("directory", CheckState.FINE, f"{says}.", data)
    differ = f"clocks differ by {duration(abs(clocks))}"
    state = CheckState.WRONG if abs(clocks) > CLOCKS_SECONDS else CheckState.FINE
    wrong = f": one of them is wrong, {_ahead(clocks)}" if state is CheckState.WRONG else ""
    return Check("directory", state, f"{says}, {differ}{wrong}.", data)


def _ahead(clocks: float) -> str:
    return "the directory's is ahead" if clocks > 0 else "mine is ahead"


def seen(host: str, own: str, *, is_translated: bool | None) -> Check:
    """`host`: at which the directory sees me; "" if it names no address."""
    data: dict[str, object] = {"seen": host, "own": own, "is_translated": is_translated}
    if is_translated is None:
        text = "It does not tell at which address it sees me."
        return Check("seen", CheckState.UNKNOWN, text, data)
    what = "a router translates my address (NAT)" if is_translated else (
        "nothing translates my address"
    )  # fmt: skip
    return Check("seen", CheckState.FINE, f"It sees me at {host}: {what}.", data)


def port(number: int, found: Port, took: int, why: str, hints: Sequence[str] = ()) -> Check:
    """`took`: milliseconds; `why`: the reason for which nothing is known."""
    open_, wrong, unknown = CheckState.FINE, CheckState.WRONG, CheckState.UNKNOWN
    in_time = f" ({took:,} ms)" if 0 < took <= TOLD_MILLISECONDS else ""
    state, says = {
        Port.OPEN: (open_, f"open, seen from the directory{in_time}"),
        Port.SILENT: (wrong, "nothing comes through from the directory in 3 s"),
        Port.REFUSED: (
            wrong, "refused at once (a firewall that says no, or another machine has that address)"
        ),
        Port.OTHER: (wrong, "another program answers there, not this one"),
        Port.UNKNOWN: (unknown, why or "not tested"),
    }[found]  # fmt: skip
    text = " ".join((f"My port {number}: {says}.", *hints))
    data: dict[str, object] = {
        "port": number, "outcome": found.name, "milliseconds": took, "hints": list(hints)
    }  # fmt: skip
    return Check("port", state, text, data)


def router(
    host: str | None, state: Action | None, seen_at: str, *, is_asked: bool, outer: str = "",
    leads_nowhere: bool = False,
) -> Check:  # fmt: skip
    """`host`: the router's; None: unknown.  `outer`: its address to the world, as it says.

    `leads_nowhere`: the port that it gave was tried, and nothing comes through.
    """
    data: dict[str, object] = {"router": host or "", "mapped": 0, "why": "", "outer": outer}
    named = f"Router {host}" if host else "Router"
    match state:
        case Mapped(port=number) if leads_nowhere:
            text = (
                f"{named}: maps ports, but nothing comes through at"
                f" {shown_place(seen_at, number)}: a second router (CGNAT) or a firewall is in"
                " the way."
            )
            return Check("router", CheckState.WRONG, text, data | {"mapped": number})
        case Mapped(port=number):
            text = f"{named}: maps ports, {shown_place(seen_at, number)} leads to me."
            return Check("router", CheckState.FINE, text, data | {"mapped": number})
        case NotMapped(why=Why.SECOND_ROUTER):
            said = (
                f"{named}: its own address is not a public one, so there is a second router"
                " (CGNAT), and a mapping cannot help."
            )
            return Check("router", CheckState.WRONG, said, data | {"why": "SECOND_ROUTER"})
        case NotMapped(why=why):
            is_silent = why in {Why.SILENT, Why.ALL_SILENT}
            says = "it maps no ports" if is_silent else "no port is mapped"
            said = f"{named}: {why.value}: {says}."
            return Check("router", CheckState.UNKNOWN, said, data | {"why": why.name})
    if host is None:
        said = "Router: none is known, so none is asked for a port."
    elif outer:
        said = f"{named}: to the world it has the address {outer}."
        return Check("router", CheckState.FINE, said, data)
    elif is_asked:
        said = f"{named}: it has not answered yet."
    else:
        said = f"{named}: it was not asked for a port."
        return Check("router", CheckState.FINE, said, data)
    return Check("router", CheckState.UNKNOWN, said, data)


def ports(keeps: bool | None) -> Check:
    data: dict[str, object] = {"keeps_port": keeps}
    if keeps is None:
        text = "Whether the router takes another port for each target is not known."
        return Check("ports", CheckState.UNKNOWN, text, data)
    if keeps:
        text = "The router keeps my port whatever I dial: opening a way from both sides works."
        return Check("ports", CheckState.FINE, text, data)
    text = "The router takes another port for each target: opening a way from both sides fails."
    return Check("ports", CheckState.WRONG, text, data)


def discovery(
    name: str | None, place: str = "", others: Sequence[str] = (), *, is_there: bool = True
) -> Check:
    """`name`: as which the directory announces itself here; None: nothing was heard.

    `place`: its address, if that is news; `others`: what else is announced.
    """
    if name is None and others:
        more = len(others) - DIRECTORIES_MOST
        listed = ", ".join(others[:DIRECTORIES_MOST]) + (f" and {more} more" if more > 0 else "")
        text = (
            f"On this network others announce a directory, of a key that I do not know: {listed}."
        )
        return Check("discovery", CheckState.UNKNOWN, text, {"name": "", "others": [*others]})
    if name is None:
        why = (
            ": another subnet, a firewall (UDP 5353), an access point that isolates its clients, or"
            " a directory that announces nothing"
        )
        text = f"No announcement of the directory heard in 1 s{why if is_there else ' either'}."
        return Check("discovery", CheckState.UNKNOWN, text, {"name": ""})
    at = f", at {place}" if place else ""
    text = f'On this network the directory announces itself as "{name}"{at}.'
    data: dict[str, object] = {"name": name, "address": place} if place else {"name": name}
    return Check("discovery", CheckState.FINE, text, data)


def disk(free: int | None, folder: str) -> Check:
    data: dict[str, object] = {"free_bytes": free, "folder": folder}
    if free is None:
        text = f"Disk: how much is free is not known. Folder: {folder}."
        return Check("disk", CheckState.UNKNOWN, text, data)
    state = CheckState.FINE if free >= FULL_BYTES else CheckState.WRONG
    return Check("disk", state, f"Disk: {size(free)} free. Folder: {folder}.", data)


def user(name: str, route: Route | None, way: str, *, is_offline: bool) -> Check:
    """`route`: how they are reached, None: they are not; `way`: the same in words.

    `is_offline`: says the directory.
    """
    trip = route.round_trip if route is not None else None
    data: dict[str, object] = {
        "name": name, "way": route.way if route is not None else "",
        "through": route.through if route is not None else "", "round_trip": trip,
        "is_offline": is_offline,
    }  # fmt: skip
    if route is not None and route.is_reached:
        took = f", {milliseconds(trip)}" if trip is not None else ""
        return Check("user", CheckState.FINE, f"{name}: {way}{took}.", data)
    if is_offline:
        return Check("user", CheckState.FINE, f"{name}: offline.", data)
    return Check("user", CheckState.WRONG, f"{name}: out of reach.", data)


def more_users(count: int) -> Check:
    text = f"{count} more users of your conversation and rooms were not looked at."
    return Check("users", CheckState.UNKNOWN, text, {"count": count})


# --- Figures ---


def milliseconds(seconds: float) -> str:
    in_ms = max(seconds, 0.0) * 1000
    return f"{in_ms:.1f} ms" if in_ms < 10 else f"{in_ms:,.0f} ms"


def duration(seconds: float) -> str:
    for unit, name in _UNITS:
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:.1f} s"


def size(count: int) -> str:
    amount, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:,.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
