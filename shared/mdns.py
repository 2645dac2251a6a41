"""Run zeroconf, which speaks mDNS, beside trio: in a thread with a loop of its own.

Only a program that announces or looks imports zeroconf, and not before it does.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

import trio

from shared.interfaces import own_interfaces
from shared.spots import Interface, is_near

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf

CLOSE_SECONDS: Final = 2.0  # for the last words of what is announced
NEVER_LOGGED: Final = logging.CRITICAL + 1  # zeroconf logs, at length, what others send

log = logging.getLogger(__name__)

Work = Callable[["Stop"], Awaitable[None]]


class Stop:
    """A wish of the thread of trio, for which the thread of asyncio can wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._is_wanted = False

    def wish(self) -> None:
        """Ask the work to end; from any thread."""
        with self._lock:
            self._is_wanted = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._event.set)

    async def after(self, seconds: float) -> bool:
        """Wait; return whether the end was asked for meanwhile, at once if so."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        return self._event.is_set()

    async def permits(self, work: Coroutine[Any, Any, None], seconds: float) -> bool:
        """Perform the work, unless the end is asked for first; return whether it was done.

        Raises TimeoutError when it takes longer.
        """
        loop = asyncio.get_running_loop()
        working, waiting = loop.create_task(work), loop.create_task(self._event.wait())
        try:
            done, _ = await asyncio.wait(
                {working, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if working in done:
                await working
                return True
            if waiting in done:
                return False
            raise TimeoutError(f"it took longer than {seconds:.0f} seconds")
        finally:
            for task in (working, waiting):
                task.cancel()
            await asyncio.wait({working, waiting})

    async def attend(self, work: Work) -> None:
        """Perform the work, within the loop that is to be told."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self._is_wanted:
                self._event.set()
        self._loop.set_exception_handler(_note)
        try:
            await work(self)
        finally:
            with self._lock:
                self._loop = None


async def beside_trio(work: Work) -> None:
    """Perform the work in a thread with an asyncio loop of its own, until it ends.

    When this is cancelled, the work is asked to end, and its end is waited for.
    """
    stop = Stop()

    async def ask_for_the_end() -> None:
        try:
            await trio.sleep_forever()
        finally:
            stop.wish()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_for_the_end)
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(lambda: asyncio.run(stop.attend(work)))
        nursery.cancel_scope.cancel()


@contextlib.asynccontextmanager
async def opened(hosts: Sequence[str]) -> AsyncIterator["AsyncZeroconf"]:
    """Speak mDNS from these addresses, within the block, with machines of my own networks only.

    Raises OSError.
    """
    from zeroconf import Error  # noqa: PLC0415  # 60 ms, for who needs it
    from zeroconf.asyncio import AsyncZeroconf  # noqa: PLC0415

    logging.getLogger("zeroconf").setLevel(NEVER_LOGGED)
    try:
        speaker = AsyncZeroconf(interfaces=list(hosts))
        try:
            await speaker.zeroconf.async_wait_for_start()
            interfaces = own_interfaces()
            for reader in speaker.zeroconf.engine.readers:
                transport = reader.transport
                transport.set_protocol(_OfNeighbours(transport.get_protocol(), interfaces))
            yield speaker
        finally:
            async with asyncio.timeout(CLOSE_SECONDS):
                await speaker.async_close()
    except (Error, RuntimeError, TimeoutError) as failure:
        raise OSError(str(failure) or type(failure).__name__) from failure


class _OfNeighbours(asyncio.DatagramProtocol):
    """Hands on what machines of my own networks send.

    Zeroconf answers whoever asks, also from far away, and where an address on a datagram leads:
    so strangers would learn my addresses, and aim longer answers at somebody else.
    """

    def __init__(self, listener: Any, interfaces: Sequence[Interface]) -> None:
        self._listener, self._interfaces = listener, interfaces

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if is_near(addr[0], self._interfaces):
            self._listener.datagram_received(data, addr)

    def error_received(self, exc: Exception) -> None:
        self._listener.error_received(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connection_lost(exc)


def _note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Note what went wrong inside of zeroconf, which others can cause, on one line."""
    log.info("mDNS: %s", context.get("exception") or context.get("message"))
