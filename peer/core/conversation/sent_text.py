"""A text of mine in a conversation, to be asked what became of it."""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from peer.core.conversation.conversation import (
        Conversation,  # a screen asks what became of a text, no more
    )

TIMES: Final = 256  # of acknowledgements of one member, the last ones


class Times:
    """When whose disk had my texts; by the clock of this machine."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str, str], deque[tuple[int, float]]] = defaultdict(
            lambda: deque(maxlen=TIMES)
        )

    def note(self, conversation: str, by: str, epoch: str, seq: int, time: float) -> None:
        self._at[conversation, by, epoch].append((seq, time))

    def of(self, conversation: str, by: str, epoch: str, seq: int) -> float | None:
        """None when they have not got it, or that was too long ago."""
        times = self._at.get((conversation, by, epoch), ())
        return next((time for upto, time in times if upto >= seq), None)

    def forget(self, conversation: str) -> None:
        for key in [key for key in self._at if key[0] == conversation]:
            del self._at[key]


class SentText:
    __slots__ = ("_times", "_until", "conversation", "seq")

    def __init__(
        self,
        conversation: "Conversation",
        seq: int,
        until: Callable[[Callable[[], bool]], Awaitable[None]],
        times: Times,
    ) -> None:
        self.conversation, self.seq = conversation, seq
        self._until, self._times = until, times

    async def delivered(self) -> None:
        """Return when everybody has it on disk, or nothing more will come of it."""
        await self._until(lambda: self.conversation.is_settled or self.is_everywhere)

    @property
    def is_everywhere(self) -> bool:
        """Everybody has it on disk."""
        return all(self._state(member) == "delivered" for member in self._members())

    def _members(self) -> list[str]:
        """Everybody else who is in the conversation, and was when it was said; their ids."""
        current = self.conversation
        return [
            member
            for member, _, _ in current.who()
            if current.is_for(member, current.epoch, self.seq)
        ]

    def _member(self, called: str) -> str:
        """Who is in before who has left."""
        current = self.conversation
        known = [*(member for member, _, _ in current.who()), *current.roll.everybody()]
        return next((member for member in known if current.called(member) == called), "")

    def state(self, name: str) -> str:
        """Delivered (on their disk), left (in their mailbox) or waiting."""
        return self._state(self._member(name))

    def _state(self, member: str) -> str:
        current, epoch = self.conversation, self.conversation.epoch
        if current.has(member, epoch, self.seq):
            return "delivered"
        return "left" if current.waits_at_directory(member, epoch, self.seq) else "waiting"

    def states(self) -> dict[str, str]:
        """Of everybody else who is in the conversation, and was when it was said; by what
        the user reads for them.
        """
        called = self.conversation.called
        return {called(member): self._state(member) for member in self._members()}

    def delivered_at(self, name: str) -> float | None:
        """Seconds since 1970, as far as it is known still."""
        current, member = self.conversation, self._member(name)
        return self._times.of(current.id, member, current.epoch, self.seq)
