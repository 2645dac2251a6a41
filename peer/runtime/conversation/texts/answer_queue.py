"""Send answers to WANT one at a time to each member, so that they never overflow a link."""

from typing import Final

from peer.core.conversation.texts import WINDOW_TEXTS
from peer.runtime.conversation.member_links import MemberLinks
from peer.runtime.conversation.performer import Performer
from peer.runtime.link.links import Links
from peer.runtime.tasks import Tasks
from peer.storage.journal import Journal
from shared.messages.peers import Position

ANSWER_BYTES: Final = 256 * 1024  # of texts in one answer; the other side goes on asking
WAITING: Final = 16  # answers for one member: twice what an honest one asks for at a time

Key = tuple[str, str, str]  # conversation, author and epoch: of two requests the last one counts
Answer = tuple[Performer, str, Position]  # the texts after this position, for this member


class AnswerQueue:
    def __init__(self, links: Links, members: MemberLinks, journal: Journal, tasks: Tasks) -> None:
        self._links, self._members, self._journal = links, members, journal
        self._tasks = tasks
        self._waiting: dict[str, dict[Key, Answer]] = {}  # by name

    def hand(self, conversation: Performer, to: str, after: Position) -> None:
        """Send from the disk what follows, now or when earlier answers to this member are out."""
        name = conversation.core.roll.name(to)
        key = (conversation.core.id, after.author, after.epoch)
        waiting = self._waiting.get(name)
        if waiting is not None:
            if key in waiting or len(waiting) < WAITING:
                waiting[key] = (conversation, to, after)
            return
        link = self._links.to(name)
        if link is None or link.waiting < ANSWER_BYTES:
            self._answer(conversation, to, after)
        else:
            self._waiting[name] = {key: (conversation, to, after)}
            self._tasks.linger(self._hand_in_turn, name)

    async def _hand_in_turn(self, name: str) -> None:
        waiting = self._waiting[name]
        try:
            while waiting:
                link = self._links.to(name)
                if link is not None:
                    await link.flush()
                self._answer(*waiting.pop(next(iter(waiting))))
        finally:
            del self._waiting[name]

    def _answer(self, conversation: Performer, to: str, after: Position) -> None:
        current = conversation.core
        if current.roll.is_in(to):
            lines = self._journal.texts.after(current.id, after, WINDOW_TEXTS, ANSWER_BYTES)
            self._members.post_bytes(current, to, b"".join(lines))
            conversation.perform(current.incoming.handed(to, after))
