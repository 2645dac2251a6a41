"""Give texts of others to the screen, and remember which ones are not on disk yet."""

from collections.abc import ValuesView
from typing import Final

import trio

from peer.core.conversation.conversation import Conversation
from peer.core.lateness import late
from peer.runtime.conversation.member_links import MemberLinks
from peer.runtime.conversation.performer import Performer
from peer.runtime.conversation.progress import Progress
from peer.runtime.conversation.screen import ConversationScreen
from peer.storage.journal import Journal
from peer.storage.letters import UNKNOWN, digest_of
from peer.storage.texts import Place
from shared.messages.peers import Text
from shared.names import fold
from shared.sealing import About, copy_id
from shared.world import Clock

ANSWER_TURNS: Final = 3  # of all tasks, so that a program's answer to a text goes out


class TextDisplay:
    """The texts of others, from the screen to the disk."""

    def __init__(
        self, screen: ConversationScreen, links: MemberLinks, journal: Journal, clock: Clock,
        progress: Progress,
    ) -> None:  # fmt: skip
        self._screen, self._links, self._journal, self._clock = screen, links, journal, clock
        self._progress = progress
        self._shown: list[tuple[Performer, Text]] = []  # to the user; the core does not know yet
        self._to_check = trio.Event()
        self._unkept: dict[Place, Text] = {}  # given to the screen, not on disk

    @property
    def unkept(self) -> ValuesView[Text]:
        """The texts that were given to the screen and are not on disk."""
        return self._unkept.values()

    @property
    def is_checking(self) -> bool:
        """Whether texts were shown that are not on their way to the disk yet."""
        return bool(self._shown)

    def read(self, conversation: Performer, text: Text) -> None:
        """Show a text; after that it is checked and put on disk."""

        def shown() -> None:
            self._shown.append((conversation, text))
            self._to_check.set()

        current = conversation.core
        lines, differs = self._lines(current, text)
        behind = self._links.behind(current, text.author)
        delay = late(text.time, self._clock.time(), behind)
        self._unkept[_place(text)] = text
        self._screen.show_text(current, text.author, lines, delay, shown)
        if differs:
            conversation.perform(current.incoming.copy_differs(text.author))

    def forget(self, text: Text) -> None:
        """Note that a text is on disk, or will never be."""
        self._unkept.pop(_place(text), None)

    def note_shown(self) -> None:
        """Let the cores check what was shown."""
        shown, self._shown = self._shown, []
        if self._to_check.is_set():
            self._to_check = trio.Event()
        for conversation, text in shown:
            conversation.shown(text)

    async def run(self) -> None:
        """Check shown texts, but first let an answer to them go out; run until cancelled."""
        while True:
            await self._to_check.wait()
            for _ in range(ANSWER_TURNS):
                await trio.lowlevel.checkpoint()
            self.note_shown()
            self._progress.made()

    # --- What need not be shown ---

    def _lines(self, current: Conversation, text: Text) -> tuple[list[str], bool]:
        """Return the lines to show: none of an ignored user, or that came through the mailbox.

        Return also whether a copy in the mailbox had other words.
        """
        is_ignored = fold(current.roll.name(text.author)) in self._journal.contacts.ignored
        if is_ignored or self._was_read(current, text):
            return [], False
        letters, differs = self._journal.letters, False
        copies, to_come = letters.copies, letters.copies_to_come
        if not copies and not to_come:
            return list(text.texts), False
        me, lines = current.me.id, []
        for seq, line in enumerate(text.texts, start=text.seq):
            id = copy_id(About(current.id, text.epoch, seq), text.author, me)
            copy, place = (text.author, id), (current.id, text.author, text.epoch, seq)
            if copy in to_come:
                letters.read_as_text(*place)
            left = copies.get(copy, to_come.get(copy, UNKNOWN))
            is_other = left != UNKNOWN and left != digest_of(line)
            if is_other:
                letters.differs(*place)
                differs = True
            if is_other or copy not in copies:
                lines.append(line)
        return lines, differs

    def _was_read(self, current: Conversation, text: Text) -> bool:
        """Whether I read it in an earlier stay; the member who brought me back lacked it."""
        if current.roll.counter(current.me.id) == 1:
            return False
        end = (text.conversation, *text.origin, text.last_seq)
        return _place(text) in self._unkept or self._journal.texts.has(*end)


def _place(text: Text) -> Place:
    return (text.conversation, *text.origin, text.seq)
