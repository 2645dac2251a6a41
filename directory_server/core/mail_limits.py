"""Decide how much mail may wait: in one mailbox, and in all together.

Half of a mailbox is reserved for users whom its owner has answered, so that strangers
cannot fill it and lock them out.  The directory knows that an owner has answered somebody
when the owner leaves a message for them, or looks them up in person: to invite them, say.

Once three quarters of the room for all mail are taken, no address gets more than half of it.
"""

from dataclasses import dataclass
from typing import Final

from directory_server.core.quotas import MOST_OF_ONE, NEARLY_FULL

MESSAGES_FROM_ONE: Final = 100  # waiting from one user to another: nobody fills a mailbox alone
BYTES_FROM_ONE: Final = 1024 * 1024
MESSAGES_IN_ALL: Final = 1_000  # in one mailbox
BYTES_IN_ALL: Final = 8 * 1024 * 1024
MESSAGES_OF_STRANGERS: Final = MESSAGES_IN_ALL // 2
BYTES_OF_STRANGERS: Final = BYTES_IN_ALL // 2
MIB: Final = 1024 * 1024
COST: Final = 256  # bytes on disk for an envelope, beside its sealed content
ANSWERED: Final = 1_000  # the newest users whom one user has answered
RECEIPTS: Final = 10_000  # for one user, the newest; only hoarding on purpose gives more

KEEP_SECONDS: Final = 14 * 86_400.0  # by age; for envelopes and receipts that nobody asks for

PAGE_BYTES: Final = 60_000  # of one MAIL, so that its line stays below 64 KiB
ENVELOPE_OVERHEAD: Final = 130  # of one envelope in JSON, beside its content


@dataclass(slots=True)
class Mailbox:
    """The contents of one mailbox, as one sender sees them."""

    all: int
    all_bytes: float
    mine: int
    my_bytes: float
    is_answered: bool  # the owner has answered this sender
    strangers: int = 0  # from users whom the owner has never answered; may be left out while
    strangers_bytes: float = 0  # the mailbox is small, or when the sender is answered

    def why_full(self, size: int, name: str) -> str | None:
        """Return why a message of this size has no room; None when it has."""
        if self.mine >= MESSAGES_FROM_ONE:
            return f"{self.mine} messages from you already wait for {name}"
        if self.my_bytes + size > BYTES_FROM_ONE:
            return f"messages of 1 MiB from you already wait for {name}"
        if self.all >= MESSAGES_IN_ALL:
            return f"the mailbox of {name} is full: {self.all} messages wait in it"
        if self.all_bytes + size > BYTES_IN_ALL:
            return f"the mailbox of {name} is full: messages of 8 MiB wait in it"
        is_too_much = (
            self.strangers >= MESSAGES_OF_STRANGERS
            or self.strangers_bytes + size > BYTES_OF_STRANGERS
        )
        if is_too_much and not self.is_answered:
            return f"the mailbox of {name} is full for users whom {name} has never answered"
        return None

    def add(self, size: int) -> None:
        self.all += 1
        self.mine += 1
        self.all_bytes += size
        self.my_bytes += size
        if not self.is_answered:
            self.strangers += 1
            self.strangers_bytes += size


@dataclass(slots=True)
class Stock:
    """All mail together, as seen by one sender."""

    most: int  # bytes
    size: int  # bytes by now
    origin: bytes  # the mark of the address from which the sender registered; b"": not known
    share: int  # bytes of all senders from there

    def why_full(self, size: int) -> str | None:
        if self.size + size + COST > self.most:
            return f"this directory keeps {self.most // MIB:,} MiB of messages, and is full"
        is_too_much = self.share + size + COST > self.most * MOST_OF_ONE
        if self.origin and is_too_much and self.size > self.most * NEARLY_FULL:
            return "this directory is nearly full of messages, half of them from your address"
        return None

    def add(self, size: int) -> None:
        self.size += size + COST
        self.share += size + COST


def why_hoarding(receipts: int) -> str | None:
    """Return why a sender may drop nothing: unnoted receipts would fill the disk as well."""
    return f"{receipts} receipts wait for you: note them first" if receipts >= RECEIPTS else None
