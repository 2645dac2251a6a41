"""Run one conversation of mine: the shell of `peer.core.conversation.conversation`."""

from collections.abc import Iterable
from typing import Final, Protocol

import trio
from msgspec import Struct

from peer import events
from peer.core.conversation import actions as talk
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.sent_text import SentText, Times
from peer.runtime.conversation.member_links import MemberLinks
from peer.runtime.conversation.progress import Progress
from peer.runtime.conversation.screen import ConversationScreen
from peer.runtime.conversation.texts.answer_queue import AnswerQueue
from peer.runtime.conversation.texts.commit_queue import CommitQueue
from peer.runtime.conversation.texts.drafts import Drafts
from peer.runtime.conversation.texts.intake import TextIntake
from peer.runtime.conversation.texts.text_display import TextDisplay
from peer.runtime.keys.known_users import KnownUsers
from shared.messages.peers import Position, Text
from shared.world import Clock

LEAVE_SECONDS: Final = 10.0  # for the last texts of a conversation that is left
KEEP_SECONDS: Final = 1.0  # for the disk to take what came before I leave; members write on
TOGETHER_SECONDS: Final = 0.001  # texts that are written faster than this go out together


class Owner(Protocol):
    """The receiver of news about a conversation of mine."""

    def performed(self, conversation: "ConversationShell") -> None:
        """Note that something may be due earlier now in it."""

    def woke(self, conversation: "ConversationShell") -> None:
        """Note that the conversation that slept goes on."""

    def finished(self, conversation: "ConversationShell") -> None:
        """Note that it is over for its user, or sleeps."""

    def settled(self, conversation: "ConversationShell") -> None:
        """Note that it is done for good."""

    def leave_for(self, current: Conversation, to: str, after: Position, upto: int) -> None:
        """Leave texts in the directory's mailbox, which this member gets no other way."""


class Parts(Struct, frozen=True):
    """The parts that all my conversations share."""

    clock: Clock
    links: MemberLinks
    answers: AnswerQueue
    screen: ConversationScreen
    display: TextDisplay
    commits: CommitQueue
    intake: TextIntake
    drafts: Drafts
    known_users: KnownUsers
    progress: Progress
    times: Times


class ConversationShell:
    """One conversation: its core, what I have said in it, and how its core's actions are done."""

    def __init__(self, core: Conversation, parts: Parts, owner: Owner) -> None:
        self._core, self._parts, self._owner = core, parts, owner
        self._depth = 0  # of actions that set off others: nested `perform`s
        self._flushed_at = float("-inf")

    @property
    def core(self) -> Conversation:
        return self._core

    # --- What I do ---

    def begin(self) -> None:
        """Link its members."""
        self.perform(self._core.begin(trio.current_time()))

    def say(self, text: str) -> SentText:
        """Say a text; it is sent now, or with others that follow at once."""
        core, parts = self._core, self._parts
        sent = SentText(core, core.say(text), parts.progress, parts.times, text)
        now = trio.current_time()
        if now - self._flushed_at > TOGETHER_SECONDS or core.outgoing.must_flush:
            self.flush()
        else:
            parts.drafts.add(self)
        return sent

    async def wait_for_room(self) -> None:
        """Wait while too many of my texts are undelivered."""
        core = self._core
        if not core.outgoing.has_room:
            self.flush()
            await self._parts.progress.until(lambda: core.outgoing.has_room or core.is_over)

    def flush(self) -> None:
        """Send what I have said and not sent yet."""
        core = self._core
        self._flushed_at = trio.current_time()
        actions = core.flush(self._parts.clock.time(), self._flushed_at)
        if actions:
            self._parts.known_users.answer(*map(core.roll.name, core.others))
        self.perform(actions)

    async def deliver(self) -> None:
        """Wait until my texts have arrived, as far as they can, for LEAVE_SECONDS at most."""
        core = self._core
        self.flush()
        with trio.move_on_after(LEAVE_SECONDS):
            await self._parts.progress.until(
                lambda: core.outgoing.is_delivered or core.is_over or not core.outgoing.can_deliver
            )

    async def keep_shown(self) -> None:
        """Wait until what I have read is on disk, for KEEP_SECONDS at most.

        Then its authors hear that I have it before they hear that I leave.
        """
        core = self._core
        with trio.move_on_after(KEEP_SECONDS):
            await self._parts.progress.until(lambda: core.has_kept_shown or core.is_over)

    async def rest(self) -> None:
        """Deliver my texts, or leave what others would miss, because my program ends."""
        core = self._core
        await self.deliver()
        with trio.move_on_after(LEAVE_SECONDS):  # a disk may be full
            await self._parts.progress.until(lambda: core.outgoing.is_on_disk)
        self.perform(core.rest())

    def leave(self) -> None:
        self.perform(self._core.leave(trio.current_time()))

    # --- What comes of texts ---

    def shown(self, text: Text) -> None:
        """Note that the user has this text on the screen."""
        self.perform(self._core.shown(text))

    def kept(self, text: Text) -> None:
        """Note that this text, or at least its place, is on disk."""
        self._parts.display.forget(text)
        self.perform(self._core.kept(text, trio.current_time()))

    # --- Doing what the core decides ---

    def perform(self, actions: list[talk.Action]) -> None:
        """Perform actions in order, each with all that it sets off before the next one."""
        self._depth += 1
        try:
            for action in actions:
                self._perform(action)
        finally:
            self._depth -= 1
        if not self._depth:
            self._owner.performed(self)

    def _perform(self, action: talk.Action) -> None:
        core, parts = self._core, self._parts
        match action:
            case talk.Send(to, message):
                parts.links.post(core, to, message)
            case talk.Show(event):
                parts.screen.show(core, event)
            case talk.Read(text):
                parts.display.read(self, text)
            case talk.Keep(text):
                parts.intake.keep(self, text)
            case talk.KeepMembers(members):
                self.keep_members(members)
            case talk.KeepEntrance(entrance):
                parts.commits.add_entrance(core.id, entrance)
            case talk.KeepPlaces(places):
                parts.commits.add_places(core, places)
            case talk.KeepReturn(place):
                parts.commits.add_return(core, place)
            case talk.KeepAcknowledged(by, epoch, seq):
                parts.commits.add_acknowledged(core, by, epoch, seq)
                parts.times.note(core.id, by, epoch, seq, parts.clock.time())
            case talk.Discard(text):
                parts.display.forget(text)
            case talk.Refuse(to, reason):
                parts.links.refuse(core, to, reason)
            case talk.Hand(to, after):
                parts.answers.hand(self, to, after)
            case talk.Dial(to):
                if parts.links.dial(core, to):
                    self.perform(core.linked(to, trio.current_time()))
            case talk.LeaveFor(to, after, upto):
                self._owner.leave_for(core, to, after, upto)
            case talk.Back():
                self._owner.woke(self)
            case talk.Finished():
                self._owner.finished(self)
                parts.progress.made()
            case talk.Settled():
                self._settle()

    def keep_members(self, members: Iterable[str], *, pins: bool = False) -> None:
        """Put the memberships of these members on disk.  `pins`: remember their keys."""
        members = tuple(members)
        self._parts.screen.judge(self._core, members, pins=pins)
        self._parts.commits.add_members(self._core, members)

    def _settle(self) -> None:
        self._parts.intake.drop(self)
        self._parts.times.forget(self._core.id)
        self._owner.settled(self)
        self._parts.progress.made()

    def show_begun(self) -> None:
        """Tell the user who is in."""
        core = self._core
        begun = events.InRoom(core.room, core.others) if core.room else None
        self._parts.screen.show(core, begun or events.Connected(core.others))

    def show_back(self) -> None:
        """Tell the user that it goes on."""
        self._parts.screen.show(self._core, events.BackInConversation(self._core.others))
