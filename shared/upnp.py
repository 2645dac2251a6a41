"""Ask a router for a port by UPnP, with the library miniupnpc, if it is installed.

The library is trusted with nothing of ours: it runs in `shared.upnp_helper`, a program of its own.
"""

import importlib.util
import logging
import subprocess  # nosec B404  # a program of our own, with numbers and an address of ours
import sys
from contextlib import suppress
from typing import Final

import trio

from shared import upnp_helper
from shared.clean import on_one_line
from shared.world import UpnpGrant

LINE_BYTES: Final = 256  # the most that is read of what the helper says
WAIT_SECONDS: Final = upnp_helper.LIFE_SECONDS + 1.0

log = logging.getLogger(__name__)


def is_installed() -> bool:
    return importlib.util.find_spec("miniupnpc") is not None


class Upnp:
    """`shared.world.UpnpRouter` on the real network, from one address of this machine."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._has_given = False

    async def map(self, port: int, wanted: int, lifetime: int) -> UpnpGrant | None:
        grant = _granted(await self._ask("map", port, wanted, lifetime), wanted)
        self._has_given |= grant is not None
        return grant

    async def give_back(self, port: int) -> None:
        if self._has_given:
            await self._ask("delete", port)

    async def _ask(self, word: str, *numbers: int) -> str:
        """Return what the helper says; nothing if it is ended by what answers it.

        When cancelled, the helper takes a mapping back by itself, or ends the deletion.
        """
        command = [sys.executable, "-P", upnp_helper.__file__, word, self._host]
        try:
            helper = await trio.lowlevel.open_process(
                [*command, *map(str, numbers)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl+C is for us
            )  # fmt: skip
        except OSError as error:
            log.info("UPnP: no helper can be started: %s", error)
            return ""
        assert helper.stdin is not None
        assert helper.stdout is not None
        try:
            with trio.CancelScope(shield=True):
                await helper.wait()  # it lives on as nobody's child, and for a bounded time
            with trio.move_on_after(WAIT_SECONDS):
                return await _heard(helper.stdin, helper.stdout)
            return ""
        finally:
            with trio.CancelScope(shield=True):  # or a mapping would be kept, and not known
                await helper.stdin.aclose()
                await helper.stdout.aclose()


async def _heard(keep: trio.abc.SendStream, lines: trio.abc.ReceiveStream) -> str:
    """Return the line that a helper says, and tell it so; nothing if it says none."""
    said = b""
    while b"\n" not in said and len(said) < LINE_BYTES:
        more = await lines.receive_some(LINE_BYTES)
        if not more:
            log.info("UPnP: what answered has ended the helper")
            return ""
        said += more
    with suppress(trio.BrokenResourceError):
        await keep.send_all(upnp_helper.KEEP)
    line = on_one_line(said[:LINE_BYTES].decode(errors="replace").partition("\n")[0])
    log.info("UPnP: %s", line)
    return line


def _granted(said: str, wanted: int) -> UpnpGrant | None:
    match said.split():
        case ["mapped", port, *outer]:
            asked = {str(one): one for one in range(wanted, wanted + upnp_helper.PORT_TRIES)}
            return UpnpGrant(asked[port], "".join(outer)) if port in asked else None
        case _:
            return None
