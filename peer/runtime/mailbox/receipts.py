"""Show receipts for letters that I left, if their receivers have signed them."""

from collections.abc import Iterable
from itertools import islice
from typing import Final, Protocol

from peer import events
from peer.core.local_time import local_time
from peer.core.membership import member_id
from peer.core.myself import Myself
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.mailbox.announcer import Announcer
from peer.storage.left_letters import LeftLetter, LeftLetterStore
from shared.messages.directory import BATCH, Done, Noted, Receipt
from shared.receipt import is_signed, reason
from shared.sealing import About

WAITING_MOST: Final = 10_000  # ten times what one may leave; a directory may send any number


class CopiedTexts(Protocol):
    """The texts of my conversations of which copies are left in mailboxes."""

    def received_from_mailbox(self, by: str, about: About) -> bool:
        """Note that a member, by id, took the copy of a text; return whether that is news."""


class ReceiptBook:
    def __init__(
        self, left_letters: LeftLetterStore, directory: DirectoryClient, myself: Myself,
        texts: CopiedTexts, announcer: Announcer,
    ) -> None:  # fmt: skip
        self._left_letters, self._directory, self._myself = left_letters, directory, myself
        self._texts, self._announcer = texts, announcer
        self._waiting: list[Receipt] = []

    def add(self, receipts: Iterable[Receipt]) -> None:
        """Let receipts wait for `note`; others come again with the next registration."""
        self._waiting += islice(receipts, WAITING_MOST - len(self._waiting))

    async def note(self) -> None:
        """Show new receipts, then let the directory forget them."""
        receipts, self._waiting = self._waiting, []
        for receipt in receipts:
            left = self._left_letters.get(receipt.envelope)
            if left is not None:
                await self._note_one(receipt, left)
        for start in range(0, len(receipts), BATCH):
            ids = tuple(receipt.envelope for receipt in receipts[start : start + BATCH])
            await self._directory.ask(lambda id, ids=ids: Noted(id, ids), Done)  # type: ignore[misc]

    async def _note_one(self, receipt: Receipt, left: LeftLetter) -> None:
        if not is_signed(receipt, left.key, self._myself.key):
            # The letter stays noted as left: a signed receipt may still come.
            at = f"{local_time(left.time):%H:%M}"
            self._announcer.complain(
                f"The directory says that {left.receiver} is done with your message of {at}, but"
                f" {left.receiver} has not signed that: it may never have arrived."
            )
            return
        if receipt.refused:
            why = reason(receipt.refused)
            await self._announcer.show([events.LetterRefused(left.receiver, left.time, why)])
        elif left.about is None or self._texts.received_from_mailbox(_member(left), left.about):
            await self._announcer.show([events.LetterReceived(left.receiver, left.time)])
        await self._left_letters.forget([receipt.envelope])


def _member(left: LeftLetter) -> str:
    """Return the receiver's id as a member of the conversation."""
    return member_id(left.receiver, left.key)
