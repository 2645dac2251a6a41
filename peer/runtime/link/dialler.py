"""Dial the spots at which a user says to be: the first that shows the user's key counts.

The shell of `peer.core.reach.dial_policy`.
"""

from collections.abc import Callable
from typing import Final

import trio

from peer.core.reach.dial_policy import DialPolicy, Place, is_plausible
from peer.core.reach.ladder import Ladder
from peer.core.reach.link_way import dialled_at
from shared.candidates import first_of
from shared.errors import ParleyError, Unreachable
from shared.messages.directory import Contact
from shared.messages.spots import Spot, SpotKind
from shared.spots import ip_of
from shared.world import Address, Network, Wire

PATIENCE: Final = 5.0  # for an address to be due; a longer wait is refused
HOSTS_MOST: Final = 4  # of one host name

Judge = Callable[[Wire], None]  # raises ParleyError if it is not the one who was looked for


class Attempt:
    """One dial under way: `proved` or `failed` ends it, and only the first of these counts."""

    def __init__(self, core: DialPolicy, kind: str = SpotKind.SAID) -> None:
        self.way = dialled_at(kind)  #: the kind of the spot that is dialled tells it
        self.they_greet = False  #: first, as if they had dialled
        self._core = core
        self._places: list[Place] = []

    async def begin(self, place: Place, *, is_seen: bool, is_knock: bool = False) -> None:
        """Return when this address may be dialled.  Raises Unreachable if that takes long."""
        while pause := self._core.begin(
            place, is_seen=is_seen, is_knock=is_knock, now=trio.current_time()
        ):
            if pause > PATIENCE:
                raise Unreachable(_not_yet(place, pause))
            await trio.sleep(pause)
        self._places.append(place)

    def join(self, other: "Attempt") -> None:
        """End together with another one, which has the name of this host."""
        self._places += other._places
        other._places.clear()

    def keep(self, place: Place) -> None:
        """End the dials of all other addresses, of which nobody has proved anything."""
        others = [one for one in self._places if one != place]
        self._places = [one for one in self._places if one == place]
        for one in others:
            self._core.end(one, trio.current_time())

    def proved(self) -> None:
        """Note that the user who was looked for has answered."""
        for place in self._places:
            self._core.proved(place)
        self.failed()

    def failed(self) -> None:
        now = trio.current_time()
        for place in self._places:
            self._core.end(place, now)
        self._places.clear()


class Dialler:
    def __init__(self, network: Network) -> None:
        self._network = network
        self._core = DialPolicy()

    async def dial(self, contact: Contact, judge: Judge, ladder: Ladder) -> tuple[Wire, Attempt]:
        """Return the first wire to a spot of the ladder that `judge` accepts, and its attempt.

        Raises Unreachable; the ladder is told why each spot failed.
        """
        race = _Race(self._network, self._core, contact, judge, ladder)
        try:
            return await race.run()
        finally:
            race.end()


class _Race:
    """The dials of all spots of one user, at the same time."""

    def __init__(
        self, network: Network, core: DialPolicy, contact: Contact, judge: Judge, ladder: Ladder
    ) -> None:
        self._network, self._core, self._contact = network, core, contact
        self._judge, self._ladder = judge, ladder
        self._named = Attempt(core)  # at a host that is a name
        self._spots: dict[Address, Spot] = {}
        self._attempts: dict[Wire, Attempt] = {}

    async def run(self) -> tuple[Wire, Attempt]:
        for spot in self._ladder.spots:
            for host in await self._hosts(spot):
                self._spots.setdefault(Address(host, spot.port), spot)
        wire = await first_of(list(self._spots), self._dial)
        return wire, self._attempts.pop(wire)

    def end(self) -> None:
        """End all attempts but the one that was returned."""
        for attempt in (self._named, *self._attempts.values()):
            attempt.failed()

    async def _hosts(self, spot: Spot) -> list[str]:
        """Return the numeric hosts of a spot; none if it leads nowhere, which the ladder is told.

        Looking up a name is a kind of dialling too: it tells its name server who asks.
        """
        seen = self._contact.seen
        found: tuple[str, ...] = (spot.host,)
        if spot.kind == SpotKind.SAID and ip_of(spot.host) is None:
            try:
                await self._named.begin((spot.host, spot.port), is_seen=spot.host == seen)
                found = await self._network.resolve(spot.host, spot.port)
            except Unreachable as failure:
                self._ladder.failed(spot, failure)
                return []
        hosts = [host for host in found if is_plausible(host, seen)][:HOSTS_MOST]
        if not hosts:
            name = self._contact.name
            why = Unreachable(f"the directory does not see {name} at {spot.host}")
            self._ladder.failed(spot, why)
        return hosts

    async def _dial(self, address: Address) -> Wire:
        spot = self._spots[address]
        attempt = Attempt(self._core, spot.kind)
        try:
            is_seen, is_knock = spot.host == self._contact.seen, self._ladder.is_answer
            await attempt.begin(address, is_seen=is_seen, is_knock=is_knock)
            wire = await self._network.dial([address])
            self._check(wire)
        except BaseException as failure:
            attempt.failed()
            if isinstance(failure, Unreachable):
                self._ladder.failed(spot, failure)
            raise
        if spot.host != address.host:
            attempt.join(self._named)
        self._attempts[wire] = attempt
        return wire

    def _check(self, wire: Wire) -> None:
        try:
            self._judge(wire)
        except ParleyError as failure:
            wire.abort()
            raise Unreachable(str(failure)) from failure


def _not_yet(place: Place, pause: float) -> str:
    where = Address(*place)
    if pause == float("inf"):
        return f"{where} is being dialled for somebody else"
    return f"{where} is not dialled before {pause:.0f} seconds have passed"
