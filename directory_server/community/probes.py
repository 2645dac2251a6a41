"""Help users to find out how they can be reached: dial their port, and tell them their ports.

Nothing is dialled but the address at which the directory sees the connection that asks, with
the port that its user registered.
"""

import logging
from collections.abc import Sequence
from typing import Final

import trio

from directory_server.community.backlogs import UserLink
from directory_server.core.probes.cookies import Cookies
from directory_server.core.probes.port_tests import PortTests, met, not_met
from directory_server.core.registry import User
from shared.border import border
from shared.errors import Refused, Unreachable
from shared.link import REMOTE_FAULTS
from shared.messages.probes import Outcome, PortTested
from shared.spots import ip_of
from shared.world import Address, Datagrams, World

DIAL_SECONDS: Final = 3.0
SECRET_BYTES: Final = 32
ANYWHERE: Final = "0.0.0.0"  # nosec B104  # as the directory itself, which listens everywhere
PAUSE_SECONDS: Final = 1.0  # after an error of a port, which may be of its last answer

log = logging.getLogger(__name__)


class Probes:
    """`run` is to be a task while the directory serves."""

    def __init__(self, world: World, authority: bytes) -> None:
        self._world, self._authority = world, authority
        self._tests = PortTests()
        self._cookies = Cookies(world.chance.randbytes(SECRET_BYTES), trio.current_time())
        self._nursery: trio.Nursery | None = None
        self.ports: tuple[int, ...] = ()  #: two for datagrams, or none

    async def run(
        self, host: str | None, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Open the ports at this host, and serve, until cancelled."""
        opened = await self._open(host)
        try:
            self.ports = tuple(one.local.port for one in opened)
            async with trio.open_nursery() as self._nursery:
                for one in opened:
                    self._nursery.start_soon(self._answer, one)
                task_status.started()
                await trio.sleep_forever()
        finally:
            for one in opened:
                one.close()

    def cookie(self, host: str) -> bytes:
        """Return what a user whom we see at this host shows at the ports; nothing without ports."""
        return self._cookies.of(host) if self.ports else b""

    # --- The port of a user ---

    def test(self, user: User, link: UserLink, re: int) -> None:
        """Dial the user's port, and tell them over their link.  Raises Refused."""
        here, port = link.wire.remote.host, user.place.port
        if not port or self._nursery is None:
            raise Refused("you have registered no port that could be tested")
        self._tests.begin(user.name, here, trio.current_time())
        self._nursery.start_soon(self._test, user.key, Address(here, port), link, re)

    async def _test(self, key: bytes, where: Address, link: UserLink, re: int) -> None:
        begun = trio.current_time()
        outcome = Outcome.SILENT
        try:
            with border(f"test of {where}", self._world.bugs), trio.move_on_after(DIAL_SECONDS):
                outcome = await self._dial(key, where)
        finally:
            self._tests.end()
        milliseconds = round(1000 * (trio.current_time() - begun))
        link.post(PortTested(re, outcome, milliseconds))

    async def _dial(self, key: bytes, where: Address) -> Outcome:
        try:
            wire = await self._world.network.dial([where], anonymous=True)
        except Unreachable as failure:
            return not_met(failure)
        try:
            return met(wire.certificate, self._authority, key)
        finally:
            await wire.aclose()

    # --- Probe ports ---

    async def _open(self, host: str | None) -> Sequence[Datagrams]:
        """Open two ports; none if that is impossible, or if the host has only IPv6."""
        there = ip_of(host or ANYWHERE)
        if there is None or there.version != 4:
            return ()
        opened: list[Datagrams] = []
        try:
            for _ in range(2):
                opened.append(await self._world.network.bind(str(there), 0))
        except OSError as error:
            log.info("no ports to probe: %s", error)
            for one in opened:
                one.close()
            return ()
        return opened

    async def _answer(self, port: Datagrams) -> None:
        while True:
            try:
                datagram, sender = await port.receive()
                said = self._cookies.answer(datagram, *sender, trio.current_time())
                if said is not None:
                    await port.send(said, sender)
            except REMOTE_FAULTS as error:
                log.info("a datagram to %s was not answered: %s", port.local, error)
                await trio.sleep(PAUSE_SECONDS)
