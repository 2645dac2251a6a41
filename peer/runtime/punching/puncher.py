"""Open a way to a user from both sides: both dial at the moment that the directory names.

Which addresses are dialled is decided by `peer.core.reach.spots`.
"""

from collections.abc import Callable
from typing import Final

import trio

from peer.core.reach.dial_policy import DialPolicy
from peer.core.reach.ladder import COME_SECONDS, MEET_SECONDS
from peer.core.reach.link_way import LinkWay
from peer.core.reach.spots import spots_to_punch
from peer.runtime.directory.certificates import Certificates
from peer.runtime.directory.directory_client import DirectoryClient, DirectoryGone
from peer.runtime.link.dialler import Attempt, Judge
from shared.errors import ParleyError, Unreachable
from shared.link import Link, within
from shared.messages.common import Message
from shared.messages.directory import FromDirectory, Who
from shared.messages.punching import Go, Here, Punch, Punching
from shared.messages.spots import Spot
from shared.names import fold
from shared.world import Address, Network, PunchPort, Wire

NOT_SAID: Final = "the other one did not come"

Met = Callable[[tuple[Spot, ...]], None]  # is told where the other one dials from


class CameAlone(Unreachable):
    """The other one has told the directory nothing."""


class Puncher:
    def __init__(
        self, network: Network, directory: DirectoryClient, certificates: Certificates
    ) -> None:
        self._network, self._directory, self._certificates = network, directory, certificates
        self._policy = DialPolicy()

    @property
    def is_possible(self) -> bool:
        """Whether the directory is there, and knows how users meet."""
        return self._directory.is_there and self._directory.knows_punch

    async def wait_back(self) -> None:
        """Return when the directory is there again, after it was lost."""
        await self._directory.wait_gone()
        await self._directory.wait_back()

    async def call(self, name: str, judge: Judge, met: Met) -> tuple[Wire, Attempt]:
        """Return a wire to this user that `judge` accepts, and its attempt.

        Raises CameAlone, Unreachable, or Refused when the directory says no.
        """
        said = await self._directory.ask(lambda id: Punch(id, name), Punching)
        is_first = fold(said.first) != fold(name)
        never = trio.Event()  # whoever calls us is cancelled, if need be
        return await self.meet(said.token, judge, met, is_first=is_first, may_stop=never)

    async def meet(
        self, token: bytes, judge: Judge, met: Met | None = None, *,
        is_first: bool, may_stop: trio.Event,
    ) -> tuple[Wire, Attempt]:  # fmt: skip
        """The same for a call of theirs, or ours, that has this token.

        `may_stop` is set when they link with us by another way.
        """
        try:
            with trio.fail_after(MEET_SECONDS):
                return await _Meeting(
                    self._network, self._certificates, self._policy, judge, met,
                    token=token, is_first=is_first,
                ).take_place(self._where(), may_stop)  # fmt: skip
        except trio.TooSlowError:
            raise Unreachable("nothing came through from either side") from None

    def _where(self) -> Address:
        link = self._directory.link
        if link is None:
            raise DirectoryGone("the directory cannot be reached at this moment")
        return link.wire.remote


class _Meeting:
    """One meeting, over a connection of its own to the directory."""

    def __init__(
        self, network: Network, certificates: Certificates, policy: DialPolicy, judge: Judge,
        met: Met | None, *, token: bytes, is_first: bool,
    ) -> None:  # fmt: skip
        self._network, self._certificates = network, certificates
        self._judge, self._met = judge, met
        self._token, self._is_first = token, is_first
        self._attempt = Attempt(policy)
        self._attempt.way, self._attempt.they_greet = LinkWay.PUNCHED, not is_first
        self._over = trio.Event()
        self._wire: Wire | None = None
        self._failure: ParleyError = Unreachable("the directory hung up")

    async def take_place(self, directory: Address, may_stop: trio.Event) -> tuple[Wire, Attempt]:
        is_won = False
        try:
            wire = await self._open_way(directory, may_stop)
            self._judge(wire)
            is_won = True
        finally:
            if not is_won:
                self._attempt.failed()
                if self._wire is not None:
                    self._wire.abort()
        return wire, self._attempt

    async def _open_way(self, directory: Address, may_stop: trio.Event) -> Wire:
        began = trio.current_time()
        with within(COME_SECONDS, "the directory did not answer"):
            port = await self._network.punch_port(directory)
        link: Link[Message] = Link(port.directory, FromDirectory)
        deadline = began + COME_SECONDS

        async def serve() -> None:
            try:
                spots = await self._come(link, directory, deadline)
                if self._met is not None:
                    self._met(spots)
                self._wire = await self._punch(port, spots)
            except ParleyError as failure:
                self._failure = failure
            finally:
                self._over.set()

        async def run() -> None:
            await link.run(serve)
            self._over.set()

        async def stop() -> None:
            await may_stop.wait()
            self._failure = Unreachable("they have linked with us by another way")
            self._over.set()

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run)
                nursery.start_soon(stop)
                await self._over.wait()
                nursery.cancel_scope.cancel()
        finally:
            port.close()
        if self._wire is None:
            raise self._failure
        return self._wire

    async def _come(
        self, link: Link[Message], directory: Address, deadline: float
    ) -> tuple[Spot, ...]:
        """Tell the directory that we are there; return where the other one is, once they are."""
        try:
            with trio.fail_at(deadline):
                who = await link.expect(Who)
                self._certificates.recognise(link.wire.certificate, who.authority, directory)
                link.post(Here(self._token, link.wire.local.port))
                go = await link.expect(Go)
        except trio.TooSlowError:
            raise CameAlone(NOT_SAID) from None
        interfaces = self._network.interfaces()
        spots = spots_to_punch(go.spots, directory.host, interfaces)
        if go.token != self._token or not spots:
            raise Unreachable("the directory names no address that may be dialled")
        return spots

    async def _punch(self, port: PunchPort, spots: tuple[Spot, ...]) -> Wire:
        places = [Address(spot.host, spot.port) for spot in spots]
        for place in places:
            await self._attempt.begin(place, is_seen=True, is_knock=True)
        wire = await port.punch(places, self._token, is_first=self._is_first)
        self._attempt.keep(wire.remote)
        return wire
