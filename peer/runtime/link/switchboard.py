"""All links of one peer, of each kind, and the one place where others reach it."""

from typing import Final

import trio

from peer.core.keys.key_alarms import KeyAlarms
from peer.core.myself import Myself
from peer.runtime.directory.lookup import Lookup
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.carrier import Carrier
from peer.runtime.link.dials import Dials
from peer.runtime.link.handshake import Handshake
from peer.runtime.link.knocker import Knocker
from peer.runtime.link.links import Links
from peer.runtime.link.listener import LinkListener
from peer.runtime.link.locator import Locator
from peer.runtime.link.pending_dials import PendingDials
from peer.runtime.link.reacher import Reacher
from peer.runtime.link.reception import Reception
from peer.runtime.link.tables import LinkTables
from peer.runtime.punching.puncher import Puncher
from peer.runtime.tasks import Tasks
from shared.messages.peers import LinkKind
from shared.world import World

SWEEP_SECONDS: Final = 5.0


class Switchboard:
    """The kinds of links that this peer has; each has a listener, and is dialled by itself."""

    def __init__(
        self, world: World, known_keys: KnownKeys, myself: Myself, tasks: Tasks, lookup: Lookup,
        alarms: KeyAlarms, knocker: Knocker, puncher: Puncher, *, run: str,
    ) -> None:  # fmt: skip
        """`run` is new at each start of a program."""
        self._tasks, self._bugs = tasks, world.bugs
        self._tables = LinkTables(known_keys)
        self._locator = Locator(lookup, known_keys, self._tables)
        self._handshake = Handshake(
            known_keys, myself, self._locator, self._tables, alarms, world.clock, run=run
        )
        self._reacher = Reacher(world.network, self._handshake, knocker, puncher)
        #: answers those who dial us
        self.reception = Reception(self._handshake, world.bugs)

    def open(self, kind: LinkKind, listener: LinkListener) -> Links:
        """Return the links of this kind; from now on others may dial them too."""
        table, pending = self._tables.add(kind, listener), PendingDials()
        carrier = Carrier(table, pending, listener)
        self.reception.add(kind, carrier)
        dials = Dials(
            kind, table, pending, carrier, listener, locator=self._locator,
            reacher=self._reacher, handshake=self._handshake, tasks=self._tasks, bugs=self._bugs,
        )  # fmt: skip
        return Links(table, dials, self._locator)

    async def sweep(self) -> None:
        """Close links that nobody needs, and losers that nobody has closed; until cancelled."""
        while True:
            await trio.sleep(SWEEP_SECONDS)
            self._tables.sweep()

    def hang_up_all(self) -> None:
        self._tables.hang_up_all()

    async def wait_none(self) -> None:
        """Return when the last link is closed by the other side."""
        await self._tables.wait_none()
