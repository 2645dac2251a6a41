"""Dial the address at which a user says to be.

The shell of `peer.core.reach.dial_policy`.
"""

from typing import Final

import trio

from peer.core.reach.dial_policy import DialPolicy, Place, is_plausible
from shared.errors import Unreachable
from shared.link import within
from shared.messages.directory import Contact
from shared.world import Address, Network, Wire

DIAL_SECONDS: Final = 10.0  # to connect and shake hands
PATIENCE: Final = 5.0  # for an address to be due; a longer wait is refused
HOSTS_MOST: Final = 4  # of one host name


class Attempt:
    """One dial under way: `proved` or `failed` ends it, and only the first of these counts."""

    def __init__(self, core: DialPolicy) -> None:
        self._core = core
        self._places: list[Place] = []

    async def begin(self, place: Place, *, is_seen: bool) -> None:
        """Return when this address may be dialled.  Raises Unreachable if that takes long."""
        while pause := self._core.begin(place, is_seen=is_seen, now=trio.current_time()):
            if pause > PATIENCE:
                raise Unreachable(_not_yet(place, pause))
            await trio.sleep(pause)
        self._places.append(place)

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

    async def dial(self, contact: Contact) -> tuple[Wire, Attempt]:
        """Return a wire to where this user is said to be, and its attempt.  Raises Unreachable."""
        attempt = Attempt(self._core)
        where = Address(contact.host, contact.port)
        try:
            with within(DIAL_SECONDS, f"no connection to {where}"):
                candidates = await self._candidates(contact, attempt)
                return await self._network.dial(candidates), attempt
        except BaseException:
            attempt.failed()
            raise

    async def _candidates(self, contact: Contact, attempt: Attempt) -> list[Address]:
        """Return the numeric addresses that may be dialled now.

        Looking up a name is a kind of dialling too: it tells its name server who asks.
        """
        said, port, is_seen = contact.host, contact.port, contact.host == contact.seen
        await attempt.begin((said, port), is_seen=is_seen)
        found = await self._network.resolve(said, port)
        hosts = [host for host in found if is_plausible(host, contact.seen)][:HOSTS_MOST]
        if not hosts:
            raise Unreachable(f"the directory does not see {contact.name} at {said}")
        for host in hosts:
            if host != said:
                await attempt.begin((host, port), is_seen=is_seen)
        return [Address(host, port) for host in hosts]


def _not_yet(place: Place, pause: float) -> str:
    where = Address(*place)
    if pause == float("inf"):
        return f"{where} is being dialled for somebody else"
    return f"{where} is not dialled before {pause:.0f} seconds have passed"
