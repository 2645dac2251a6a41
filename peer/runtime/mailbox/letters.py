"""Look into the mailbox at the directory, whenever there may be letters or receipts for us."""

import math
from collections.abc import Iterable
from typing import Final

import trio

from peer.runtime.mailbox.announcer import Announcer
from peer.runtime.mailbox.letter_taker import LetterTaker
from peer.runtime.mailbox.receipts import ReceiptBook
from shared.errors import ParleyError, Unreachable
from shared.messages.directory import Receipt

AGAIN_SECONDS: Final = 20.0  # until letters are asked for again, say if the disk was full


class Letters:
    """The letters that others leave for me."""

    def __init__(self, taker: LetterTaker, receipts: ReceiptBook, announcer: Announcer) -> None:
        self._taker, self._receipts, self._announcer = taker, receipts, announcer
        self._something = trio.Event()
        self._closing = False
        self._closed = trio.Event()

    def fetch(self) -> None:
        """Look into the mailbox soon: there may be letters."""
        self._something.set()

    def receipts(self, receipts: Iterable[Receipt]) -> None:
        """Handle receipts: letters of mine were taken, or refused."""
        self._receipts.add(receipts)
        self._something.set()

    async def close(self) -> None:
        """Take no more; return when the shown letters are noted, so that they never come again."""
        self._closing = True
        self._something.set()
        await self._closed.wait()

    async def run(self) -> None:
        """Take letters and receipts as they come, until closed."""
        again_in = math.inf
        while True:
            with trio.move_on_after(again_in):
                await self._something.wait()
            if self._closing:
                self._closed.set()
                return
            self._something = trio.Event()
            again_in = AGAIN_SECONDS
            try:
                await self._receipts.note()
                if await self._taker.take():
                    again_in = math.inf
            except Unreachable:
                pass  # reported elsewhere
            except ParleyError as failure:
                self._announcer.complain(
                    f"Your messages cannot be taken from the directory: {failure}"
                )
