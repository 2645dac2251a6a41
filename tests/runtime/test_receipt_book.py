"""Receipts wait until they are noted, and complaints are told once, within bounds."""

from collections.abc import Callable
from typing import Any

import trio

from peer import events
from peer.runtime.mailbox.announcer import REMEMBERED, Announcer
from peer.runtime.mailbox.receipts import WAITING_MOST, ReceiptBook
from shared.messages.directory import BATCH, RECEIPTS, Done, Noted, Receipt


class Peer:
    """The parts that a receipt book asks; the directory answers when it is told to."""

    def __init__(self) -> None:
        self.noted: list[int] = []  #: how many receipts it was told of, each time
        self.may_answer = trio.Event()
        here: Any = self
        self.book = ReceiptBook(here, here, here, here, Announcer(self.tell))

    def tell(self, _event: events.Event, shown: Callable[[], None]) -> None:
        shown()

    def get(self, _id: str) -> None:
        """Know of no letter."""

    async def ask(self, make: Callable[[int], Noted], _kind: object) -> Done:
        self.noted.append(len(make(1).envelopes))
        await self.may_answer.wait()
        return Done(1)


def receipts(start: int) -> tuple[Receipt, ...]:
    return tuple(Receipt(f"{start + n:032x}", "dave", 7.0) for n in range(RECEIPTS))


async def test_no_more_wait_than_have_room_while_the_directory_is_silent() -> None:
    peer = Peer()
    peer.book.add(receipts(0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer.book.note)
        await trio.testing.wait_all_tasks_blocked()
        for start in range(0, 3 * WAITING_MOST, RECEIPTS):
            peer.book.add(receipts(start))
        peer.may_answer.set()
    await peer.book.note()
    assert peer.noted == [RECEIPTS, *[BATCH] * (WAITING_MOST // BATCH)]


def test_the_same_complaint_is_told_once_and_not_all_are_remembered() -> None:
    told: list[str] = []
    announcer = Announcer(lambda event, _: told.append(str(event)))
    for number in range(REMEMBERED + 1):
        announcer.complain(f"complaint {number}")
    announcer.complain(f"complaint {REMEMBERED}")
    assert len(told) == REMEMBERED + 1
    announcer.complain("complaint 0")
    assert told[-1] == "complaint 0"
