"""Take the letters that were left for us at the directory.

A letter is shown once it is in our own journal, and only then does the
directory delete it.  Its sender is told.
"""

import logging
import math
from collections.abc import Iterable
from typing import Final

import trio

from peer import events
from peer.core.letter_check import Refusal, Unjudged, left_there, never_opened, open_for
from peer.core.membership import member_id
from peer.core.myself import Myself
from peer.core.stranger_limits import StrangerLimits
from peer.events import Tell
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.finder import Finder
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.lines.private_lines import Came
from peer.runtime.mailbox.announcer import Announcer
from peer.runtime.mailbox.receipts import ReceiptBook, TextsInConversations
from peer.storage.journal import Journal
from peer.storage.letters import CopyKey, WaitingLetter
from shared import receipt
from shared.errors import KeyChanged, ParleyError, ProtocolError, Refused, Unreachable
from shared.messages.directory import (
    VERDICTS,
    Done,
    Envelope,
    Fetch,
    Mail,
    Receipt,
    Taken,
    Verdict,
)
from shared.names import fold
from shared.receipt import sign_refused, sign_taken
from shared.sealing import About, Letter
from shared.world import World

AGAIN_SECONDS: Final = 20.0  # until letters are asked for again, say if the disk was full
ENVELOPES_AT_ONCE: Final = 1_000  # looked at: an honest mailbox holds no more
SHOWN_SECONDS: Final = 10.0  # to wait until a text that comes directly just now is on disk

log = logging.getLogger("peer")


class _Batch:
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


class Letters:
    """The letters of one peer."""

    def __init__(
        self,
        world: World,
        myself: Myself,
        known_keys: KnownKeys,
        journal: Journal,
        directory: DirectoryClient,
        tell: Tell,
        *,
        came: Came,
        finder: Finder,
        unanswered: StrangerLimits,
        texts: TextsInConversations,
    ) -> None:
        self._came, self._finder, self._unanswered, self._texts = came, finder, unanswered, texts
        self._world, self._myself, self._known_keys = world, myself, known_keys
        self._journal, self._directory, self._tell = journal, directory, tell
        self._announcer = Announcer(tell)
        self._receipts = ReceiptBook(
            journal.left_letters, directory, myself, texts, self._announcer
        )
        self._shown: set[int] = set()  # numbers of letters shown, until the disk has that
        self._counted: set[CopyKey] = set()  # letters of strangers on their way to the disk
        self._to_announce: set[str] = set()  # strangers whose first letter is one of these
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
                if await self._take_letters():
                    again_in = math.inf
            except Unreachable:
                pass  # reported elsewhere
            except ParleyError as failure:
                self._announcer.complain(
                    f"Your messages cannot be taken from the directory: {failure}"
                )

    # --- Letters ---

    async def _take_letters(self) -> bool:
        """Take and show letters; return False when some must be asked for again."""
        after, more, seen = 0, True, 0
        batch = _Batch()
        while more and seen < ENVELOPES_AT_ONCE:
            mail = await self._directory.ask(lambda id, after=after: Fetch(id, after), Mail)  # type: ignore[misc]
            for envelope in mail.envelopes:
                await trio.lowlevel.checkpoint()  # each costs half a millisecond
                await self._open(envelope, batch)
            seen += len(mail.envelopes)
            after = max((envelope.number for envelope in mail.envelopes), default=after)
            more = mail.more and bool(mail.envelopes)
        come = len(batch.verdicts)
        letters = await self._claim(batch)
        try:
            fresh = await self._journal.letters.add(
                letters, self._world.clock.time(), unregistered=batch.unregistered,
                after_gaps={(one.sender, one.id) for one in letters if self._gaps(one, batch)},
                passed=batch.passed,
            )  # fmt: skip
        finally:
            for letter in letters:
                self._came.end(letter.sender, letter.id)
        self._counted.clear()
        if fresh:
            abouts = {one.id: (_author(one), one.about) for one in letters if one.about}
            await self._show_letters(fresh, abouts)
        verdicts = tuple(batch.verdicts.values())
        for start in range(0, len(verdicts), VERDICTS):
            page = verdicts[start : start + VERDICTS]
            await self._directory.ask(lambda id, page=page: Taken(id, page), Done)  # type: ignore[misc]
        return len(verdicts) == come and not more

    async def _claim(self, batch: _Batch) -> list[Letter]:
        """Return the letters to keep, without those that came directly meanwhile."""
        with trio.move_on_after(SHOWN_SECONDS):
            for letter in batch.letters.values():
                await self._wait_until_here(letter)
        claimed = []
        for number, letter in batch.letters.items():
            if self._is_coming(letter):
                del batch.verdicts[number]  # it stays in the mailbox until the next look
            elif self._has(letter):
                batch.passed.add((letter.sender, letter.id))
            else:
                self._came.begin(letter.sender, letter.id)
                claimed.append(letter)
        return claimed

    async def _open(self, envelope: Envelope, batch: _Batch) -> None:
        """Sort out one envelope.  If it can never be shown, tell the user and its sender."""
        now = self._world.clock.time()
        opened = open_for(
            self._myself.identity, self._myself.name, self._known_keys.authority, envelope, now
        )
        if isinstance(opened, Letter):
            opened = await self._check_sender(opened, batch)
            await trio.lowlevel.checkpoint_if_cancelled()  # at the end the journal is closed
        if isinstance(opened, Letter) and self._is_wanted(opened):
            opened = self._check_stranger(opened)
        match opened:
            case Unjudged(sentence):
                self._announcer.complain(sentence)
            case Refusal(reason, sentence):
                self._announcer.complain(sentence)
                proof = sign_refused(self._myself.identity, envelope.id, reason)
                batch.add(envelope, Verdict(envelope.number, envelope.id, proof, reason))
            case Letter(sender=sender, key=key):
                if not self._is_wanted(opened):
                    batch.passed.add((sender, opened.id))
                elif (sender, opened.id) not in batch.opened:  # else it is here twice
                    batch.letters[envelope.number] = opened
                batch.opened.add((sender, opened.id))
                proof = sign_taken(self._myself.identity, envelope.id, key)
                batch.add(envelope, Verdict(envelope.number, envelope.id, proof))

    async def _check_sender(self, letter: Letter, batch: _Batch) -> Letter | Refusal | Unjudged:
        """Return the letter if its key is the one of the sender's name, else what is wrong.

        A letter makes no key known.  For an unknown name the directory is asked: a
        certificate outlives a name that was given back.
        """
        name = letter.sender
        try:
            self._known_keys.check(name, letter.key)
        except KeyChanged as failure:
            return left_there(str(failure))
        if self._journal.contacts.key_of(name) is not None:
            return letter
        try:
            if name not in batch.keys:
                batch.keys[name] = await self._key_at_directory(name)
        except (Refused, ProtocolError) as no:  # letters of others do not wait for it
            return left_there(f"The directory does not tell the key of {name}: {no}")
        if batch.keys[name] is None:
            batch.unregistered.add(name)
        elif batch.keys[name] != letter.key:
            return never_opened(receipt.NAME, f"it is signed with a key that {name} had before")
        return letter

    def _check_stranger(self, letter: Letter) -> Letter | Refusal:
        """Limit what a sender whom I have never answered may leave, and announce them once."""
        sender, now = letter.sender, trio.current_time()
        if (sender, letter.id) in self._counted:
            return letter  # it came again because the disk did not take it
        try:
            self._unanswered.take(sender, letter.text, now)
        except Refused:
            return Refusal(
                receipt.FULL,
                f"Messages that {sender} left for you are refused: you have never answered"
                f" {sender}, and have enough of theirs.",
            )
        self._counted.add((sender, letter.id))
        if self._unanswered.announces(sender, now):
            self._to_announce.add(sender)
        return letter

    def _is_wanted(self, letter: Letter) -> bool:
        return fold(letter.sender) not in self._journal.contacts.ignored and not self._has(letter)

    async def _key_at_directory(self, name: str) -> bytes | None:
        """Ask the directory for the key of a name; None if the name was given back."""
        try:
            return (await self._finder.lookup(name)).key
        except Refused as no:
            if no.code != "NOBODY":
                raise
            return None

    def _gaps(self, letter: Letter, batch: _Batch) -> bool:
        """Whether the letter that its sender left before it has not come."""
        sender, before = letter.sender, letter.after
        return not (
            not before
            or (sender, before) in batch.opened
            or self._came.is_here(sender, before)
            or self._came.is_coming(sender, before)
        )

    def _has(self, letter: Letter) -> bool:
        """Whether it came already, or is a copy of a text that came directly."""
        about = letter.about
        if self._came.is_here(letter.sender, letter.id):
            return True
        return about is not None and self._journal.texts.has(
            about.conversation, _author(letter), about.epoch, about.seq
        )

    def _is_coming(self, letter: Letter) -> bool:
        """Whether it came directly, and is not on disk yet."""
        if letter.about is None:
            return self._came.is_coming(letter.sender, letter.id)
        return self._texts.has_come(_author(letter), letter.about) and not self._has(letter)

    async def _wait_until_here(self, letter: Letter) -> None:
        if letter.about is None:
            await self._came.wait(letter.sender, letter.id)
        elif self._is_coming(letter):
            await self._texts.wait_on_disk(_author(letter), letter.about)

    async def _show_letters(
        self, fresh: list[WaitingLetter], abouts: dict[str, tuple[str, About]]
    ) -> None:
        """Show letters, except copies whose text came directly while they went to the disk."""
        direct = {
            one.id: abouts[one.id]
            for one in fresh
            if one.id in abouts and self._texts.has_come(*abouts[one.id])
        }
        letters = [one for one in fresh if one.id not in direct and one.number not in self._shown]
        if letters:
            shown: list[events.Event] = [events.LettersWaited(len(letters))]
            for one in letters:
                if one.sender in self._to_announce:
                    self._to_announce.remove(one.sender)
                    shown.append(events.FirstLine(one.sender))
                if one.follows_gap:
                    shown.append(events.LetterMissing(one.sender))
                shown.append(events.Letter(one.sender, one.time, one.text, one.is_registered))
            await self._announcer.show(shown)
            self._shown |= {one.number for one in letters}
        for place in direct.values():
            await self._texts.wait_on_disk(*place)
        await self._journal.letters.shown([one.number for one in fresh], self._myself.name)
        self._shown.clear()


def _author(letter: Letter) -> str:
    """Return the sender's id as a member of the conversation."""
    return member_id(letter.sender, letter.key)
