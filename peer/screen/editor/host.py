"""The interface through which the editor reaches the rest of the terminal."""

from typing import Protocol

from prompt_toolkit.completion import Completer
from prompt_toolkit.formatted_text import StyleAndTextTuples

from peer.core.targets.choice import States
from peer.core.targets.desk import Desk
from peer.core.targets.place import Place
from peer.core.targets.target import Target


class LateCompleter(Completer):
    """A completer that may learn more after it was asked."""

    def has_more(self, line: str) -> bool:
        """Whether it can offer more for this line now than when it was asked last."""
        raise NotImplementedError


class EditorHost(Protocol):
    """Takes what is typed, and knows what to show around it.

    Everything is called in the editor's thread.
    """

    desk: Desk  #: where I am, and the line that I type there

    @property
    def places(self) -> States:
        """The places where I can go."""

    @property
    def unread_of_others(self) -> int:
        """The number of unread lines of users who have no place here."""

    @property
    def target(self) -> Target:
        """The target that the prompt shows now."""

    def submit(self, text: str, begun: float, target: Target) -> Place | None:
        """Take a line, the monotonic time at which it was begun, and its target.

        Return the place to which the line leads; None if I stay.
        """

    def went(self, place: Place) -> None:
        """Note that a key has led there."""

    def touched(self) -> None:
        """Note that the draft has changed."""

    def hold_back(self, text: str, begun: Target, now: Target) -> str:
        """Return the hint for a line that was begun for one target and must not go to another.

        Return "" when it may.
        """

    def interrupt(self) -> str:
        """Obey Ctrl-C on an empty line; return a hint."""

    def hint(self, text: str) -> str:
        """Return what this draft would do."""

    def prompt(self) -> StyleAndTextTuples:
        """Return what stands before the draft."""

    def toolbar(self) -> StyleAndTextTuples:
        """Return the line below the draft."""
