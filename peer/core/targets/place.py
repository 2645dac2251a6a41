"""A place: what a user goes to, so that the next lines go there."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from peer import events
from peer.events import Event
from shared.names import fold, is_name


class Place(Struct, frozen=True):
    """A person, a room, or home if it is neither.

    Home is my conversation if there is one, the message that I am writing for somebody, or
    else the program.  It is one place, whatever begins or ends there: only its target changes.
    """

    person: str = ""
    room: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return fold(self.person), fold(self.room)

    @property
    def is_home(self) -> bool:
        return self.key == HOME.key

    def is_same(self, other: "Place") -> bool:
        return self.key == other.key

    def __str__(self) -> str:
        """Return its name as a screen shows it: no name of a person begins with `#`."""
        return f"#{self.room}" if self.room else self.person


HOME: Final = Place()


def place_of(event: Event, rooms: Iterable[str]) -> Place | None:
    """Return the place that a text of somebody else is for; None if it is for none.

    `rooms`: what I call those that I am in.  Nobody can go to another one, so a text of it,
    which comes after I have left, is for its sender's place.  A sender whose name bears a mark
    is not the user of that name, and nobody can go there.
    """
    match event:
        case events.Said(room=""):
            return HOME
        case events.Said(room=room) | events.Letter(room=room) if fold(room) in map(fold, rooms):
            return Place(room=room)
        case (
            events.Said(sender=sender)
            | events.SaidPrivately(sender=sender)
            | events.Letter(sender=sender)
        ):
            return Place(person=sender) if is_name(sender) else None
    return None
