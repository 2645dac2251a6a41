"""Letters: leaving them at the directory, and taking the ones that were left for us.

A letter is shown once it lies in our own journal, and only then does the
directory delete it.  Its sender is told.
"""

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

import trio

from peer import events
from peer.directory import Directory
from peer.entries import Kind
from peer.events import Tell
from peer.journal import Fate, Journal, KeptLine, WaitingLetter
from peer.keeping import Keeping
from peer.lines import Came
from peer.trust import Trust
from shared.errors import KeyChanged, ParleyError, ProtocolError, Unreachable
from shared.identity import Identity, check_sealing_proof
from shared.messages import (
    BATCH,
    Contact,
    Done,
    Drop,
    Envelope,
    Fetch,
    Mail,
    Noted,
    Receipt,
    Stored,
    Taken,
)
from shared.names import fold
from shared.sealing import About, Letter, copy_id, open_envelope, seal
from shared.world import World

STORED_SECONDS: Final = 30.0  # to come back, when the directory is lost before it says STORED
AGAIN_SECONDS: Final = 20.0  # to ask for letters again that the disk did not take, say
SHOWN_SECONDS: Final = 10.0  # for a text that comes directly just now to be on disk

log = logging.getLogger("peer")


class MailRoom:
    """The letters of one peer."""

    def __init__(
        self,
        world: World,
        identity: Identity,
        trust: Trust,
        journal: Journal,
        directory: Directory,
        tell: Tell,
        *,
        came: Came,
        keeping: Keeping,
        name: Callable[[], str],
        received: Callable[[str, About], bool],
        has_come: Callable[[str, About], bool],
        wait_kept: Callable[[str, About], Awaitable[None]],
    ) -> None:
        """`received` is called when the copy of a text was taken, and says whether
        that is news.  `has_come`: whether a text came directly, and is on its way to the
        screen and the disk; `wait_kept` returns when it is there.
        """
        self._came, self._keeping, self._name, self._received = came, keeping, name, received
        self._has_come, self._wait_kept = has_come, wait_kept
        self._world, self._identity, self._trust = world, identity, trust
        self._journal, self._directory, self._tell = journal, directory, tell
        self._turns: dict[str, trio.Lock] = {}
        self._receipts: list[Receipt] = []
        self._shown: set[int] = set()  # numbers of letters, until that is noted on disk
        self._told: set[str] = set()  # what is wrong with letters that stay where they are
        self._something = trio.Event()
        self._closing = False
        self._closed = trio.Event()

    def fetch(self) -> None:
        """There may be letters."""
        self._something.set()

    def receipts(self, receipts: Iterable[Receipt]) -> None:
        """Letters of mine were taken."""
        self._receipts += receipts
        self._something.set()

    @asynccontextmanager
    async def turn(self, to: str) -> AsyncIterator[None]:
        """Leave what there is for this user within it: in the order in which turns were asked
        for, so that no letter overtakes an earlier one.
        """
        turn = self._turns.setdefault(fold(to), trio.Lock())
        try:
            async with turn:
                yield
        finally:
            if not turn.locked():
                self._turns.pop(fold(to), None)

    async def leave(
        self, to: Contact, text: str, time: float, about: About | None = None, id: str = ""
    ) -> None:
        """Leave a letter; returns when the directory has it on disk.

        `about`: which text of a conversation it is a copy of, `id`: of which private
        line; the same one again is the same letter.

        Raises Refused (a quota, a full disk) or Unreachable: then it was not left,
        unless the directory died between storing it and saying so.
        """
        check_sealing_proof(to.key, to.sealing_key, to.sealing_proof)
        if about is not None:
            id = copy_id(about, self._name(), to.name)
        id = id or self._world.new_id()
        certificate, key = self._directory.certificate, to.sealing_key
        sealed = seal(self._identity, certificate, key, id=id, time=time, text=text, about=about)
        await self._journal.add_left(id, to.name, time, about)
        try:
            await self._drop(to.name, id, sealed)
        except ParleyError:
            await self._journal.forget_left([id])
            raise
        if about is None:
            row = (self._name(), to.name, id, time, text)
            self._keeping.keep(KeptLine(Kind.LEFT, *row, Fate.SENT))

    async def _drop(self, to: str, envelope: str, sealed: bytes) -> None:
        """The same id again is the same envelope, so a lost answer can be asked for again."""
        while True:
            try:
                await self._directory.ask(lambda id: Drop(id, to, envelope, sealed), Stored)
            except Unreachable as failure:
                with trio.move_on_after(STORED_SECONDS) as waiting:
                    await self._directory.wait_back()
                if waiting.cancelled_caught:
                    raise failure from None
            else:
                return

    async def close(self) -> None:
        """Take no more; returns when what was shown is noted, and so never comes again."""
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
                await self._note_receipts()
                if await self._take_letters():
                    again_in = math.inf
            except Unreachable:
                pass  # said elsewhere
            except ParleyError as failure:
                self._complain(f"Your messages cannot be taken from the directory: {failure}")

    # --- Receipts ---

    async def _note_receipts(self) -> None:
        receipts, self._receipts = self._receipts, []
        for receipt in receipts:
            mine = self._journal.left(receipt.envelope)
            if mine is not None and fold(mine[0]) == fold(receipt.by):
                to, time, about = mine
                if about is None or self._received(to, about):
                    await self._show([events.LetterReceived(to, time)])
                await self._journal.forget_left([receipt.envelope])
        for start in range(0, len(receipts), BATCH):
            ids = tuple(receipt.envelope for receipt in receipts[start : start + BATCH])
            await self._directory.ask(lambda id, ids=ids: Noted(id, ids), Done)  # type: ignore[misc]

    # --- Letters ---

    async def _take_letters(self) -> bool:
        """False when some must be asked for again."""
        after, more = 0, True
        letters: list[Letter] = []
        done: list[str] = []  # ids that the directory may delete afterwards
        while more:
            mail = await self._directory.ask(lambda id, after=after: Fetch(id, after), Mail)  # type: ignore[misc]
            for envelope in mail.envelopes:
                await self._open(envelope, letters, done)
            after = max((envelope.number for envelope in mail.envelopes), default=after)
            more = mail.more and bool(mail.envelopes)
        come = len(done)
        letters = await self._claim(letters, done)
        try:
            fresh = await self._journal.add_letters(letters, self._world.clock.time())
        finally:
            for letter in letters:
                self._came.end(letter.sender, letter.id)
        if fresh:
            await self._show_letters(fresh, {one.id: one.about for one in letters if one.about})
        for start in range(0, len(done), BATCH):
            ids = tuple(done[start : start + BATCH])
            await self._directory.ask(lambda id, ids=ids: Taken(id, ids), Done)  # type: ignore[misc]
        return len(done) == come

    async def _claim(self, letters: list[Letter], done: list[str]) -> list[Letter]:
        """Without what of them came directly meanwhile."""
        with trio.move_on_after(SHOWN_SECONDS):
            for letter in letters:
                await self._wait_until_here(letter)
        claimed = []
        for letter in letters:
            if self._is_coming(letter):
                done.remove(letter.id)  # it stays where it is until the next time
            elif not self._has(letter):
                self._came.begin(letter.sender, letter.id)
                claimed.append(letter)
        return claimed

    async def _open(self, envelope: Envelope, letters: list[Letter], done: list[str]) -> None:
        """Sort out one envelope.  A forged one is said, and thrown away."""
        now = self._world.clock.time()
        try:
            letter = open_envelope(
                self._identity, self._trust.authority, envelope.sealed, id=envelope.id, now=now
            )
            self._check_copy(letter)
            await self._trust.check_and_remember(letter.sender, letter.key)
        except KeyChanged as failure:
            self._complain(f"A message that was left for you stays at the directory. {failure}")
            return
        except ProtocolError as failure:
            self._complain(f"A message that was left for you was thrown away: {failure}.")
        else:
            ignored = fold(letter.sender) in self._journal.ignored
            if not ignored and not self._has(letter):
                letters.append(letter)
        done.append(envelope.id)

    def _check_copy(self, letter: Letter) -> None:
        """Raises ProtocolError unless its id is that of a text of its own sender.

        Anybody can work out the ids of what others will write next: a letter with such
        an id would hide that text.
        """
        about = letter.about
        if about is not None and letter.id != copy_id(about, letter.sender, self._name()):
            raise ProtocolError("it says that it is a copy of somebody else's text")

    def _has(self, letter: Letter) -> bool:
        """Whether it came already, or is a copy of a text that came directly."""
        about = letter.about
        if about is None:
            return self._came.is_here(letter.sender, letter.id)
        return self._journal.has_text(about.conversation, letter.sender, about.epoch, about.seq)

    def _is_coming(self, letter: Letter) -> bool:
        """Whether it came directly, and is not on disk yet."""
        if letter.about is None:
            return self._came.is_coming(letter.sender, letter.id)
        return self._has_come(letter.sender, letter.about) and not self._has(letter)

    async def _wait_until_here(self, letter: Letter) -> None:
        if letter.about is None:
            await self._came.wait(letter.sender, letter.id)
        elif self._is_coming(letter):
            await self._wait_kept(letter.sender, letter.about)

    async def _show_letters(self, fresh: list[WaitingLetter], abouts: dict[str, About]) -> None:
        """But not what has come directly while the copy went to the disk."""
        direct = {
            one.id: (one.sender, abouts[one.id])
            for one in fresh
            if one.id in abouts and self._has_come(one.sender, abouts[one.id])
        }
        letters = [one for one in fresh if one.id not in direct and one.number not in self._shown]
        if letters:
            shown: list[events.Event] = [events.LettersWaited(len(letters))]
            shown += [events.Letter(one.sender, one.time, one.text) for one in letters]
            await self._show(shown)
            self._shown |= {one.number for one in letters}
        for place in direct.values():
            await self._wait_kept(*place)
        await self._journal.letters_shown([one.number for one in fresh], self._name())
        self._shown.clear()

    async def _show(self, shown: list[events.Event]) -> None:
        """Returns when all of it stood on the screen."""
        stood = trio.Event()
        for event in shown[:-1]:
            self._tell(event, events.nothing)
        self._tell(shown[-1], stood.set)
        await stood.wait()

    def _complain(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(events.Notice(sentence), events.nothing)
