"""A handle for a text of mine in a conversation, which reports who has it."""

from collections import defaultdict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from peer.core.conversation.conversation import (
        Conversation,  # a screen only asks who has a text
    )

TIMES: Final = 256  # of the last acknowledgements of one member


class Times:
    """The times when each member had my texts on disk, by the clock of this machine."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str, str], deque[tuple[int, float]]] = defaultdict(
            lambda: deque(maxlen=TIMES)
        )

    def note(self, conversation: str, by: str, epoch: str, seq: int, time: float) -> None:
        self._at[conversation, by, epoch].append((seq, time))

    def of(self, conversation: str, by: str, epoch: str, seq: int) -> float | None:
        """Return when they had it; None if they do not have it, or since too long ago."""
        times = self._at.get((conversation, by, epoch), ())
        return next((time for upto, time in times if upto >= seq), None)

    def forget(self, conversation: str) -> None:
        for key in [key for key in self._at if key[0] == conversation]:
            del self._at[key]


class ProgressNews(Protocol):
    """The news that something about a conversation may have changed."""

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when this holds."""


class SentText:
    __slots__ = ("_progress", "_times", "conversation", "seq", "text")

    def __init__(
        self, conversation: "Conversation", seq: int, progress: ProgressNews, times: Times,
        text: str,
    ) -> None:  # fmt: skip
        self.conversation, self.seq, self.text = conversation, seq, text
        self._progress, self._times = progress, times

    async def delivered(self) -> None:
        """Wait until everybody has it on disk, or it cannot get any further."""
        await self._progress.until(lambda: self.conversation.is_settled or self.is_everywhere)

    async def reached(self) -> None:
        """Wait until somebody has it on disk, or nobody is there who could have it soon."""
        mine = self.conversation.outgoing
        await self._progress.until(lambda: self.is_somewhere or not mine.can_deliver)

    @property
    def is_somewhere(self) -> bool:
        """Whether another member has it on disk."""
        return any(self._state(member) == "delivered" for member in self._members())

    @property
    def is_everywhere(self) -> bool:
        """Whether everybody has it on disk."""
        return all(self._state(member) == "delivered" for member in self._members())

    def _members(self) -> list[str]:
        """Return the ids of the others who are in, and were when it was said."""
        current = self.conversation
        return [
            member
            for member, _, _ in current.reach.who()
            if current.outgoing.is_for(member, current.outgoing.epoch, self.seq)
        ]

    def _member(self, called: str) -> str:
        """Return the id of a member by what the user reads; members who are in come first."""
        current = self.conversation
        known = [*(member for member, _, _ in current.reach.who()), *current.roll.everybody()]
        return next((member for member in known if current.called(member) == called), "")

    def state(self, name: str) -> str:
        """Return "delivered" (on their disk), "left" (in their mailbox) or "waiting"."""
        return self._state(self._member(name))

    def _state(self, member: str) -> str:
        current, epoch = self.conversation, self.conversation.outgoing.epoch
        if current.outgoing.has(member, epoch, self.seq):
            return "delivered"
        return "left" if current.mailbox.has(member, epoch, self.seq) else "waiting"

    def states(self) -> dict[str, str]:
        """Return the states for the others who are in, and were when it was said.

        The keys are what the user reads for each.
        """
        called = self.conversation.called
        return {called(member): self._state(member) for member in self._members()}

    def delivered_at(self, name: str) -> float | None:
        """Return when they had it on disk, in seconds since 1970; None if not known any more."""
        current, member = self.conversation, self._member(name)
        return self._times.of(current.id, member, current.outgoing.epoch, self.seq)
