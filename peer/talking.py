"""My conversation: the shell of `peer.conversation`."""

from collections.abc import Callable
from typing import Final

import trio

from peer import conversation as talk
from peer import events
from peer.conversation import Conversation
from peer.events import Tell
from peer.network import Links
from peer.timer import Timer
from shared.errors import Refused
from shared.messages import Acknowledge, Hello, Leave, Say
from shared.names import fold
from shared.world import World

LEAVE_SECONDS: Final = 10.0  # for the last texts of a conversation that is left


class Talking:
    """The conversation that I am in, if I am in one."""

    def __init__(
        self,
        world: World,
        links: Links,
        tell: Tell,
        *,
        ignored: set[str],
        changed: Callable[[], None],
        undelivered: Callable[[talk.Settled], None],
    ) -> None:
        """`changed` is called when a conversation begins or ends, `undelivered` with
        what one that ended could not deliver.
        """
        self._world, self._links, self._tell, self._ignored = world, links, tell, ignored
        self._changed, self._undelivered = changed, undelivered
        self.conversation: Conversation | None = None
        self._settling: list[Conversation] = []  # over, with texts that are not acknowledged
        self._progress = trio.Event()  # something was acknowledged, or all is over
        self._timer = Timer(self._next_deadline, self._tick)

    @property
    def others(self) -> tuple[str, ...]:
        return (self.conversation.other,) if self.conversation else ()

    def is_with(self, name: str) -> bool:
        return any(fold(other) == fold(name) for other in self.others)

    # --- What I do ---

    def begin(self, id: str, other: str) -> None:
        """Both have agreed.  The conversation that I was in is left."""
        self.leave_now()
        begun = self.conversation = Conversation(id, other, self._world.new_id())
        self._changed()
        self._tell(events.Connected((other,)), events.nothing)
        self._perform(begun, begun.opened())
        if self._links.to(other) is None:
            self._perform(begun, begun.link_lost(other, trio.current_time()))

    async def say(self, text: str) -> None:
        """Waits while too many texts wait to be delivered.  Raises Refused outside."""
        current = self.conversation
        if current is None:
            raise Refused("You are in no conversation.")
        self._perform(current, current.say(text, self._world.clock.time()))
        await self._until(lambda: current.has_room or current.is_over)

    async def leave(self) -> bool:
        """After what was written has arrived, if it can; False when there is nothing to leave."""
        current = self.conversation
        if current is None:
            return False
        with trio.move_on_after(LEAVE_SECONDS):
            await self._until(
                lambda: current.is_delivered or current.is_over or not current.is_linked
            )
        if not current.is_over:
            self.leave_now()
        return True

    def leave_now(self) -> None:
        if self.conversation is not None:
            self._perform(self.conversation, self.conversation.leave(trio.current_time()))

    async def settle(self) -> None:
        """Return when no conversation waits for its last acknowledgements."""
        await self._until(lambda: not self._settling)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            if self._progress.is_set():  # else others wait for this event too
                self._progress = trio.Event()
            await self._progress.wait()

    # --- What the links do ---

    def linked(self, name: str) -> None:
        if self.conversation is not None:
            self._perform(self.conversation, self.conversation.linked(name))

    def link_lost(self, name: str) -> None:
        for current in self._all():
            self._perform(current, current.link_lost(name, trio.current_time()))
        self._progress.set()

    def unreachable(self, name: str) -> None:
        if self.conversation is not None:
            failed = self.conversation.unreachable(name, trio.current_time())
            self._perform(self.conversation, failed)

    def hear(self, name: str, message: Say | Acknowledge | Hello | Leave) -> bool:
        """False when it is of a conversation that I am not in.  Raises ProtocolError."""
        for current in self._all():
            if current.id == message.conversation:
                self._perform(current, current.receive(name, message, trio.current_time()))
                self._progress.set()
                return not current.is_over
        return False

    def _all(self) -> list[Conversation]:
        return [*self._settling, self.conversation] if self.conversation else [*self._settling]

    # --- What the clock does ---

    async def run(self) -> None:
        """Until cancelled."""
        await self._timer.run()

    def _next_deadline(self) -> float | None:
        if self.conversation is not None and not self._settling:
            return self.conversation.next_deadline()  # asked for at each text
        times = [current.next_deadline() for current in self._all()]
        return min((time for time in times if time is not None), default=None)

    def _tick(self) -> None:
        for current in self._all():
            self._perform(current, current.tick(trio.current_time()))

    # --- Doing what the core decides ---

    def _perform(self, current: Conversation, actions: list[talk.Action]) -> None:
        for action in actions:
            match action:
                case talk.Send(to, message):
                    self._links.post(to, message)
                case talk.Show(event, seq):
                    self._show(current, event, seq)
                case talk.Relink(to):
                    self._links.dial(to)
                case talk.Finished():
                    self._finish(current)
                case talk.Settled():
                    self._settle(current, action)
        self._timer.look()

    def _show(self, current: Conversation, event: events.Event, seq: int) -> None:
        """A text is acknowledged once it was shown."""

        def shown() -> None:
            if seq:
                self._perform(current, current.shown(seq, trio.current_time()))

        if isinstance(event, events.Said) and fold(event.sender) in self._ignored:
            shown()
        else:
            self._tell(event, shown)

    def _finish(self, current: Conversation) -> None:
        self.conversation = None
        self._settling.append(current)
        self._changed()

    def _settle(self, current: Conversation, settled: talk.Settled) -> None:
        self._settling.remove(current)
        self._progress.set()
        if settled.undelivered:
            self._undelivered(settled)
