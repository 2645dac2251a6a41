"""Say that something happened, in words for its user: the base of all events."""

from collections.abc import Callable

from msgspec import Struct

MIB = 1024 * 1024


class Event(Struct, frozen=True):
    """Something happened.  `said()` returns a beginning of ours and a text that may be theirs."""

    def said(self) -> tuple[str, str]:
        raise NotImplementedError

    def __str__(self) -> str:
        return "".join(self.said())

    def lines(self) -> list[str]:
        """Return the parts that begin a new line on the screen."""
        return [str(self)]


Tell = Callable[[Event, Callable[[], None]], None]
"""Shows the event, then calls the function, to acknowledge what was shown.  Never blocks."""


def nothing() -> None:
    """Do nothing, after an event that nobody acknowledges."""
