"""Write single lines to one user or to everybody, and decide what becomes of undelivered ones."""

from typing import Final

from peer import events
from peer.core.backlog import Late
from peer.core.myself import Myself
from peer.events import Tell
from peer.runtime.directory.roster import Roster
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.lines.private_lines import Delivery, PrivateLines
from peer.runtime.mailbox.letter_sender import LetterSender
from peer.runtime.mailbox.unsent import Unsent
from peer.runtime.mailbox.waiting_texts import Ended, Posted, WaitingTexts
from shared.messages.common import Status
from shared.messages.peers import Private, ToAll
from shared.texts import sendable
from shared.world import World

GENERAL_CHAT_MOST: Final = 100  # users whom one line to all reaches directly


class OwnLines:
    """The lines that my user writes."""

    def __init__(
        self, world: World, lines: PrivateLines, waiting: WaitingTexts, unsent: Unsent,
        sender: LetterSender, roster: Roster, known_users: KnownUsers, myself: Myself, tell: Tell,
    ) -> None:  # fmt: skip
        self._world, self._lines, self._sender = world, lines, sender
        self._waiting, self._unsent = waiting, unsent
        self._roster, self._known_users = roster, known_users
        self._myself, self._tell = myself, tell

    def private(self, name: str, text: str, *, is_lasting: bool = False) -> Delivery:
        """Send one private line; `wait` on the delivery to know its outcome.

        If this program ends before it is delivered, the next one delivers it.  With
        `is_lasting` also after it has failed, until `leave_instead`, `keep` or `give_up`.
        Raises Refused for a text that is too long.
        """
        text = sendable(text)
        self._known_users.answer(name)
        self._roster.meet(name)
        line = Private(self._world.new_id(), self._world.clock.time(), text)
        order = self._waiting.next_order()
        return self._lines.send(name, line, is_lasting=is_lasting, order=order)

    def write(self, name: str, text: str) -> Delivery | Posted:
        """Send one lasting private line; it waits behind what is kept for the same user.

        Raises Refused when too much waits, and for a text that is too long.
        """
        text = sendable(text)
        self._unsent.take_up_in_passing()
        if not self._waiting.blocks(name, is_letter=False):
            return self.private(name, text, is_lasting=True)
        return self._unsent.put(self._waiting.new(name, text, is_letter=False))

    async def leave_instead(self, delivery: Delivery) -> str:
        """Leave a line that was not delivered; for its receiver it is the same text.

        Returns and raises as `LetterSender.leave` does.
        """
        return await self._sender.leave_late(_late(delivery))

    def keep(self, delivery: Delivery) -> Posted:
        """Let a line that was not delivered wait for the directory.

        Raises Refused when too much waits.
        """
        return self._unsent.put(_late(delivery), is_tried=True)

    async def outcome(self, posted: Posted) -> Ended:
        """Return what came of a line that had to wait (`WaitingTexts.outcome`)."""
        return await self._waiting.outcome(posted)

    def give_up(self, delivery: Delivery) -> None:
        """Give up a line that was not delivered: it is not tried again."""
        self._lines.give_up(delivery)

    async def to_all(self, text: str) -> list[Delivery]:
        """Send one line to everybody online, in a crowd to those whom I watch.

        It goes to GENERAL_CHAT_MOST users at most.  Raises Refused for a text that is too long.
        """
        text = sendable(text)
        users = await self._roster.company()
        online = [user.name for user in users if user.status is not Status.OFFLINE]
        others = [name for name in online if not self._myself.is_called(name)]
        line = ToAll(self._world.new_id(), self._world.clock.time(), text)
        if len(others) > GENERAL_CHAT_MOST and not self._roster.crowd:
            left_out = len(others) - GENERAL_CHAT_MOST
            reason = f"one line reaches {GENERAL_CHAT_MOST} users at most"
            self._tell(events.NotDelivered(f"{left_out} others", reason), events.nothing)
        if others:
            self._lines.sent_to_all(line)
        return [self._lines.send(name, line) for name in others[:GENERAL_CHAT_MOST]]


def _late(delivery: Delivery) -> Late:
    line = delivery.line
    return Late(delivery.order, delivery.to, line.id, line.time, line.text, is_letter=False)
