"""Answer those who dial us, and serve the links that come of it."""

import logging
from typing import Final

import trio

from peer.runtime.link.carrier import Carrier
from peer.runtime.link.dials import new_link
from peer.runtime.link.handshake import Handshake
from shared.border import Bugs, border
from shared.errors import ParleyError
from shared.link import HANDSHAKE_SECONDS, within
from shared.messages.peers import LinkKind
from shared.strangers import Stranger, Strangers
from shared.world import Incoming

STRANGERS_AT_ONCE: Final = 64  # in all: links that are not identified yet
STRANGERS_PER_ADDRESS: Final = 52  # a group of 50 behind one router dials at once

log = logging.getLogger("peer")


class Reception:
    def __init__(self, handshake: Handshake, bugs: Bugs) -> None:
        self._handshake, self._bugs = handshake, bugs
        self._carriers: dict[LinkKind, Carrier] = {}
        self._is_open = trio.Event()
        self._strangers = Strangers(STRANGERS_AT_ONCE, STRANGERS_PER_ADDRESS)

    def add(self, kind: LinkKind, carrier: Carrier) -> None:
        """Hand links of this kind to this carrier."""
        self._carriers[kind] = carrier

    def open(self) -> None:
        """Answer dials from now on; until then they wait."""
        self._is_open.set()

    def is_dialled_from(self, host: str) -> bool:
        """Whether somebody at this address is on the way in, and has not said who they are."""
        return self._strangers.has(host)

    async def answer(self, incoming: Incoming) -> None:
        """Serve somebody who dialled us."""
        with border(f"link from {incoming.remote}", self._bugs):
            await self._answer(incoming)

    async def _answer(self, incoming: Incoming) -> None:
        """Serve a link; a fault border: what a remote machine can cause ends here, in one line."""
        stranger = self._strangers.enter(incoming.remote.host, incoming.abort)
        try:
            await self._serve(incoming, stranger)
        except (ParleyError, OSError, trio.ClosedResourceError) as fault:
            log.info("link from %s: %s", incoming.remote, fault)
        finally:
            self._strangers.leave(stranger)

    async def _serve(self, incoming: Incoming, stranger: Stranger) -> None:
        with within(HANDSHAKE_SECONDS, "no handshake"):
            await self._is_open.wait()
            wire = await incoming.secure()

        def identified() -> None:
            self._strangers.leave(stranger)

        async def serve() -> None:
            with within(HANDSHAKE_SECONDS, "it did not say who it is"):
                entry = await self._handshake.answer(link)
            await self._carriers[entry.kind].carry(entry, identified, by_me=False)

        link = new_link(wire)
        await link.run(serve)
        if link.failure is not None:
            log.info("link from %s: %s", incoming.remote, link.failure)
