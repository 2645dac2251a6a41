"""The interface that a program needs of any screen and its keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from peer.core.targets.place import Place
from peer.core.targets.target import Target
from peer.events import Event
from peer.screen.ui_state import UiState

if TYPE_CHECKING:
    from peer.storage.vault import Vault

Then = Callable[[], None]


class Line(Struct, frozen=True):
    """A line that was typed.

    `begun`: when its first key was hit, in trio's time; None: unknown, so it may answer every
    question.  `target`: where the prompt showed that it goes; None: there was no prompt, so it
    goes where it can.  `led`: where the prompt has gone with it; an empty line only goes there.
    """

    text: str
    begun: float | None = None
    target: Target | None = None
    led: Place | None = None


class Frontend(Protocol):
    """A screen and its keyboard.  `run` runs as long as the program."""

    looks_back: bool  #: whether a start shows what was said last; scripts wait for other lines

    def show(self, *events: Event, then: Then | None = None) -> None:
        """Show events without waiting.

        `then` is called once all of them are on the screen, and never if they were lost.
        """

    def stands(self, ui_state: UiState) -> None:
        """Show the present state without waiting."""

    def remember(self, folder: Path, vault: "Vault | None" = None) -> None:
        """Keep what is typed in this folder, sealed, if this frontend can call it back."""

    async def read_line(self) -> Line | None:
        """Return the next line, None at the end of input.  A cancelled call loses nothing."""

    async def touched(self) -> None:
        """Return when a key is pressed, also one before Enter; never, if nobody has keys."""

    async def sought(self) -> str:
        """Return the beginning of a name that is completed, and of which few are known."""

    async def flushed(self) -> None:
        """Return when the prompt and all that was shown before are visible, or run() is over."""

    async def run(self) -> None:
        """Run the screen; raise ScreenGone when nobody can see it any more."""
