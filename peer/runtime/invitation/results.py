"""The invitations of mine that are not decided yet, and how each was decided."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

import trio
from msgspec import Struct

from shared.names import fold


class Outcome(Enum):
    """The outcome of an invitation."""

    CONNECTED = auto()  #: the conversation has begun
    OFFLINE = auto()  #: the callee is not registered at this moment
    INTERRUPTIBLE = auto()  #: busy; ask again with `urgent`
    BUSY = auto()  #: busy, and not to be asked now
    DECLINED = auto()  #: the callee said no
    NO_ANSWER = auto()  #: the callee did not answer
    TAKEN_BACK = auto()  #: by `take_back`
    UNREACHABLE = auto()  #: no link; `reason` says why
    GONE = auto()  #: the callee went away while asked


class Result(Struct, frozen=True):
    """A decided invitation.  `name`: of the callee, as registered.

    `reason`: a fragment, when UNREACHABLE.
    """

    name: str
    outcome: Outcome
    reason: str = ""


class Asking:
    """An invitation of mine that is not decided yet."""

    def __init__(self, callee: str) -> None:
        self.callee = callee
        self._over = trio.Event()
        self._result = Result(callee, Outcome.GONE)

    def decide(self, outcome: Outcome, reason: str) -> None:
        self._result = Result(self.callee, outcome, reason)
        self._over.set()

    async def result(self) -> Result:
        await self._over.wait()
        return self._result


class Results:
    """The results that commands of mine wait for: one a callee.

    `room` is the id of the room into which a callee is asked; "": into a conversation.
    """

    def __init__(self) -> None:
        self._asking: dict[tuple[str, str], Asking] = {}  # by folded callee, and room

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The users whose answers are awaited."""
        return tuple(asking.callee for asking in self._asking.values())

    @property
    def talks_asked_for(self) -> tuple[str, ...]:
        """Those of them who are asked into a conversation."""
        return tuple(one.callee for (_, room), one in self._asking.items() if not room)

    def is_waiting_for(self, name: str, room: str | None = None) -> bool:
        """Whether the answer of this user is awaited; None: for anything."""
        return any(who == fold(name) and room in (None, of) for who, of in self._asking)

    @contextmanager
    def expect(self, callee: str, room: str) -> Iterator[Asking]:
        """Wait for the answer of this user."""
        asking = self._asking[fold(callee), room] = Asking(callee)
        try:
            yield asking
        finally:
            self._asking.pop((fold(callee), room), None)

    def decide(self, other: str, outcome: Outcome, reason: str = "", room: str = "") -> None:
        """Note how my invitation to this user ended, if I still wait for it."""
        if (asking := self._asking.get((fold(other), room))) is not None:
            asking.decide(outcome, reason)
