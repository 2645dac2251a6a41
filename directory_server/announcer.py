"""Announce the directory on the local network, by mDNS, as long as it runs."""

import logging
import platform
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import trio
from msgspec import Struct

from shared.announced_name import clean_name
from shared.announcement import SERVICE, TTL, announced, spoken_on, texts
from shared.interfaces import own_interfaces
from shared.mdns import Stop, beside_trio, opened
from shared.spots import Interface
from shared.wording import system_reason

if TYPE_CHECKING:
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

LOOK_SECONDS: Final = 30.0  # between two looks at our own addresses
REGISTER_SECONDS: Final = 10.0  # until a name is found that nobody else has

log = logging.getLogger(__name__)


class Announced(Struct, frozen=True):
    """The words of a directory about itself."""

    name: str
    key: str  #: the fingerprint of the community
    listens_on: Sequence[str]  #: numeric hosts
    port: int
    mark: str  #: for the name of the host, so that no two directories share one


class AnnouncedNews(Protocol):
    """A part that hears under which name a directory is announced."""

    def announced(self, name: str) -> None: ...


def usual_name() -> str:
    """Return the name of this machine, without its domain, as the name of a directory."""
    return clean_name(platform.node().partition(".")[0])


class Announcer:
    """`run` is to be a task for the life of a directory."""

    def __init__(
        self, what: Announced, needs_token: Callable[[], bool], news: AnnouncedNews
    ) -> None:
        self._what, self._needs_token, self._news = what, needs_token, news
        self._told = ""  # the name that was told last
        self._is_failing = False

    def addresses(self) -> tuple[Interface, ...]:
        """Return the addresses that are announced just now."""
        return announced(self._what.listens_on, own_interfaces())

    async def run(self) -> None:
        """Announce until cancelled, then take it back.  A failure is logged, and tried again."""
        await beside_trio(self._announce)

    async def _announce(self, stop: Stop) -> None:
        while not await stop.after(0):
            addresses, needs_token = self.addresses(), self._needs_token()
            if not addresses:
                await stop.after(LOOK_SECONDS)
                continue
            try:
                await self._announce_at(addresses, needs_token, stop)
            except OSError as error:
                if not self._is_failing:
                    log.warning("not announced on this network: %s", system_reason(error))
                self._is_failing = True
                await stop.after(LOOK_SECONDS)

    async def _announce_at(
        self, addresses: tuple[Interface, ...], needs_token: bool, stop: Stop
    ) -> None:
        """Announce these addresses until they change, or the end.  Raises OSError."""
        from zeroconf import ServiceInfo  # noqa: PLC0415  # for who announces

        what = self._what
        async with opened(spoken_on(addresses)) as speaker:
            service = ServiceInfo(
                SERVICE,
                f"{what.name}.{SERVICE}",
                port=what.port,
                properties=texts(what.key, needs_token=needs_token),
                server=f"parley-{what.key.replace(' ', '')[:8]}-{what.mark}.local.",
                parsed_addresses=[one.host for one in addresses],
                host_ttl=TTL,
                other_ttl=TTL,
            )
            if not await stop.permits(self._register(speaker, service), REGISTER_SECONDS):
                return
            self._is_failing = False
            while not await stop.after(LOOK_SECONDS):
                if (self.addresses(), self._needs_token()) != (addresses, needs_token):
                    return

    async def _register(self, speaker: "AsyncZeroconf", service: "ServiceInfo") -> None:
        """Take the name, or another one if somebody has it, and send it three times."""
        sent = await speaker.async_register_service(service, allow_name_change=True)
        self._tell(service.name.removesuffix(f".{SERVICE}"))
        await sent

    def _tell(self, name: str) -> None:
        if name != self._told:
            self._told = name
            trio.from_thread.run_sync(self._news.announced, name)
