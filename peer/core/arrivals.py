"""Decides whether something that comes is new: it comes once, whichever way it comes.

A line comes over a link, or as a letter.  A text of a conversation comes over a link, or as
a copy among the letters.  Both ways may be open at once, and each may bring it again.
"""

from collections.abc import Container
from enum import Enum
from typing import NamedTuple, Protocol

from peer.core.keys.name_marks import variants
from peer.core.membership import member_id
from shared.names import fold
from shared.sealing import Letter


class Arrival(Enum):
    """The state of something that comes now, perhaps again."""

    NEW = "nobody has heard of it here"
    COMING = "it came, and is on its way to the screen and the disk"
    HERE = "it is on disk"


class TextPlace(NamedTuple):
    """The place of a text in its conversation; `author` is a member id."""

    conversation: str
    author: str
    epoch: str
    seq: int


class OnDisk(Protocol):
    """The arrivals that are on disk."""

    def has_line(self, sender: str, id: str) -> bool: ...

    def has_text(self, place: TextPlace) -> bool: ...


class Direct(Protocol):
    """The texts of my conversations that came over links."""

    def has_come(self, place: TextPlace) -> bool:
        """Whether it came, and was shown or is about to be."""


class Arrivals:
    """The one ledger of what comes.  Whoever takes a line tells its beginning and its end."""

    def __init__(self, kept: OnDisk, direct: Direct) -> None:
        self._kept, self._direct = kept, direct
        self._coming: set[tuple[str, str]] = set()  # lines and letters, by sender and id

    def begin(self, sender: str, id: str) -> None:
        """Note that this line or letter is taken; call `end` when it is on disk or given up."""
        self._coming.add((fold(sender), id))

    def end(self, sender: str, id: str) -> None:
        self._coming.remove((fold(sender), id))

    def of_line(self, sender: str, id: str) -> Arrival:
        if (fold(sender), id) in self._coming:
            return Arrival.COMING
        return Arrival.HERE if self._is_kept(sender, id) else Arrival.NEW

    def of_letter(self, letter: Letter) -> Arrival:
        place = place_of(letter)
        if place is None:
            return self.of_line(letter.sender, letter.id)
        if self._is_kept(letter.sender, letter.id) or self._kept.has_text(place):
            return Arrival.HERE
        return Arrival.COMING if self._direct.has_come(place) else Arrival.NEW

    def came_directly(self, letter: Letter) -> bool:
        """Whether it is the copy of a text that came over a link, kept or not."""
        place = place_of(letter)
        return place is not None and self._direct.has_come(place)

    def follows_gap(self, letter: Letter, opened: Container[tuple[str, str]]) -> bool:
        """Whether the letter that its sender left before it has not come.

        `opened`: sender and id of the letters that come together with it.
        """
        sender, before = letter.sender, letter.after
        if not before or (sender, before) in opened:
            return False
        return self.of_line(sender, before) is Arrival.NEW

    def _is_kept(self, sender: str, id: str) -> bool:
        """Whether it is on disk, whichever mark its sender's name had when it was shown."""
        return any(self._kept.has_line(called, id) for called in variants(sender))


def place_of(letter: Letter) -> TextPlace | None:
    """Return where the text stands that a letter copies; None for a letter of its own."""
    about = letter.about
    if about is None:
        return None
    author = member_id(letter.sender, letter.key)
    return TextPlace(about.conversation, author, about.epoch, about.seq)
