"""Tell which lines, letters and texts that come are new, and when the disk has them."""

from typing import Protocol

from peer.core.arrivals import Arrival, Arrivals, Direct, TextPlace, place_of
from peer.runtime.conversation.progress import Progress
from peer.storage.journal import Journal
from shared.sealing import Letter


class WatchedTexts(Direct, Protocol):
    progress: Progress  #: made when a text has come, or is on disk


class _JournalLedger:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def has_line(self, sender: str, id: str) -> bool:
        return self._journal.lines.has(sender, id)

    def has_text(self, place: TextPlace) -> bool:
        return self._journal.texts.has(*place)


class Incoming:
    """The ledger of what comes, and a way to wait for what is coming."""

    def __init__(self, journal: Journal, texts: WatchedTexts) -> None:
        self._disk, self._texts = _JournalLedger(journal), texts
        self.arrivals = Arrivals(self._disk, texts)

    def end(self, sender: str, id: str) -> None:
        """Note that a line or letter is on disk, or was given up."""
        self.arrivals.end(sender, id)
        self._texts.progress.made()

    async def wait_here(self, letter: Letter) -> None:
        """Return when this is not coming: it is on disk, or new."""
        await self._texts.progress.until(
            lambda: self.arrivals.of_letter(letter) is not Arrival.COMING
        )

    async def wait_text_kept(self, copy: Letter) -> None:
        """Return when the text that a letter copies is on disk, or is no longer coming."""
        place = place_of(copy)
        if place is not None:
            await self._texts.progress.until(
                lambda: self._disk.has_text(place) or not self._texts.has_come(place)
            )
