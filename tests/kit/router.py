"""A router in memory that maps ports: PCP, NAT-PMP, or neither."""

import struct
from ipaddress import IPv4Address
from typing import Final

import trio

from peer.core.mapping.router_messages import ROUTER_PORT
from shared.world import Address
from tests.kit.community import Community, Person
from tests.kit.router_answers import UNKNOWN_VERSION, V4
from tests.kit.world import Hub, MemoryNetwork

INNER, OUTER = "192.168.1.1", "8.8.8.8"  # its two addresses
GRANTED: Final = 40_200  # to who asks for a port that is taken


class Router:
    """`serve` is to be a task.  `mapped` holds what leads where."""

    def __init__(self, hub: Hub, host: str, outer: str = OUTER) -> None:
        self._network, self._hub, self.outer = MemoryNetwork(hub, host), hub, outer
        self.speaks_pcp = self.speaks_nat_pmp = True
        self.taken: set[int] = set()  #: outer ports of somebody else
        self.mapped: dict[int, Address] = {}  #: by outer port
        self.asked: list[tuple[float, bytes]] = []

    def takes_in(self, host: str) -> None:
        """Let this host live behind it: others see the router's address, and dial in vain."""
        self._hub.gateways[host], self._hub.translated[host] = self._network.host, self.outer
        self._hub.swallowing.add(self.outer)

    def forgets(self) -> None:
        """Be as after a restart."""
        self.mapped.clear()
        self._hub.forwards.clear()

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        port = await self._network.bind("", ROUTER_PORT)
        task_status.started()
        while True:
            datagram, sender = await port.receive()
            self.asked.append((trio.current_time(), datagram))
            answer = self._answer(datagram, sender)
            if answer:
                await port.send(answer, sender)

    def _answer(self, datagram: bytes, sender: Address) -> bytes:
        match datagram[0], datagram[1]:
            case 2, 1 if self.speaks_pcp:
                lifetime = int.from_bytes(datagram[4:8], "big")
                nonce, (inner, wanted) = datagram[24:36], struct.unpack_from("!HH", datagram, 40)
                outer = self._map(Address(sender.host, inner), wanted, lifetime)
                host = V4 + IPv4Address(self.outer).packed
                head = bytes([2, 0x81, 0, 0]) + lifetime.to_bytes(4, "big") + bytes(16)
                return head + nonce + struct.pack("!B3xHH", 6, inner, outer) + host
            case 2, _ if self.speaks_nat_pmp:
                return UNKNOWN_VERSION
            case 0, 0 if self.speaks_nat_pmp:
                return bytes.fromhex("00 80 0000 00000001") + IPv4Address(self.outer).packed
            case 0, 2 if self.speaks_nat_pmp:
                inner, wanted, lifetime = struct.unpack_from("!HHI", datagram, 4)
                outer = self._map(Address(sender.host, inner), wanted, lifetime)
                head = bytes.fromhex("00 82 0000 00000001")
                return head + struct.pack("!HHI", inner, outer, lifetime)
        return b""

    def _map(self, inner: Address, wanted: int, lifetime: int) -> int:
        before = {outer for outer, to in self.mapped.items() if to == inner}
        for outer in before:
            del self.mapped[outer], self._hub.forwards[Address(self.outer, outer)]
        if not lifetime:
            return 0
        outer = GRANTED if wanted in self.taken else wanted
        self.mapped[outer] = self._hub.forwards[Address(self.outer, outer)] = inner
        return outer


async def behind(community: Community, name: str) -> tuple[Person, Router]:
    """Return somebody who lives behind a router, and the router."""
    person, router = community.person(name), Router(community.hub, INNER)
    router.takes_in(person.host)
    await community.nursery.start(router.serve)
    return person, router


async def is_mapped(router: Router) -> int:
    """Wait until the router has given a port, and the directory knows; return it."""
    await trio.sleep(5)  # under the clock of a community
    (port,) = router.mapped
    return port
