"""Gather what one look into the mailbox finds."""

from peer.storage.letters import CopyKey
from shared.messages.directory import Envelope, Verdict
from shared.sealing import Letter


class LetterBatch:
    """The findings of one look into the mailbox, by the numbers of the envelopes."""

    def __init__(self) -> None:
        self.letters: dict[int, Letter] = {}  # to be kept and shown
        self.verdicts: dict[int, Verdict] = {}  # on envelopes that the directory may then delete
        self.keys: dict[str, bytes | None] = {}  # of unknown senders, as the directory says
        self.unregistered: set[str] = set()  # unknown senders who have no name any more
        self.opened: set[CopyKey] = set()
        self.passed: set[CopyKey] = set()  # letters that are not to be shown

    def add(self, envelope: Envelope, verdict: Verdict) -> None:
        self.verdicts[envelope.number] = verdict
