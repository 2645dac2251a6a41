"""Hear what directories announce on the local network."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Protocol

import trio

from shared.announcement import SERVICE, Announcement, is_left_out, read, spoken_on
from shared.interfaces import own_interfaces
from shared.mdns import Stop, beside_trio, opened

if TYPE_CHECKING:
    from zeroconf import Zeroconf
    from zeroconf.asyncio import AsyncServiceInfo

LISTEN_SECONDS: Final = 1.3  # what others were answered is said again after a second (RFC 6762)
ASKED_MOST: Final = 32  # names that are asked for more at once, where not all came together

Hear = Callable[[Announcement], object]


class Announcements(Protocol):
    """The place where a program hears of directories."""

    async def listen(self, hear: Hear) -> None:
        """Tell of each announcement that is heard, for LISTEN_SECONDS.  Raises OSError."""


class MdnsAnnouncements:
    """`Announcements` on the real network."""

    async def listen(self, hear: Hear) -> None:
        hosts = spoken_on(one for one in own_interfaces() if not is_left_out(one))
        if hosts:
            await beside_trio(lambda stop: _listen(hosts, hear, stop))


async def _listen(hosts: Iterable[str], hear: Hear, stop: Stop) -> None:
    from zeroconf import DNSQuestionType  # noqa: PLC0415  # for who looks
    from zeroconf.asyncio import AsyncServiceBrowser  # noqa: PLC0415

    async with opened(list(hosts)) as speaker:
        browsed = _Browsed(hear)
        # An answer to this program only would reach another one that listens on this machine,
        # such as avahi or the directory itself: so it is asked for an answer to all.
        AsyncServiceBrowser(
            speaker.zeroconf, SERVICE, handlers=[browsed.changed],
            question_type=DNSQuestionType.QM,
        )  # fmt: skip
        await stop.after(LISTEN_SECONDS)
        browsed.end()


class _Browsed:
    """Completes what the browser has seen, and tells of it."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._names: set[str] = set()
        self._asking: set[asyncio.Task[None]] = set()

    def changed(
        self, zeroconf: "Zeroconf", service_type: str, name: str, state_change: object
    ) -> None:
        """Hear of one name; the browser says so."""
        from zeroconf import ServiceStateChange  # noqa: PLC0415
        from zeroconf.asyncio import AsyncServiceInfo  # noqa: PLC0415

        if state_change is ServiceStateChange.Removed or name in self._names:
            return
        self._names.add(name)
        service = AsyncServiceInfo(service_type, name)
        if service.load_from_cache(zeroconf):
            self._tell(service)
        elif len(self._asking) < ASKED_MOST:
            task = asyncio.get_running_loop().create_task(self._ask(zeroconf, service))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    def end(self) -> None:
        for task in list(self._asking):
            task.cancel()

    async def _ask(self, zeroconf: "Zeroconf", service: "AsyncServiceInfo") -> None:
        if await service.async_request(zeroconf, LISTEN_SECONDS * 1_000):
            self._tell(service)

    def _tell(self, service: "AsyncServiceInfo") -> None:
        name = service.name.removesuffix(f".{SERVICE}")
        said = read(name, service.parsed_addresses(), service.port, service.properties)
        if said is not None:
            trio.from_thread.run_sync(self._hear, said)
