"""Choose the place to which a key leads, from what a screen knows of the places."""

from collections.abc import Iterable, Sequence

from peer.core.targets.place import HOME, Place
from peer.core.targets.places import PlaceState
from shared.errors import Refused
from shared.names import fold

States = Sequence[PlaceState]


def numbered(states: States, number: int) -> Place | None:
    """Return the place with this number."""
    return next((one.place for one in states if one.number == number), None)


def next_unread(states: States, here: Place) -> Place | None:
    """Return the place whose unread texts have waited longest; persons come first."""
    waiting = [one for one in states if one.unread and not one.place.is_same(here)]
    waiting.sort(key=lambda one: (not one.place.person, one.since))
    return waiting[0].place if waiting else None


def stepped(states: States, here: Place, by: int) -> Place:
    """Return the next place, or the one before (`by` -1), of those with a number or texts."""
    known = [one.place for one in states if one.number or one.unread or one.place.is_same(here)]
    at = next((n for n, place in enumerate(known) if place.is_same(here)), -1)
    if at < 0:
        return known[0] if known else HOME
    return known[(at + by) % len(known)]


def known_as(states: States, place: Place) -> Place:
    """Return the place as it is known already: in the spelling of its name."""
    return next((one.place for one in states if one.place.is_same(place)), place)


def named(words: str, name: str, sign: str, rooms: Iterable[str], users: Iterable[str]) -> Place:
    """Return the place of that name: a room of mine, or else a person.

    `words`: of the command.  `users`: those of these rooms' names that are a user's, too.
    Raises Refused for a room that is not mine (`#`), and when both may be meant.
    """
    if sign == "@":
        return Place(person=name)
    is_mine = fold(name) in map(fold, rooms)
    if sign == "#" and not is_mine:
        raise Refused(f"You are in no room #{name}.", "ROOM")
    if not sign and fold(name) in map(fold, users):
        raise two_meanings(words, name)
    return Place(room=name) if is_mine else Place(person=name)


def two_meanings(words: str, name: str) -> Refused:
    """Return the refusal of a name that is a room's and a user's."""
    why = f"A room of yours and a user are called {name}"
    return Refused(f"{why}: {words} #{name} or {words} @{name}.", "USAGE")
