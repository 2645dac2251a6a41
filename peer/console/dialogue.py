"""Talk to one user: show sentences, report performed lines, and work beside the keyboard."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from peer import events
from peer.console.codes import Code
from peer.local_peer import LocalPeer
from peer.results import Done
from peer.runtime.directory.directory_client import DirectoryGone, Displaced
from shared.errors import KeyChanged, ParleyError, Refused, Unreachable
from shared.names import fold
from shared.wording import sentence

OFFERS_MOST: Final = 20


class Screen(Protocol):
    """The screen of the user, or of the script, that gives the commands."""

    def show(self, *events: events.Event, then: Callable[[], None] | None = None) -> None:
        """Show each event on one or more lines of its own; call `then` when all were shown."""


class Dialogue:
    """Shows what came of commands, and starts the ones that must not hold up the next.

    `is_script`: each command is awaited, and no question is asked.
    """

    def __init__(self, peer: LocalPeer, screen: Screen, *, is_script: bool) -> None:
        self._peer, self._screen, self.is_script = peer, screen, is_script
        self.outcome = ""  #: the outcome of the last invitation or message, in a word
        self._doctor_offered: set[str] = set()  # the users for whom, folded; "": the directory
        self._line = ""  # the line that is being performed
        self._is_decided_later = False  # that line: it waits for an invitation

    def show(self, *events: events.Event, then: Callable[[], None] | None = None) -> None:
        self._screen.show(*events, then=then)

    def say(self, text: str) -> None:
        self.show(events.Notice(text))

    def fail(self, failure: ParleyError) -> Code:
        """Show why a command failed; return its code."""
        self.say(sentence(failure))
        if isinstance(failure, DirectoryGone) and not isinstance(failure, Displaced):
            self.offer_doctor()
        return code_of(failure)

    def offer_doctor(self, name: str = "") -> None:
        """Tell a person, once for each user, what finds out why they, or the directory, are gone.

        For the first OFFERS_MOST users only: by then it is known.
        """
        offered = self._doctor_offered
        if self.is_script or fold(name) in offered or len(offered) >= OFFERS_MOST:
            return
        offered.add(fold(name))
        keeps = f"{name} and you apart" if name else "the directory away"
        self.say(f"DOCTOR tells what keeps {keeps}.")

    # --- A line and its report ---

    def begin_line(self, line: str) -> None:
        self._line, self._is_decided_later = line, False

    def end_line(self, code: Code) -> None:
        """Report the line as done, unless its invitation is still to be decided."""
        if not self._is_decided_later:
            self._report(self._line, code, self.outcome if code is Code.STORED else "")

    def _report(self, line: str, code: Code, outcome: str) -> None:
        self.show(Done(line, code, code.name, outcome))

    # --- Work beside the keyboard ---

    async def aside(self, work: Callable[..., Awaitable[Code]], *arguments: object) -> Code:
        """Run it in the background, but await it for a script."""
        if self.is_script:
            return await work(*arguments)
        self._peer.spawn(self._guarded, work, *arguments)
        return Code.DONE

    async def _guarded(self, work: Callable[..., Awaitable[Code]], *arguments: object) -> None:
        try:
            await work(*arguments)
        except ParleyError as failure:
            self.fail(failure)

    async def until_decided(self, work: Callable[..., Awaitable[Code]], *words: object) -> Code:
        """Like `aside`, but report the line only when its invitation is decided."""
        if self.is_script:
            return await self._decide(work, *words)
        self._is_decided_later = True
        self._peer.spawn(self._report_decided, self._line, work, *words)
        return Code.DONE

    async def _report_decided(
        self, line: str, work: Callable[..., Awaitable[Code]], *words: object
    ) -> None:
        code = await self._decide(work, *words)
        self._report(line, code, self.outcome)

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
