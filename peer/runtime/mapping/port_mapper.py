"""Keep a port of the router that leads to mine, while a router translates my address."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Protocol

import trio
from msgspec import Struct

from peer.core.mapping.actions import Action, AskUpnp, Mapped, NotMapped, ReturnUpnp, Send
from peer.core.mapping.port_mapping import PortMapping
from peer.core.mapping.router_messages import NONCE_BYTES, ROUTER_PORT
from shared.world import Address, Datagrams, UpnpGrant, UpnpRouter, World

FAREWELL_SECONDS: Final = 0.5  # to give the port back


class InnerPlace(Struct, frozen=True):
    """My address and port on my side of the router."""

    host: str
    port: int


class MappingNews(Protocol):
    """A part that hears of the port that leads to mine."""

    def mapped(self, port: int) -> None:
        """Note that this port of the router leads to mine; 0: none does."""


class PortMapper:
    """Asks the router for a port; `run` is to be a task for the whole life of a peer."""

    def __init__(self, world: World, news: MappingNews) -> None:
        self._network, self._chance, self._news = world.network, world.chance, news
        self._place: InnerPlace | None = None
        self._changed, self._known = trio.Event(), trio.Event()
        self._is_doubtful = False  # whether the router may have forgotten my port
        self._router: _Router | None = None  # while it is asked
        self.state: Action | None = None  #: the last Mapped or NotMapped at this place
        self.router = ""  #: the address of the router that was asked

    def look(self, place: InnerPlace | None) -> None:
        """Note where I am, seen from the router; None: nothing translates my address.

        A new place ends what was asked for at the old one.  At the same place as before, my
        port is asked for again: the directory was lost, perhaps since the router started again.
        """
        if place != self._place:
            self._place = place
            self._changed.set()
            before, self._known = self._known, trio.Event()
            before.set()  # whoever waits goes on to wait for what the new place gives
        elif self._router is not None:
            self._is_doubtful = True
            self._router.wake()

    @property
    def is_asked(self) -> bool:
        """Whether the router is asked for a port, as it translates my address."""
        return self._place is not None

    async def wait_known(self) -> None:
        """Return when it is known whether the router that is asked gives a port."""
        while not self._known.is_set():
            await self._known.wait()

    async def run(self) -> None:
        """Ask for a port, keep it, and give it back, until cancelled."""
        while True:
            self._changed = trio.Event()
            if self._place is not None:
                await self._keep_while_there(self._place)
            await self._changed.wait()

    async def _keep_while_there(self, place: InnerPlace) -> None:
        """Keep a port until the place changes."""
        gateway, upnp = self._network.gateway(), self._network.upnp(place.host)
        self.router, self.state = gateway or "", None
        if gateway is None and upnp is None:
            self._known.set()
            return
        try:
            port = await self._network.bind(place.host, 0)
        except OSError:
            self._known.set()
            return  # the address has just gone; the directory will see another one
        nonce = self._chance.randbytes(NONCE_BYTES)
        jitter = self._chance.uniform(0.9, 1.1)
        has_upnp = upnp is not None
        mapping = PortMapping(place.port, place.host, nonce, jitter, has_upnp=has_upnp)
        router = self._router = _Router(port, gateway, upnp)
        self._is_doubtful = False
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep, mapping, router, nursery)
                await self._changed.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._router = None
            self._news.mapped(0)
            with trio.move_on_after(FAREWELL_SECONDS) as last:
                last.shield = True
                await router.send(mapping.end())
            port.close()

    async def _keep(self, mapping: PortMapping, router: "_Router", nursery: trio.Nursery) -> None:
        async def ask_upnp(wanted: int, lifetime: int) -> None:
            grant = await router.map(mapping.port, wanted, lifetime)
            now = trio.current_time()
            answer = (
                mapping.upnp_failed(now) if grant is None else mapping.upnp_granted(*grant, now)
            )
            await perform(answer)
            router.wake()

        async def perform(actions: list[Action]) -> None:
            await self._perform(actions, router)
            for action in actions:
                if isinstance(action, AskUpnp):
                    nursery.start_soon(ask_upnp, action.wanted, action.lifetime)

        await perform(mapping.begin(trio.current_time()))
        while True:
            datagram = None if self._is_doubtful else await router.receive(mapping.deadline)
            now = trio.current_time()
            if datagram is not None:
                await perform(mapping.heard(datagram, now))
            elif self._is_doubtful:
                self._is_doubtful = False
                await perform(mapping.doubt(now))
            elif now >= mapping.deadline:
                await perform(mapping.due(now))

    async def _perform(self, actions: list[Action], router: "_Router") -> None:
        await router.send(actions)
        for action in actions:
            match action:
                case Mapped(port):
                    self._learn(action)
                    self._news.mapped(port)
                case NotMapped():
                    self._learn(action)
                    self._news.mapped(0)

    def _learn(self, state: Mapped | NotMapped) -> None:
        self.state = state
        self._known.set()


class _Router:
    """The router, at the other end of a port for datagrams, or as UPnP finds it."""

    def __init__(self, port: Datagrams, gateway: str | None, upnp: UpnpRouter | None) -> None:
        self._port, self._upnp = port, upnp
        self._address = None if gateway is None else Address(gateway, ROUTER_PORT)
        self._waiting = trio.CancelScope()

    async def send(self, actions: Iterable[Action]) -> None:
        """Send what is to be sent; what cannot be sent now counts as lost."""
        for action in actions:
            match action:
                case Send(datagram) if self._address is not None:
                    with suppress(OSError):
                        await self._port.send(datagram, self._address)
                case ReturnUpnp(port) if self._upnp is not None:
                    await self._upnp.give_back(port)

    async def map(self, port: int, wanted: int, lifetime: int) -> UpnpGrant | None:
        """Ask for a port by UPnP."""
        return None if self._upnp is None else await self._upnp.map(port, wanted, lifetime)

    async def receive(self, deadline: float) -> bytes | None:
        """Return what the router says next; None at the deadline, or when woken."""
        self._waiting = trio.CancelScope(deadline=deadline)
        with self._waiting:
            while True:
                datagram, sender = await self._port.receive()
                if sender == self._address:
                    return datagram
        return None

    def wake(self) -> None:
        """Let `receive` end, as its deadline may have changed."""
        self._waiting.cancel()
