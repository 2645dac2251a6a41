"""Carry a link to an identified peer, from its entry into the table to its end."""

import logging
from collections.abc import Callable
from typing import Final

import trio

from peer.runtime.link.listener import LinkListener
from peer.runtime.link.pending_dials import PendingDials
from peer.runtime.link.table import LinkTable, OpenLink
from shared.messages.common import Err

PAUSE_SECONDS: Final = 1.0  # between two looks whether a fast sender must still wait

log = logging.getLogger("peer")


class Carrier:
    def __init__(self, table: LinkTable, pending: PendingDials, listener: LinkListener) -> None:
        self._table, self._pending, self._listener = table, pending, listener

    async def carry(self, entry: OpenLink, identified: Callable[[], None], *, by_me: bool) -> None:
        """Hand all that comes to the listener.  `by_me`: whether I have dialled it."""
        entry.link.identified()
        try:
            self._table.enter(entry, by_me=by_me)
            self._pending.note_link(entry.name)
            identified()
            await self._receive(entry)
        finally:
            self._leave(entry)

    async def _receive(self, entry: OpenLink) -> None:
        while batch := await entry.link.receive():
            entry.used = trio.current_time()
            for message in batch:
                if entry.is_closed:
                    pass  # it could not be answered here: they repeat it on a new link
                elif isinstance(message, Err):
                    log.info("%s says: %s", entry.name, message.text)
                else:
                    self._listener.received(entry.name, message)
                    if self._listener.pause(entry.name) > 0.0:
                        await self._slow_down(entry)

    async def _slow_down(self, entry: OpenLink) -> None:
        """Read no more of them for a while; their silence is then not their fault."""
        while (pause := self._listener.pause(entry.name)) > 0.0:
            await trio.sleep(min(pause, PAUSE_SECONDS))
            entry.link.excuse()

    def _leave(self, entry: OpenLink) -> None:
        if self._table.leave(entry):
            self._pending.note_end(entry.name, entry.since)
            if not self._pending.outlives_link(entry.name):
                self._listener.link_lost(entry.name)
