"""Remember what the user has read, and show at a start where they left off."""

import logging
from collections.abc import Iterable
from typing import Final

import trio

from peer import events, results
from peer.core.past.looking_back import Lookback
from peer.core.past.read_marks import ReadMarks
from peer.events import Tell
from peer.storage.past.read_marks import ReadMarkStore
from peer.storage.past.unread import Unread
from shared.errors import StorageError

KEEP_SECONDS: Final = 2.0  # between two commits: who types would cause one at each key

log = logging.getLogger("peer")


class Reading:
    """Knows the last texts that were read.

    A key, or a line, of theirs says that they have read what was shown until then.
    """

    def __init__(self, store: ReadMarkStore, unread: Unread, tell: Tell) -> None:
        self._store, self._unread, self._tell = store, unread, tell
        self._kept = self._marks = ReadMarks()
        self._changed = trio.Event()
        self._lookbacks: list[Lookback] = []  # to be shown when we are registered
        self._further = 0  # places with unread texts, that are not among them

    def recall(self, *, looks_back: bool) -> None:
        """Recall what was read; with `looks_back`, find what to show of it."""
        try:
            self._kept = self._marks = self._store.load()
            if looks_back:
                self._lookbacks, self._further = self._unread.look_back(self._marks)
        except StorageError as failure:
            log.warning("what was read is not known: %s", failure)

    def show(self, me: str) -> None:
        """Show what was said last, and what of it is unread; once."""
        lookbacks, self._lookbacks = self._lookbacks, []
        if lookbacks:
            self._tell(results.LookedBack(tuple(lookbacks), me, self._further), events.nothing)

    def touched(self, unread: Iterable[str] = ()) -> None:
        """Note that the user has read what was shown until now, except at these places."""
        try:
            self._marks = self._marks.read(self._store.last, unread)
        except StorageError as failure:
            log.info("what was read is not noted: %s", failure)
        if self._marks != self._kept:
            self._changed.set()

    async def run(self) -> None:
        """Keep on disk what was read, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed = trio.Event()
            await self.keep()
            await trio.sleep(KEEP_SECONDS)

    async def keep(self) -> None:
        """Put on disk what was read until now; if that fails, it is shown once more."""
        marks = self._marks
        if marks == self._kept:
            return
        try:
            await self._store.keep(marks)
        except StorageError as failure:
            log.info("what was read is not on disk: %s", failure)
        else:
            self._kept = marks
