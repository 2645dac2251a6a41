"""Note how far the user has read: a mark for all places, and one for each that is behind.

A place is a conversation, a user, or the general chat.  What was on the screen counts as
read when its user hits a key, except at places where they have not been since.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from shared.names import fold

TO_ALL: Final = "*all"


def with_user(name: str) -> str:
    """Return the place of private lines of this user; no conversation has an id like that."""
    return f"@{fold(name)}"


def _is_of_lines(place: str) -> bool:
    return place.startswith(("@", "*"))


class Mark(Struct, frozen=True):
    """The last text of a conversation, and the last single line, as numbered in the journal."""

    texts: int = 0
    lines: int = 0


class ReadMarks(Struct, frozen=True):
    """Everything up to `everywhere` was read, but only up to these marks at the places `behind`."""

    everywhere: Mark = Mark()
    behind: dict[str, Mark] = {}

    def of(self, place: str) -> Mark:
        return self.behind.get(place, self.everywhere)

    @property
    def lowest(self) -> Mark:
        """The mark up to which everything was read, wherever it stands."""
        texts = [one.texts for place, one in self.behind.items() if not _is_of_lines(place)]
        lines = [one.lines for one in self.behind.values()]  # mailboxes hold texts of rooms, too
        return Mark(min([self.everywhere.texts, *texts]), min([self.everywhere.lines, *lines]))

    def read(self, now: Mark, unread: Iterable[str] = ()) -> "ReadMarks":
        """Return the marks once all up to `now` was read, except at places that stay unread."""
        return ReadMarks(now, {place: self.of(place) for place in unread})

    def within(self, last: Mark) -> "ReadMarks":
        """Return the marks, none beyond the last numbers: those of forgotten texts come again."""

        def cut(mark: Mark) -> Mark:
            return Mark(min(mark.texts, last.texts), min(mark.lines, last.lines))

        return ReadMarks(
            cut(self.everywhere), {place: cut(mark) for place, mark in self.behind.items()}
        )
