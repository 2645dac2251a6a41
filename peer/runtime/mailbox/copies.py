"""Leave copies of my texts in the directory's mailbox, for members not reachable otherwise.

While a conversation goes on, it asks again for copies that could not be left; after that
they lie in the journal until they are left, by the next program if need be.

Each receiver has one queue: the text written first is left first.
"""

import logging
from collections import deque
from collections.abc import Iterable
from typing import Final

import trio
from msgspec import Struct

from peer import events
from peer.core.conversation.actions import LeaveFor
from peer.core.conversation.conversation import Conversation
from peer.core.membership import member_id
from peer.core.myself import Myself
from peer.events import Tell
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.finder import Finder
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.mailbox.letter_drop import LetterDrop
from peer.runtime.tasks import Tasks
from peer.storage.copies import KeptCopy
from peer.storage.journal import Journal
from shared.errors import KeyChanged, ParleyError, Refused, StorageError
from shared.messages.directory import Contact
from shared.messages.peers import Position
from shared.names import fold
from shared.wording import clause

log = logging.getLogger("peer")

AGAIN_SECONDS: Final = 5.0  # between two tries to leave the copies in the journal


class _Batch(Struct, eq=False):
    """Copies that a conversation wants left for a member, and that are not left yet."""

    current: Conversation
    to: str
    copies: deque[KeptCopy]

    @property
    def next_place(self) -> tuple[str, int]:
        return self.copies[0].about.epoch, self.copies[0].about.seq


class MailboxCopies:
    def __init__(
        self, journal: Journal, drop: LetterDrop, directory: DirectoryClient, tell: Tell, *,
        myself: Myself, known_keys: KnownKeys, tasks: Tasks,
        finder: Finder,
    ) -> None:  # fmt: skip
        self._journal, self._drop, self._directory, self._tell = journal, drop, directory, tell
        self._myself, self._known_keys, self._tasks = myself, known_keys, tasks
        self._finder = finder
        self._queues: dict[str, deque[_Batch]] = {}  # by folded name of the receiver
        #: copies in the journal, older than queued ones, and their conversation if it was here
        self._kept: dict[str, dict[KeptCopy, Conversation | None]] = {}
        self._lingering: set[str] = set()  # receivers for whom `_leave_in_time` runs

    def leave_for(self, current: Conversation, to: str, after: Position, upto: int) -> None:
        """Leave copies of my texts after this position, up to a seq."""
        if self._journal.database.is_closing:
            return  # our own end broke the link: the disk knows what is owed
        # Read at once: without history, texts are forgotten when the conversation is settled.
        name = current.roll.name(to)
        copies = deque(self._journal.copies.owed(current.id, name, LeaveFor(to, after, upto)))
        if not copies:
            return
        queue = self._queues.get(fold(name))
        if queue is None:
            queue = self._queues[fold(name)] = deque()
            self._tasks.spawn(self._work, name, queue)
        queue.append(_Batch(current, to, copies))

    def take_up(self) -> None:
        """Leave the copies that earlier programs of mine could not leave."""
        self._wait_with(self._journal.copies.all())

    async def _work(self, name: str, queue: deque[_Batch]) -> None:
        """Work until every copy is left, is kept on disk, or will be asked for again."""
        while queue:
            batch = queue[0]
            if _is_last_word(batch):
                await self._keep_and_leave(name, batch)
                queue.popleft()
                continue
            try:
                await self._leave(name, batch)
            except ParleyError:
                if _is_last_word(batch):
                    continue
                for one in [one for one in queue if one.current is batch.current]:
                    self._note_not_left(one)  # also the later ones: none overtakes this
                    queue.remove(one)
            else:
                if not batch.copies:
                    queue.popleft()
        del self._queues[fold(name)]

    async def _leave(self, name: str, batch: _Batch) -> None:
        """Leave the batch, as long as the conversation would ask again for the rest."""
        async with self._drop.turn(name):
            await self._leave_kept(name)
            while batch.copies and not _is_last_word(batch):
                if batch.current.outgoing.has(batch.to, *batch.next_place):
                    batch.copies.popleft()
                    continue
                if not batch.current.mailbox.is_full(batch.to):
                    await self._leave_one(batch.copies[0], batch.current)
                await self._forget_owed(batch.current, batch.copies.popleft())

    async def _forget_owed(self, current: Conversation, copy: KeptCopy) -> None:
        """Note a copy as left, and delete it where leaving the conversation may have kept it."""
        _was_left(current, copy)
        if current.is_over:
            try:
                await self._journal.copies.forget(copy)
            except StorageError as no:  # then the next program leaves it again
                log.info("a copy stays on the disk: %s", no)

    def _note_not_left(self, batch: _Batch) -> None:
        epoch, seq = batch.next_place
        batch.current.mailbox.not_left(batch.to, Position(self._myself.id, epoch, seq - 1))

    async def _leave_one(self, copy: KeptCopy, current: Conversation | None) -> None:
        """Leave one copy, or give it up if it is refused.  Raises failures that may pass."""
        room = current.room if current is not None else ""
        try:
            contact = await self._finder.contact(copy.receiver)
            _compare(contact, copy)
            await self._drop.leave(contact, copy.text, copy.time, copy.about)
        except Refused as no:
            if current is None or not room or no.code != "FULL":
                self._give_up(copy, no)
            elif current.mailbox.was_full(copy.member):
                full = events.MailboxFull(current.called(copy.member), room)
                self._tell(full, events.nothing)
        else:
            if not room:  # there it would be said of each text, for each who is away
                self._tell(events.LetterLeft(contact.name), events.nothing)

    def _give_up(self, copy: KeptCopy, failure: ParleyError) -> None:
        reason = f"{str(failure).removesuffix('.')} ({copy.text})"
        to = self._known_keys.called(copy.member, copy.receiver) if copy.member else copy.receiver
        self._tell(events.NotDelivered(to, reason), events.nothing)

    # --- Copies that nobody asks for again ---

    async def _keep_and_leave(self, name: str, batch: _Batch) -> None:
        """Persist before leaving, so that the next program can leave what this one does not."""
        current, to = batch.current, batch.to
        copies = [
            copy
            for copy in batch.copies
            if not current.outgoing.has(to, copy.about.epoch, copy.about.seq)
        ]
        if not copies:
            return
        batch.copies = deque(copies)
        try:
            await self._journal.copies.keep(copies, self._myself.id)
        except StorageError as no:
            for copy in copies:
                self._give_up(copy, no)
                _was_left(current, copy)
            return
        kept = self._kept.setdefault(fold(name), {})
        kept.update(dict.fromkeys(copies, current))
        try:
            async with self._drop.turn(name):
                await self._leave_kept(name)
        except ParleyError as failure:
            self._note_not_left(batch)
            self._tell(events.NotYetLeft(current.called(to), clause(failure)), events.nothing)
            self._wait_with(copies)

    def _wait_with(self, copies: Iterable[KeptCopy]) -> None:
        """Try copies in the journal until they are left; one that waits already is the same."""
        for copy in copies:
            to = fold(copy.receiver)
            self._kept.setdefault(to, {}).setdefault(copy, None)
            if to not in self._lingering:
                self._lingering.add(to)
                self._tasks.linger(self._leave_in_time, to)

    async def _leave_in_time(self, to: str) -> None:
        while self._kept.get(to):
            try:
                async with self._drop.turn(to):
                    await self._leave_kept(to)
            except ParleyError:  # its author was told that it waits
                if self._directory.is_there:
                    await trio.sleep(AGAIN_SECONDS)
                await self._directory.wait_back()  # then at once: nothing newer overtakes it
        self._lingering.discard(to)

    async def _leave_kept(self, to: str) -> None:
        kept = self._kept.get(fold(to))
        while kept:
            copy = next(iter(kept))
            current = kept[copy]
            try:
                await self._leave_one(copy, current)
            except KeyChanged as no:
                self._give_up(copy, no)
            if current is not None:
                _was_left(current, copy)
            await self._journal.copies.forget(copy)
            del kept[copy]


def _compare(contact: Contact, copy: KeptCopy) -> None:
    """Raise Refused when the name belongs to another key now: the copy is for no stranger."""
    if copy.member not in ("", member_id(contact.name, contact.key)):
        raise Refused(f"the name {copy.receiver} belongs to another key now", "KEY")


def _is_last_word(batch: _Batch) -> bool:
    """Whether the conversation is done with this member: it will not ask again for the rest."""
    return batch.current.is_settled or not batch.current.concerns(batch.to)


def _was_left(current: Conversation, copy: KeptCopy) -> None:
    current.mailbox.was_left(copy.member, copy.about.epoch, copy.about.seq)
