"""Decides where I may be reached, and in which order the spots of another user are dialled."""

from collections.abc import Iterable, Sequence
from typing import Final

from peer.core.reach.dial_policy import may_be_met
from shared.messages.directory import Contact
from shared.messages.spots import SPOTS, Spot, SpotKind
from shared.spots import Interface, ip_of, is_global6, is_inner, is_lan, is_near

_NUMERIC: Final = {SpotKind.MAPPED, SpotKind.SEEN, SpotKind.LAN, SpotKind.GLOBAL6}
_AT_SIGHT: Final = {SpotKind.MAPPED, SpotKind.SEEN}


def own_spots(
    interfaces: Iterable[Interface], listens_on: Sequence[tuple[str, int]]
) -> tuple[Spot, ...]:
    """Return where this machine itself knows that it listens.  `listens_on`: hosts and ports."""
    port = listens_on[0][1]
    has_ipv6 = any(":" in host for host, _ in listens_on)
    found = [one for one in interfaces if not is_inner(one) and (has_ipv6 or ":" not in one.host)]
    veiled = {one.name for one in found if one.is_temporary}  # interfaces with a random address
    lan = [Spot(one.host, port, SpotKind.LAN) for one in found if is_lan(one.host)]
    everywhere = [
        Spot(one.host, port, SpotKind.GLOBAL6)
        for one in found
        if is_global6(one.host) and (one.is_temporary or one.name not in veiled)
    ]
    half = SPOTS // 2  # at least, for each kind
    return (*lan[: SPOTS - min(half, len(everywhere))], *everywhere)[:SPOTS]


def spots_to_dial(contact: Contact, interfaces: Iterable[Interface]) -> tuple[Spot, ...]:
    """Return where to dial this user, in that order.

    Neighbours in my own network come first, then what the directory named first.
    """
    said = contact.spots or (_without_spots(contact),)
    spots = [spot for spot in said if spot.port and _is_known(spot)]
    near = [spot for spot in spots if spot.kind == SpotKind.LAN and is_near(spot.host, interfaces)]
    return (*near, *(spot for spot in spots if spot not in near))


def spots_of_caller(
    said: Iterable[Spot], seen: str, interfaces: Iterable[Interface]
) -> tuple[Spot, ...]:
    """Return where to dial a user who knocks: where the directory sees them, whoever says more.

    So nobody can send me to somebody else; a local address must be one of my own network.
    """
    near = [spot for spot in said if spot.port and _is_of_neighbour(spot, interfaces)]
    at_sight = [
        spot
        for spot in said
        if spot.port and spot.kind in _AT_SIGHT and spot.host == seen and ip_of(seen) is not None
    ]
    return (*near, *at_sight)


def spots_to_punch(
    said: Iterable[Spot], directory: str, interfaces: Iterable[Interface]
) -> tuple[Spot, ...]:
    """Return where to dial a user who dials me at the same moment.

    That is where the directory, which I see at `directory`, sees them, and addresses of my own
    network; only of the family of addresses over which they are seen, as I dial from there.
    """
    spots = [spot for spot in said if spot.port and is_of_one_family(spot.host, directory)]
    near = [spot for spot in spots if _is_of_neighbour(spot, interfaces)]
    seen = [
        spot for spot in spots if spot.kind == SpotKind.SEEN and may_be_met(spot.host, directory)
    ]
    return (*near, *seen[:1])


def is_of_one_family(one: str, other: str) -> bool:
    """Whether both are IPv4, or both IPv6, addresses."""
    return (":" in one) == (":" in other)


def _is_of_neighbour(spot: Spot, interfaces: Iterable[Interface]) -> bool:
    return spot.kind == SpotKind.LAN and is_lan(spot.host) and is_near(spot.host, interfaces)


def _without_spots(contact: Contact) -> Spot:
    """Return the one address that an old directory gives."""
    is_seen = contact.host == contact.seen
    return Spot(contact.host, contact.port, SpotKind.SEEN if is_seen else SpotKind.SAID)


def _is_known(spot: Spot) -> bool:
    """Whether this is a spot as it should be, of a kind that this program knows."""
    is_numeric = spot.kind in _NUMERIC and ip_of(spot.host) is not None
    return is_numeric or spot.kind == SpotKind.SAID
