"""Know where the directories of our community are, and dial one of them.

The shell of `peer.core.reach.directory_places`.
"""

import logging
from collections.abc import Sequence
from typing import Final

import trio

from peer.core.reach.dial_policy import is_plausible
from peer.core.reach.directory_places import DirectoryPlaces
from peer.core.reach.hosts import read_places
from peer.storage.contacts import CommunityStore
from shared.errors import StorageError, Unreachable
from shared.messages.directory import Welcome
from shared.world import Address, Wire, World

HOSTS_MOST: Final = 4  # of one host name

log = logging.getLogger("peer")


class KnownDirectories:
    def __init__(self, world: World, named: Sequence[Address], communities: CommunityStore) -> None:
        self._world, self._communities = world, communities
        self._places = DirectoryPlaces(named)
        self._authority = b""
        self._seen = ""  # the host of the directory that named others last

    def recall(self, authority: bytes) -> None:
        """Take the addresses that directories of this authority named at earlier starts."""
        if authority and authority != self._authority:
            self._authority = authority
            others = self._communities.other_directories(authority)
            self._places.restore(others, self._world.clock.time())

    # --- Which one ---

    def begin_round(self) -> None:
        self._places.begin_round(self._world.chance.random)

    def next_address(self) -> Address | None:
        """Return where to dial now, None when the round is over; then call `ended`."""
        place = self._places.next_place(trio.current_time())
        return None if place is None else Address(*place)

    def address_to_move_to(self, text: str, *, seen: str) -> Address | None:
        """Return the address that a directory, whom we see there, wants us to dial.

        None if it may not be dialled now; else call `ended`.
        """
        for place in read_places([text]):
            if is_plausible(place[0], seen) and self._places.may_dial(place, trio.current_time()):
                self._seen = seen
                return Address(*place)
        return None

    def ended(self, address: Address) -> None:
        """Note that the dial is over, or the connection."""
        self._places.ended(address, trio.current_time())

    # --- Dialling ---

    async def dial(self, address: Address) -> Wire:
        """Dial, and show no certificate.  Raises Unreachable.

        Our name goes out in IAM, and only to a directory of the community that we know.
        """
        network = self._world.network
        if address in self._places.named:
            return await network.dial([address], anonymous=True)
        found = await network.resolve(*address)
        hosts = [host for host in found if is_plausible(host, self._seen)][:HOSTS_MOST]
        if not hosts:
            raise Unreachable(f"no other directory can be at {address}")
        return await network.dial([Address(one, address.port) for one in hosts], anonymous=True)

    # --- What directories tell ---

    def registered(self, welcome: Welcome, address: Address, wire: Wire) -> bool:
        """Note that a directory of ours is at this address, and which others it names.

        Return whether to `keep` that.
        """
        self._places.proved(address)
        self._seen = wire.remote.host
        time = self._world.clock.time()
        return self._places.hint(welcome.others, seen=self._seen, time=time)

    async def keep(self) -> None:
        """Keep the addresses for the next start, which may go on without them if that fails."""
        hints = [(str(Address(*one)), told) for one, told in self._places.hints.items()]
        try:
            await self._communities.keep_other_directories(self._authority, hints)
        except StorageError as failure:
            log.warning("the other directories are not kept for the next start: %s", failure)
