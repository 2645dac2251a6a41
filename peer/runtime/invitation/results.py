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


class _Asking:
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
    """The results that commands of mine wait for: one a callee."""

    def __init__(self) -> None:
        self._asking: dict[str, _Asking] = {}  # by folded callee

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The users whose answers are awaited."""
        return tuple(asking.callee for asking in self._asking.values())

    def is_waiting_for(self, name: str) -> bool:
        return fold(name) in self._asking

    @contextmanager
    def expect(self, callee: str) -> Iterator[_Asking]:
        """Wait for the answer of this user."""
        asking = self._asking[fold(callee)] = _Asking(callee)
        try:
            yield asking
        finally:
            self._asking.pop(fold(callee), None)

    def decide(self, other: str, outcome: Outcome, reason: str = "") -> None:
        """Note how my invitation to this user ended, if I still wait for it."""
        if (asking := self._asking.get(fold(other))) is not None:
            asking.decide(outcome, reason)
