"""Show what happens in my conversations, in its order and under the right names."""

from collections.abc import Callable, Iterable
from enum import Enum, auto

from peer import events
from peer.core.conversation.conversation import Conversation
from peer.core.display_gate import DisplayGate
from peer.core.event_names import as_called, in_room
from peer.core.lateness import Lateness
from peer.events import Tell
from peer.runtime.conversation.progress import Progress
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.name_judge import NameJudge
from peer.runtime.tasks import Tasks

Shown = Callable[[], None]


class WhyHidden(Enum):
    """A reason to show nothing of a conversation yet; names not judged yet are another."""

    DISK = auto()  #: it is not on disk yet


class ConversationScreen:
    """The way of events to the user.  Events name members by their ids, which nobody reads."""

    def __init__(
        self, tell: Tell, known_keys: KnownKeys, name_judge: NameJudge, progress: Progress,
        tasks: Tasks,
    ) -> None:  # fmt: skip
        self._tell, self._known_keys, self._name_judge = tell, known_keys, name_judge
        self._progress, self._tasks = progress, tasks
        self._gate = DisplayGate[tuple[Conversation, events.Event, Shown]]()

    def show(
        self, current: Conversation, event: events.Event, shown: Shown = events.nothing
    ) -> None:
        """Show an event as soon as the conversation may be shown; then call `shown`."""
        if not self._gate.holds(current.id, (current, event, shown)):
            self._tell(_named(current, event), shown)

    def show_text(
        self,
        current: Conversation,
        author: str,
        lines: list[str],
        delay: Lateness | None,
        shown: Shown,
    ) -> None:
        """Show the lines of one text; call `shown` with the last one, or at once if there is none.

        The name of its author is looked up once for all lines.
        """
        if not lines:
            shown()
        elif self.is_closed(current.id):
            for line, then in _with_last(lines, shown):
                self.show(current, events.Said(author, line, delay), then)
        else:
            sender = current.called(author)
            for line, then in _with_last(lines, shown):
                self._tell(events.Said(sender, line, delay, current.room), then)

    def is_closed(self, id: str) -> bool:
        """Whether nothing of this conversation may be shown yet."""
        return self._gate.is_closed(id)

    def close_until_kept(self, id: str) -> None:
        self._gate.close(id, WhyHidden.DISK)

    def kept(self, ids: Iterable[str]) -> None:
        """Let these be shown: a restart finds them, or the user was told why not."""
        for id in ids:
            self._open(id, WhyHidden.DISK)

    def _open(self, id: str, reason: object) -> None:
        for current, event, shown in self._gate.open(id, reason):
            self._tell(_named(current, event), shown)
        self._progress.made()  # a command may wait until all was shown

    # --- Whose names these are ---

    def judge(self, current: Conversation, members: Iterable[str], *, pins: bool) -> None:
        """Show nothing of the conversation until it is known whose names these are.

        If that cannot be known now, show it all the same.  `pins`: remember their keys.
        """
        names = tuple(map(current.roll.name, members))
        if all(map(self._known_keys.is_judged, names)):
            if pins:
                self._known_keys.pin(*names)
            return
        reason = object()
        self._gate.close(current.id, reason)
        self._tasks.linger(self._judge, current.id, names, reason, pins)

    async def _judge(self, id: str, names: tuple[str, ...], reason: object, pins: bool) -> None:
        await self._name_judge.judge(names)
        if pins:
            self._known_keys.pin(*names)
        self._open(id, reason)


def _named(current: Conversation, event: events.Event) -> events.Event:
    """Return the event with the names that the user reads."""
    return in_room(as_called(event, current.called), current.room)


def _with_last(lines: list[str], shown: Shown) -> list[tuple[str, Shown]]:
    return [*((line, events.nothing) for line in lines[:-1]), (lines[-1], shown)]
