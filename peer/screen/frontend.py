"""What a program needs of a screen and its keyboard, whatever they are."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from peer.core.target import Target
from peer.events import Event
from peer.screen.ui_state import UiState

if TYPE_CHECKING:
    from peer.storage.vault import Vault

Then = Callable[[], None]


class Line(Struct, frozen=True):
    """What was typed.

    `begun`: when, in trio's time; None: nobody knows, so it answers all.  `target`: where the
    prompt said that it goes; None: there was no prompt, so it goes where it can.
    """

    text: str
    begun: float | None = None
    target: Target | None = None


class Frontend(Protocol):
    """A screen and its keyboard.  `run` is alive as long as the program is."""

    def show(self, *events: Event, then: Then | None = None) -> None:
        """Never waits.  `then` is called once all of it stands there, and never if it was lost."""

    def stands(self, ui_state: UiState) -> None:
        """How things stand now.  Never waits."""

    def remember(self, folder: Path, vault: "Vault | None" = None) -> None:
        """Keep what is typed in this folder, sealed, where that can be called back."""

    async def read_line(self) -> Line | None:
        """None at the end of input.  A cancelled call loses nothing."""

    async def flushed(self) -> None:
        """Return when the prompt and all that was shown before stand there, or run() is over."""

    async def run(self) -> None:
        """Raises ScreenGone when nobody can see it any more."""
