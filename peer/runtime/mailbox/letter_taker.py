"""Take letters from the directory: open, check, keep and show them, then let it delete them.

A letter is shown once it is in our own journal, and only then does the directory delete it.
Its sender is told.
"""

from typing import Final

import trio

from peer.core.arrivals import Arrival
from peer.core.letter_check import Refusal, Unjudged, open_for
from peer.core.myself import Myself
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.incoming import Incoming
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.mailbox.announcer import Announcer
from peer.runtime.mailbox.letter_batch import LetterBatch
from peer.runtime.mailbox.letter_display import LetterDisplay
from peer.runtime.mailbox.sender_check import SenderCheck, StrangerLetters
from peer.storage.journal import Journal
from peer.storage.letters import WaitingLetter
from shared.messages.directory import VERDICTS, Done, Envelope, Fetch, Mail, Taken, Verdict
from shared.names import fold
from shared.receipt import sign_refused, sign_taken
from shared.sealing import Letter
from shared.world import Clock

ENVELOPES_AT_ONCE: Final = 1_000  # looked at: an honest mailbox holds no more
SHOWN_SECONDS: Final = 10.0  # to wait until a text that comes directly just now is on disk


class LetterTaker:
    def __init__(
        self, clock: Clock, myself: Myself, known_keys: KnownKeys, journal: Journal,
        directory: DirectoryClient, *, announcer: Announcer, senders: SenderCheck,
        strangers: StrangerLetters, incoming: Incoming, display: LetterDisplay,
    ) -> None:  # fmt: skip
        self._clock, self._myself, self._known_keys = clock, myself, known_keys
        self._journal, self._directory, self._announcer = journal, directory, announcer
        self._senders, self._strangers = senders, strangers
        self._incoming, self._display = incoming, display

    async def take(self) -> bool:
        """Take and show letters; return False when some must be asked for again."""
        after, more, seen = 0, True, 0
        batch = LetterBatch()
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
            fresh = await self._keep(letters, batch)
        finally:
            for letter in letters:
                self._incoming.end(letter.sender, letter.id)
        self._strangers.kept()
        if fresh:
            await self._display.show(fresh, {one.id: one for one in letters})
        verdicts = tuple(batch.verdicts.values())
        for start in range(0, len(verdicts), VERDICTS):
            page = verdicts[start : start + VERDICTS]
            await self._directory.ask(lambda id, page=page: Taken(id, page), Done)  # type: ignore[misc]
        is_whole = len(verdicts) == come and not more
        if is_whole:
            self._display.caught_up()
        return is_whole

    async def _claim(self, batch: LetterBatch) -> list[Letter]:
        """Return the letters to keep, without those that came directly meanwhile."""
        with trio.move_on_after(SHOWN_SECONDS):
            for letter in batch.letters.values():
                await self._incoming.wait_here(letter)
        arrivals = self._incoming.arrivals
        claimed = []
        for number, letter in batch.letters.items():
            match arrivals.of_letter(letter):
                case Arrival.COMING:
                    del batch.verdicts[number]  # it stays in the mailbox until the next look
                case Arrival.HERE:
                    batch.passed.add((letter.sender, letter.id))
                case Arrival.NEW:
                    arrivals.begin(letter.sender, letter.id)
                    claimed.append(letter)
        return claimed

    async def _keep(self, letters: list[Letter], batch: LetterBatch) -> list[WaitingLetter]:
        """Put letters into the journal; return those that are not shown yet."""
        follows_gap = self._incoming.arrivals.follows_gap
        gaps = {(one.sender, one.id) for one in letters if follows_gap(one, batch.opened)}
        return await self._journal.letters.add(
            letters, self._clock.time(), unregistered=batch.unregistered, after_gaps=gaps,
            passed=batch.passed,
        )  # fmt: skip

    async def _open(self, envelope: Envelope, batch: LetterBatch) -> None:
        """Sort out one envelope.  If it can never be shown, tell the user and its sender."""
        now = self._clock.time()
        opened = open_for(
            self._myself.identity, self._myself.name, self._known_keys.authority, envelope, now
        )
        if isinstance(opened, Letter):
            opened = await self._senders.check(opened, batch)
            await trio.lowlevel.checkpoint_if_cancelled()  # at the end the journal is closed
        if isinstance(opened, Letter) and self._is_wanted(opened):
            opened = self._strangers.check(opened)
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

    def _is_wanted(self, letter: Letter) -> bool:
        is_heard = fold(letter.sender) not in self._journal.contacts.ignored
        return is_heard and self._incoming.arrivals.of_letter(letter) is not Arrival.HERE
