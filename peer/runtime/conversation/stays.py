"""My conversations by where they are: the one I am in, the one that sleeps, those that settle."""

from collections.abc import Iterator
from typing import Protocol

from peer.core.conversation.conversation import Conversation
from peer.runtime.conversation.shell import ConversationShell
from peer.runtime.conversation.texts.commit_queue import CommitQueue
from peer.runtime.forgetting import Forgetting
from peer.runtime.timer import Timer
from shared.messages.peers import Position


class ConversationListener(Protocol):
    """The receiver of news about my conversations; called in the loop, never blocks."""

    def conversation_changed(
        self, current: Conversation | None, rooms: tuple[Conversation, ...]
    ) -> None:
        """Note that a conversation begins, ends or goes on.

        `current`: the one I am in now; `rooms`: those I am in beside it.
        """

    def leave_for(self, current: Conversation, to: str, after: Position, upto: int) -> None:
        """Leave texts in the directory's mailbox, which this member gets no other way."""


class Stays:
    """I am in one conversation at most, and in some rooms beside it.

    Others may settle: they are over, and texts on their way in them are still acknowledged.
    One may sleep: it was interrupted, and goes on when a member is in reach again.
    """

    def __init__(
        self,
        commits: CommitQueue,
        forgetting: Forgetting,
        listener: ConversationListener,
        timer: Timer,
    ) -> None:
        self._commits, self._forgetting = commits, forgetting
        self._listener, self._timer = listener, timer
        self.current: ConversationShell | None = None
        self.asleep: ConversationShell | None = None
        self.rooms: dict[str, ConversationShell] = {}  #: by id
        self._settling: list[ConversationShell] = []

    @property
    def all(self) -> list[ConversationShell]:
        """All of them, earlier ones first."""
        ours = filter(None, (self.current, self.asleep))
        return [*self._settling, *self.rooms.values(), *ours]

    def of(self, id: str) -> list[ConversationShell]:
        """Return my stays in this conversation.

        I may have left it and come back: an earlier stay only waits for acknowledgements.
        """
        return [one for one in self.all if one.core.id == id]

    def shell(self, core: Conversation) -> ConversationShell:
        return next(one for one in self.all if one.core is core)

    @property
    def cores(self) -> Iterator[Conversation]:
        return (one.core for one in self.all)

    @property
    def is_settled(self) -> bool:
        """Whether none waits for its last acknowledgements."""
        return not self._settling

    def next_deadline(self) -> float | None:
        times = [core.next_deadline() for core in self.cores]
        return min((time for time in times if time is not None), default=None)

    def changed(self) -> None:
        """Tell others that I am in a conversation now, or in none."""
        rooms = tuple(one.core for one in self.rooms.values())
        self._listener.conversation_changed(self.current.core if self.current else None, rooms)

    def give_up_asleep(self) -> ConversationShell | None:
        """Return the one that slept, which settles now, if there is one."""
        if (asleep := self.asleep) is not None:
            self.asleep = None
            self._settling.append(asleep)
            self._commits.leave(asleep.core)
        return asleep

    # --- News of a conversation (peer.runtime.conversation.shell.Owner) ---

    def performed(self, conversation: ConversationShell) -> None:
        self._timer.look(conversation.core.next_deadline())

    def woke(self, conversation: ConversationShell) -> None:
        """Resume the conversation that slept, unless I am in another one by now."""
        if conversation is self.asleep:
            self.asleep, self.current = None, conversation
            self.changed()
            conversation.show_back()

    def finished(self, conversation: ConversationShell) -> None:
        if conversation is self.current:
            self.current = None
        if conversation is self.asleep:
            self.asleep = None
        if conversation is self.rooms.get(conversation.core.id):
            del self.rooms[conversation.core.id]
        if conversation.core.is_asleep:
            self.asleep = conversation
        else:
            self._settling.append(conversation)
            self._commits.end(conversation.core.id)
            self._commits.leave(conversation.core)
        self.changed()

    def settled(self, conversation: ConversationShell) -> None:
        if conversation is self.asleep:
            self.asleep = None
            self._commits.end(conversation.core.id)
        if conversation in self._settling:
            self._settling.remove(conversation)
        self._forgetting.begin(conversation.core.id)

    def leave_for(self, current: Conversation, to: str, after: Position, upto: int) -> None:
        self._listener.leave_for(current, to, after, upto)
