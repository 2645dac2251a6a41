"""Copies of my texts, for members whom they cannot get to in any other way.

They are left in the directory's mailbox.  While a conversation goes on it asks again for
what could not be left; after that such copies lie in the journal until they are left, by
the next program if need be.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec
import trio

from peer import events
from peer.conversation import Conversation
from peer.directory import Directory
from peer.events import Tell
from peer.journal import Journal, KeptCopy
from peer.mail import MailRoom
from shared.errors import KeyChanged, ParleyError, Refused, StorageError
from shared.messages import Contact, Position, Text
from shared.names import fold
from shared.sealing import About

MANY_TEXTS: Final = 2**31  # more than fit into a mailbox: the directory says when it is full
AGAIN_SECONDS: Final = 5.0  # between two tries to leave what is in the journal


class Copies:
    def __init__(
        self, journal: Journal, mail: MailRoom, directory: Directory, tell: Tell, *,
        name: Callable[[], str], contact: Callable[[str], Awaitable[Contact]],
        spawn: Callable[..., None], linger: Callable[..., None],
    ) -> None:  # fmt: skip
        """`spawn` starts a task that the program waits for at its end, `linger` one that
        it does not wait for.
        """
        self._journal, self._mail, self._directory, self._tell = journal, mail, directory, tell
        self._name, self._contact, self._spawn, self._linger = name, contact, spawn, linger

    def leave_for(self, current: Conversation, to: str, after: Position) -> None:
        """All that follows this position of mine."""
        # Read at once: without history they are forgotten when the conversation is settled.
        lines = self._journal.texts_after(current.id, after, MANY_TEXTS)
        self._spawn(self._leave, current, to, after, lines)

    def take_up(self) -> None:
        """Leave what earlier programs of mine could not."""
        queues: dict[str, list[KeptCopy]] = {}
        for copy in self._journal.kept_copies():
            queues.setdefault(fold(copy.receiver), []).append(copy)
        for queue in queues.values():
            self._linger(self._leave_all_kept, queue)

    async def _leave(
        self, current: Conversation, to: str, after: Position, lines: Iterable[bytes]
    ) -> None:
        copies = [
            KeptCopy(to, said, text.time, About(current.id, text.epoch, seq))
            for text in (msgspec.json.decode(line, type=Text) for line in lines)
            for seq, said in enumerate(text.texts, start=text.seq)
            if seq > after.seq
        ]
        for number, copy in enumerate(copies):
            if current.has(to, copy.about.epoch, copy.about.seq):
                continue
            if not _is_last_word(current, to) and await self._is_left(current, copy):
                continue
            if _is_last_word(current, to):
                await self._keep_and_leave(current, to, copies[number:])
            return

    async def _is_left(self, current: Conversation, copy: KeptCopy) -> bool:
        """False when it must be tried again."""
        try:
            await self._leave_one(copy)
        except ParleyError:
            self._not_left(current, copy)
            return False
        return True

    def _not_left(self, current: Conversation, copy: KeptCopy) -> None:
        before = Position(self._name(), copy.about.epoch, copy.about.seq - 1)
        current.not_left(copy.receiver, before)

    async def _leave_one(self, copy: KeptCopy) -> None:
        """Raises what may be otherwise later."""
        try:
            contact = await self._contact(copy.receiver)
            await self._mail.leave(contact, copy.text, copy.time, copy.about)
        except Refused as no:
            self._give_up(copy, no)
        else:
            self._tell(events.LetterLeft(contact.name), events.nothing)

    def _give_up(self, copy: KeptCopy, failure: ParleyError) -> None:
        reason = f"{str(failure).removesuffix('.')} ({copy.text})"
        self._tell(events.NotDelivered(copy.receiver, reason), events.nothing)

    # --- What nobody asks for again ---

    async def _keep_and_leave(self, current: Conversation, to: str, copies: list[KeptCopy]) -> None:
        """The disk first: what this program does not live to leave, the next one does."""
        try:
            await self._journal.keep_copies(copies, self._name())
        except StorageError as no:
            for copy in copies:
                self._give_up(copy, no)
            return
        for number, copy in enumerate(copies):
            failure = await self._leave_kept(copy)
            if failure is not None:
                self._not_left(current, copy)
                self._tell(events.NotYetLeft(to, str(failure).removesuffix(".")), events.nothing)
                self._linger(self._leave_all_kept, copies[number:])
                return

    async def _leave_all_kept(self, copies: list[KeptCopy]) -> None:
        for copy in copies:
            while await self._leave_kept(copy) is not None:
                await trio.sleep(AGAIN_SECONDS)
                await self._directory.wait_back()

    async def _leave_kept(self, copy: KeptCopy) -> ParleyError | None:
        """None when that is done with; else what stood in the way this time."""
        try:
            try:
                await self._leave_one(copy)
            except KeyChanged as no:
                self._give_up(copy, no)
            await self._journal.forget_copy(copy, self._name())
        except ParleyError as failure:
            return failure
        return None


def _is_last_word(current: Conversation, to: str) -> bool:
    """Nothing more will come of it for them: it does not ask again for what is not left."""
    return current.is_settled or not current.concerns(to)
