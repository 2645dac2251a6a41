"""Show receipts for letters that I left, if their receivers have signed them."""

from collections.abc import Awaitable, Callable, Iterable

from peer import events
from peer.core.membership import member_id
from peer.runtime.directory_client import DirectoryClient
from peer.storage.journal import Journal, LeftLetter
from shared.messages.directory import BATCH, Done, Noted, Receipt
from shared.receipt import is_signed, reason
from shared.sealing import About


class ReceiptBook:
    def __init__(
        self, journal: Journal, directory: DirectoryClient, my_key: bytes, *,
        received: Callable[[str, About], bool],
        show: Callable[[events.Event], Awaitable[None]],
        complain: Callable[[str], None],
    ) -> None:  # fmt: skip
        """`received` is called with the member who took the copy of a text; it returns whether
        that is news.  `show` returns when its event is on the screen.
        """
        self._journal, self._directory, self._my_key = journal, directory, my_key
        self._received, self._show, self._complain = received, show, complain
        self._waiting: list[Receipt] = []

    def add(self, receipts: Iterable[Receipt]) -> None:
        self._waiting += receipts

    async def note(self) -> None:
        """Show new receipts, then let the directory forget them."""
        receipts, self._waiting = self._waiting, []
        for receipt in receipts:
            left = self._journal.left(receipt.envelope)
            if left is not None:
                await self._note_one(receipt, left)
        for start in range(0, len(receipts), BATCH):
            ids = tuple(receipt.envelope for receipt in receipts[start : start + BATCH])
            await self._directory.ask(lambda id, ids=ids: Noted(id, ids), Done)  # type: ignore[misc]

    async def _note_one(self, receipt: Receipt, left: LeftLetter) -> None:
        if not is_signed(receipt, left.key, self._my_key):
            # The letter stays noted as left: a signed receipt may still come.
            at = f"{events.local_time(left.time):%H:%M}"
            self._complain(
                f"The directory says that {left.receiver} is done with your message of {at}, but"
                f" {left.receiver} has not signed that: it may never have arrived."
            )
            return
        if receipt.refused:
            why = reason(receipt.refused)
            await self._show(events.LetterRefused(left.receiver, left.time, why))
        elif left.about is None or self._received(_member(left), left.about):
            await self._show(events.LetterReceived(left.receiver, left.time))
        await self._journal.forget_left([receipt.envelope])


def _member(left: LeftLetter) -> str:
    """Return the receiver's id as a member of the conversation."""
    return member_id(left.receiver, left.key)
