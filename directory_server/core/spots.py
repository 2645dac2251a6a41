"""Decide which spots of a user are kept, and who is told which of them.

The addresses of a user's own network are told only to users of the same network: no local
address leaves the house.
"""

from collections.abc import Iterable
from typing import Final

from directory_server.core.addresses import are_the_same, is_loopback, network_of
from directory_server.core.registry import Place
from shared.messages.spots import SPOTS, Spot, SpotKind
from shared.spots import ip_of, is_global6, is_inside, is_lan

MAPPED_FROM: Final = 1_024  # no router gives away lower ports, and services listen there


def kept(said: Iterable[Spot]) -> tuple[Spot, ...]:
    """Return the spots that are worth keeping of those that a user's program names."""
    spots = filter(None, map(_kept, said))
    return tuple(dict.fromkeys(spots))[:SPOTS]


def _kept(spot: Spot) -> Spot | None:
    host, port = str(ip_of(spot.host) or ""), spot.port
    match spot.kind:
        case SpotKind.LAN if is_lan(host) and port:
            return Spot(host, port, SpotKind.LAN)
        case SpotKind.GLOBAL6 if is_global6(host) and port:
            return Spot(host, port, SpotKind.GLOBAL6)
        case SpotKind.MAPPED if port >= MAPPED_FROM:
            return Spot("", port, SpotKind.MAPPED)  # at whatever host we see them
        case _:
            return None


def are_in_one_house(one: str, other: str) -> bool:
    """Whether two users whom we see at these addresses share a network, as far as we can tell."""
    return network_of(one) == network_of(other) or (is_inside(one) and is_inside(other))


def of_contact(place: Place, seen: str, asker: str) -> tuple[Spot, ...]:
    """Return where to dial a user, in this order.

    `seen`: where we see them, and the asker could reach it; `asker`: where we see the asker.
    """
    if place.advertised:
        return (Spot(place.advertised, place.port, SpotKind.SAID),)
    mapped, lan = _mapped(place, seen), _lan(place, seen, asker)
    plain = Spot(seen, place.port, SpotKind.SEEN)
    everywhere = _of(place, SpotKind.GLOBAL6)
    if is_inside(seen):
        return _few(plain, *lan, *mapped, *everywhere)
    if lan:  # behind the same router, which hardly ever leads back inside
        return _few(*lan, *mapped, *everywhere, plain)
    return _few(*mapped, *everywhere, plain)


def of_caller(place: Place, seen: str, callee: str) -> tuple[Spot, ...]:
    """Return where a callee may dial a caller who knocks: only at the address that we see.

    Nothing that the caller says can lead to somebody else's machine, but in a network that
    both are in; and the callee compares that with their own.
    """
    plain = Spot(seen, place.port, SpotKind.SEEN)
    lan = () if is_inside(seen) else _lan(place, seen, callee)
    return _few(*lan, *_mapped(place, seen), plain)


def may_meet(caller: Place, callee: Place) -> bool:
    """Whether two users can open a way from both sides, as far as we can tell.

    Two who are seen at one address are on one machine, or behind one router.  A router hardly
    ever leads back inside, so they need addresses of their own network.
    """
    if not are_the_same(caller.address, callee.address):
        return True
    have_own = _of(caller, SpotKind.LAN) and _of(callee, SpotKind.LAN)
    return bool(have_own) and not is_loopback(caller.address)


def of_meeting(place: Place, seen: Spot, inner: int, other: str) -> tuple[Spot, ...]:
    """Return where to dial a user who has come to a meeting with somebody seen at `other`.

    `seen`: the address from which that connection comes; `inner`: its port on their own
    machine.  If that is not known it is taken for the same, as routers keep it if they can.
    """
    port = inner or seen.port
    lan = (Spot(one.host, port, SpotKind.LAN) for one in _lan(place, seen.host, other))
    return _few(seen, *lan)


def _of(place: Place, kind: SpotKind) -> tuple[Spot, ...]:
    return tuple(spot for spot in place.spots if spot.kind == kind)


def _mapped(place: Place, seen: str) -> tuple[Spot, ...]:
    return tuple(Spot(seen, one.port, SpotKind.MAPPED) for one in _of(place, SpotKind.MAPPED))


def _lan(place: Place, seen: str, other: str) -> tuple[Spot, ...]:
    return _of(place, SpotKind.LAN) if are_in_one_house(seen, other) else ()


def _few(*spots: Spot) -> tuple[Spot, ...]:
    """Return the first ones, each address once."""
    first: dict[tuple[str, int], Spot] = {}
    for one in spots:
        first.setdefault((one.host, one.port), one)
    return tuple(first.values())[:SPOTS]
