"""Ask a router for a port by UPnP, with the library miniupnpc, if it is installed.

The library waits while it speaks, so it runs in threads; only who asks loads it.
"""

import importlib.util
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    import miniupnpc

from shared.world import UpnpGrant

DISCOVER_MILLISECONDS: Final = 500
PORT_TRIES: Final = 3  # the wanted port, and the next ones, until one is free
LABEL: Final = "Parley"  # what the router shows its owner
PORTS_END: Final = 65_536

log = logging.getLogger(__name__)


def is_installed() -> bool:
    return importlib.util.find_spec("miniupnpc") is not None


class Upnp:
    """`shared.world.UpnpRouter` on the real network, from one address of this machine."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._router: miniupnpc.UPnP | None = None  # that gave what I have

    async def map(self, port: int, wanted: int, lifetime: int) -> UpnpGrant | None:
        is_unwanted = threading.Event()
        try:
            return await trio.to_thread.run_sync(
                self._map, port, wanted, lifetime, is_unwanted, abandon_on_cancel=True
            )
        finally:
            is_unwanted.set()

    async def give_back(self, port: int) -> None:
        router = self._router
        if router is not None:
            await trio.to_thread.run_sync(_delete, router, port, abandon_on_cancel=True)

    def _map(
        self, port: int, wanted: int, lifetime: int, is_unwanted: threading.Event
    ) -> UpnpGrant | None:
        """Perform `map` in a thread."""
        router = _found(self._host)
        if router is None:
            return None
        for external in range(wanted, min(wanted + PORT_TRIES, PORTS_END)):
            if is_unwanted.is_set():
                return None
            try:
                router.addportmapping(external, "TCP", self._host, port, LABEL, "", lifetime)
            except Exception as failure:  # the library raises no other kind
                log.info("UPnP: port %d was not mapped: %s", external, failure)
                continue
            if is_unwanted.is_set():
                _delete(router, external)
                return None
            self._router = router
            return UpnpGrant(external, _outer(router))
        return None


def _found(host: str) -> "miniupnpc.UPnP | None":
    """Return the router of this address's network that speaks UPnP, if one does."""
    import miniupnpc  # noqa: PLC0415  # an extra, for who asks

    router = miniupnpc.UPnP(multicastif=host, discoverdelay=DISCOVER_MILLISECONDS)
    try:
        router.discover()
        router.selectigd()
    except Exception as failure:  # it raises one when there is none
        log.info("UPnP: no router answers: %s", failure)
        return None
    return router


def _outer(router: "miniupnpc.UPnP") -> str:
    with suppress(Exception):
        return str(router.externalipaddress())
    return ""


def _delete(router: "miniupnpc.UPnP", port: int) -> None:
    with suppress(Exception):  # it ends by itself, within an hour
        router.deleteportmapping(port, "TCP")
