"""Talk to one user: show sentences, report performed lines, and work beside the keyboard."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from peer import events
from peer.console.codes import Code
from peer.runtime.directory.directory_client import DirectoryGone
from shared.errors import KeyChanged, ParleyError, Refused, Unreachable
from shared.wording import sentence

Spawn = Callable[..., None]
ReportDone = Callable[[str, Code, str], None]
"""Report a line as done, with its code and the outcome of its invitation or message."""


class ShowEvents(Protocol):
    def __call__(self, *events: events.Event, then: Callable[[], None] | None = None) -> None:
        """Show each event on one or more lines of its own; call `then` when all were shown."""


class Dialogue:
    """Shows what came of commands, and starts the ones that must not hold up the next.

    `spawn` starts work in the background; with None, as for a script, each command is
    awaited.  `done` is called for each line that was performed.
    """

    def __init__(self, show: ShowEvents, spawn: Spawn | None, done: ReportDone) -> None:
        self.show, self._spawn, self._done = show, spawn, done
        self.outcome = ""  #: the outcome of the last invitation or message, in a word
        self._line = ""  # the line that is being performed
        self._is_decided_later = False  # that line: it waits for an invitation

    @property
    def is_with_a_person(self) -> bool:
        """Whether there is a keyboard, so that a question can be answered."""
        return self._spawn is not None

    def say(self, text: str) -> None:
        self.show(events.Notice(text))

    def fail(self, failure: ParleyError) -> Code:
        """Show why a command failed; return its code."""
        self.say(sentence(failure))
        return code_of(failure)

    # --- A line and its report ---

    def begin_line(self, line: str) -> None:
        self._line, self._is_decided_later = line, False

    def end_line(self, code: Code) -> None:
        """Report the line as done, unless its invitation is still to be decided."""
        if not self._is_decided_later:
            self._done(self._line, code, self.outcome if code is Code.STORED else "")

    # --- Work beside the keyboard ---

    async def aside(self, work: Callable[..., Awaitable[Code]], *arguments: object) -> Code:
        """Run it in the background if there is a keyboard, else await it."""
        if self._spawn is None:
            return await work(*arguments)
        self._spawn(self._guarded, work, *arguments)
        return Code.DONE

    async def _guarded(self, work: Callable[..., Awaitable[Code]], *arguments: object) -> None:
        try:
            await work(*arguments)
        except ParleyError as failure:
            self.fail(failure)

    async def until_decided(self, work: Callable[..., Awaitable[Code]], *words: object) -> Code:
        """Like `aside`, but report the line only when its invitation is decided."""
        if self._spawn is None:
            return await self._decide(work, *words)
        self._is_decided_later = True
        self._spawn(self._report_decided, self._line, work, *words)
        return Code.DONE

    async def _report_decided(
        self, line: str, work: Callable[..., Awaitable[Code]], *words: object
    ) -> None:
        code = await self._decide(work, *words)
        self._done(line, code, self.outcome)

    async def _decide(self, work: Callable[..., Awaitable[Code]], *words: object) -> Code:
        """Perform an invitation; set `outcome`, also when it is refused."""
        try:
            return await work(*words)
        except ParleyError as failure:
            code = self.fail(failure)
            self.outcome = code.name.lower()
            return code


def code_of(failure: ParleyError) -> Code:
    match failure:
        case KeyChanged():
            return Code.REFUSED
        case DirectoryGone():
            return Code.DIRECTORY
        case Unreachable():
            return Code.UNREACHABLE
        case Refused(code="NOBODY"):
            return Code.NOBODY
    return Code.REFUSED
