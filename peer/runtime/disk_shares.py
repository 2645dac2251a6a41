"""Limit what others put on my disk, and ask me for more: the shell of `peer.core.allowance`."""

import logging
from typing import Final

from peer import events
from peer.core.allowance import BYTES_A_DAY, Allowance, Ruling, day_of
from peer.events import Tell
from peer.runtime.tasks import Tasks
from peer.storage.contacts import ContactStore
from shared.errors import StorageError
from shared.names import fold
from shared.world import Clock

log = logging.getLogger("peer")

NOTED_BYTES: Final = 1024 * 1024  # between two notes on disk: a crash forgets at most this


class DiskShares:
    """Limits what each author may put on my disk in a day; the rest waits until I allow more."""

    def __init__(self, contacts: ContactStore, clock: Clock, tell: Tell, tasks: Tasks) -> None:
        self._contacts, self._clock, self._tell, self._tasks = contacts, clock, tell, tasks
        self._allowance = Allowance(contacts.taken_on(day_of(clock.time())), BYTES_A_DAY)
        self._noted: dict[str, int] = {}  # folded author -> bytes noted last

    def may_keep(self, author: str, size: int) -> bool:
        """Whether `size` bytes of this author may be put on disk; may tell or ask the user."""
        match self._allowance.judge(author, size, self._clock.time()):
            case Ruling.TAKE:
                self._note(author)
                return True
            case Ruling.TAKE_AND_TELL:
                self._note(author)
                self._tell(events.DiskFilling(author, self._allowance.most), events.nothing)
                return True
            case Ruling.ASK:
                self._tell(events.KeepMore(author, self._allowance.most), events.nothing)
        return False

    def allow_more(self, author: str) -> None:
        """Let more of this author be kept today, as I have said."""
        self._allowance.allow_more(author, self._clock.time())

    def _note(self, author: str) -> None:
        row = self._allowance.taken(author, self._clock.time())
        if abs(row[2] - self._noted.get(fold(author), 0)) >= NOTED_BYTES:
            self._noted[fold(author)] = row[2]
            self._tasks.spawn(self._write, row)

    async def _write(self, row: tuple[str, int, int]) -> None:
        try:
            await self._contacts.note_taken(*row)
        except StorageError as failure:
            log.warning("not on disk how much %s has written: %s", row[0], failure)
