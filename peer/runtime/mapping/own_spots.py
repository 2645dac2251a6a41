"""Tell the directory where I may be reached, and again when that changes."""

from typing import Final

from peer.core.myself import Registration
from peer.core.reach.spots import own_spots
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.mapping.port_mapper import InnerPlace, PortMapper
from shared.messages.directory import SetSpots, Welcome
from shared.messages.spots import SPOTS, Spot, SpotKind
from shared.spots import ip_of
from shared.world import Network

ANYWHERE: Final = ""  # the host of a mapped port: the directory knows the router's better


class OwnSpots:
    """My spots.  A router that translates my address is asked for a port of its own."""

    def __init__(
        self, network: Network, registration: Registration, directory: DirectoryClient,
    ) -> None:  # fmt: skip
        self._network, self._registration, self._directory = network, registration, directory
        self._mapped = 0  # the port of the router that leads to mine; 0: none

    def spots(self) -> tuple[Spot, ...]:
        """Return where I may be reached, as far as this machine and its router know."""
        network, port = self._network, self._mapped
        mapped = (Spot(ANYWHERE, port, SpotKind.MAPPED),) if port else ()
        return (*mapped, *own_spots(network.interfaces(), network.listens_on))[:SPOTS]

    def mapped(self, port: int) -> None:
        if port != self._mapped:
            self._mapped = port
            self._directory.tell(SetSpots(0, self.spots()))

    def place(self, welcome: Welcome) -> InnerPlace | None:
        """Return where I am behind a router that translates my address; None if none does."""
        link = self._directory.link
        if link is None or self._registration.host:
            return None  # others are told what --advertise says
        own = link.wire.local.host
        mine, seen = ip_of(own), ip_of(welcome.host)
        if mine is None or seen is None or mine.version != 4 or seen.version != 4:
            return None
        return InnerPlace(str(mine), self._network.listens_on[0].port) if seen != mine else None


class Mapping:
    """The mapping of my port, if my user allows one."""

    def __init__(self, spots: OwnSpots, mapper: PortMapper | None) -> None:
        self._spots, self._mapper = spots, mapper

    def registered(self, welcome: Welcome) -> None:
        """Note at which address the directory sees me now."""
        if self._mapper is not None:
            self._mapper.look(self._spots.place(welcome))
