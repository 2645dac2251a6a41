"""Send what is typed for others outside of a conversation, and say what came of it.

These are private lines, lines to everybody, and messages that are left for a user who is
away.
"""

from contextlib import suppress

from peer import events, results
from peer.commands import grammar as typed
from peer.console.codes import KEPT, LEFT, Code
from peer.console.dialogue import Dialogue
from peer.console.questions import OpenQuestions
from peer.core.backlog import End
from peer.core.targets.place import HOME
from peer.local_peer import LocalPeer
from peer.runtime.directory.directory_client import DirectoryGone
from peer.runtime.lines.own_lines import GENERAL_CHAT_MOST
from peer.runtime.lines.private_lines import Delivery, LineFate
from peer.runtime.mailbox.waiting_texts import Ended, Posted
from shared.errors import KeyChanged, ParleyError, Refused, TurnedAway
from shared.names import fold
from shared.wording import clause


class MessageSender:
    """Sends the lines and messages of one user.

    `asks`: ask a person before a line goes to more users than it was meant for.
    """

    def __init__(
        self, peer: LocalPeer, dialogue: Dialogue, questions: OpenQuestions, *, asks: bool
    ) -> None:
        self._peer, self._dialogue, self._questions, self._asks = peer, dialogue, questions, asks
        self.writing_to = ""  #: the user for whom a message is being written; empty if none

    # --- Private lines ---

    async def private(self, name: str, text: str) -> Code:
        if fold(name) == fold(self._peer.name):
            raise Refused("You can't write to yourself.", "SELF")
        sent = self._peer.lines.write(name, text)
        if isinstance(sent, Posted):
            self._dialogue.show(results.Sent(text, to=name))
            return await self._dialogue.aside(self._await_posted, sent)
        self._dialogue.show(results.Sent(text, to=name, handle=LineFate(sent)))
        return await self._dialogue.aside(self._await_delivered, sent)

    async def _await_delivered(self, delivery: Delivery) -> Code:
        """Await the delivery; leave a line that reached nobody at the directory."""
        try:
            await delivery.wait()
        except ParleyError as failure:
            return await self._leave_instead(delivery, failure)
        return Code.DONE

    async def _leave_instead(self, delivery: Delivery, failure: ParleyError) -> Code:
        try:
            if isinstance(failure, TurnedAway):
                self._dialogue.show(_not_delivered(delivery, failure))
                self._peer.lines.give_up(delivery)
                return Code.REFUSED
            if isinstance(failure, KeyChanged | Refused):
                raise failure
            if isinstance(failure, DirectoryGone) or not self._peer.is_registered:
                return await self._await_posted(self._peer.lines.keep(delivery))
            self._dialogue.show(_not_delivered(delivery, failure))
            return self._say_ended(Ended(End.LEFT, await self._peer.lines.leave_instead(delivery)))
        except DirectoryGone:
            return await self._await_posted(self._peer.lines.keep(delivery))
        except ParleyError:
            self._peer.lines.give_up(delivery)  # the user is told
            raise

    async def _await_posted(self, posted: Posted) -> Code:
        return self._say_ended(await self._peer.lines.outcome(posted))

    def _say_ended(self, ended: Ended) -> Code:
        if ended.why:
            self._dialogue.show(events.NotDelivered(ended.to, ended.why))
        match ended.end:
            case End.DELIVERED:
                return Code.DONE
            case End.LEFT:
                self._dialogue.outcome = LEFT
                self._dialogue.show(events.LetterLeft(ended.to))
            case End.KEPT:
                self._dialogue.outcome = KEPT
                self._dialogue.show(events.KeptForLater(ended.to, self._peer.is_displaced))
        return Code.STORED

    # --- Lines to everybody ---

    async def to_all_or_one(self, line: typed.ToAll) -> Code:
        """Send `/msg dave text` privately; ask a person whom `MSG dave text` is for."""
        perhaps = line.perhaps
        if perhaps is None or not await self._is_user(perhaps.name, line):
            return await self._to_all(line.text)
        if line.is_private:
            return await self.private(perhaps.name, perhaps.text)
        if not self._asks or self._dialogue.is_script:
            self._dialogue.say(f"To everybody: {line.text}")
            return await self._to_all(line.text)

        async def reply(to_all: bool) -> Code:
            if to_all:
                return await self._to_all(line.text)
            return await self.private(perhaps.name, perhaps.text)

        name = perhaps.name
        question = f"To everybody, or to {name} alone?"
        self._questions.ask_which(question, name, ("ALL", name.upper()), reply)
        return Code.DONE

    async def _is_user(self, name: str, line: typed.ToAll) -> bool:
        """Whether this is another user's name; ask the directory only for a private line."""
        if any(fold(user.name) == fold(name) for user in self._peer.roster.known):
            return fold(name) != fold(self._peer.name)
        return line.is_private and await self._exists(name)

    async def _exists(self, name: str) -> bool:
        """Ask the directory whether there is a user of this name."""
        try:
            await self._peer.finder.contact(name)
        except Refused as failure:
            if failure.code != "NOBODY":
                raise
            return False
        return True

    async def _to_all(self, text: str) -> Code:
        deliveries = await self._peer.lines.to_all(text)
        crowd = await self._peer.roster.count_crowd()
        if not deliveries:
            none = f"{crowd:,} users are online, and you talk with none of them"
            why = none if crowd else "nobody else is online"
            self._dialogue.show(events.NotDelivered("anybody", why))
            return Code.UNREACHABLE
        self._dialogue.show(results.Sent(text, to_all=True))
        if crowd:
            is_whole = len(deliveries) < GENERAL_CHAT_MOST
            self._dialogue.show(results.SentInCrowd(crowd, len(deliveries), is_whole=is_whole))
        return await self._dialogue.aside(self._await_all_delivered, deliveries)

    async def _await_all_delivered(self, deliveries: list[Delivery]) -> Code:
        reached = 0
        for delivery in deliveries:
            try:
                await delivery.wait()
                reached += 1
            except ParleyError as failure:
                self._dialogue.show(_not_delivered(delivery, failure))
        return Code.DONE if reached else Code.UNREACHABLE

    async def is_private_line(self, perhaps: typed.Private) -> bool:
        """Whether `dave hello` is a private line: there is a user dave."""
        try:
            return await self._exists(perhaps.name)
        except DirectoryGone:
            if not self._peer.roster.is_known(perhaps.name):
                raise
            return True

    # --- Messages ---

    def offer(self, statement: str, name: str) -> None:
        """Ask whether to leave a message for a user who cannot be reached now."""

        async def begin() -> Code:
            self.writing_to = name
            self._peer.roster.meet(name)
            self._dialogue.say(f"Write your message for {name}; \\q ends it.")
            return Code.DONE

        question = "Would you like to leave a message?"
        self._questions.ask(statement, question, name, begin, leads=HOME)

    async def leave(self, name: str, text: str) -> Code:
        await self._check_receiver(name)
        self._dialogue.show(results.Sent(text, to=name, is_left=True))
        ended = await self._peer.letters.leave_or_keep(name, text)
        code = self._say_ended(ended)
        return Code.DONE if ended.end is End.LEFT else code

    async def _check_receiver(self, name: str) -> None:
        """Raise Refused for a user to whom nothing can be left, before it is shown as left."""
        self._peer.letters.refuse_myself(name)
        if not self._peer.roster.is_known(name):
            with suppress(DirectoryGone):  # it is kept then
                await self._peer.finder.contact(name)

    def end_writing(self) -> None:
        self._dialogue.say(f"You are done with the message for {self.writing_to}.")
        self.writing_to = ""


def _not_delivered(delivery: Delivery, failure: ParleyError) -> events.NotDelivered:
    return events.NotDelivered(delivery.to, clause(failure))
