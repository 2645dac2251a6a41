"""Keep the places that a user can go to: what is unread at each, and its number.

A number is given to a place when its user goes there, and stays.  So nobody else gives
numbers away, and a thousand strangers who write move none.
"""

from collections import deque
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from peer.commands.grammar import Loud
from peer.core.targets.place import HOME, Place
from peer.core.targets.trail import Trail
from peer.events import Event
from shared.errors import Refused

PERSONS_MOST: Final = 100  # at once; the lines of further ones are counted together
TEXTS_MOST: Final = 20  # unread texts kept of a place, to be shown when its user goes there
HOME_NUMBER: Final = 1
LAST_NUMBER: Final = 9  # there is a key for each


class PlaceState(Struct, frozen=True):
    """The state of a place, for a screen."""

    place: Place = HOME
    number: int = 0  #: of the key that leads there; 0: none
    unread: int = 0
    heard: int = 0  #: grows by one with each text that comes for it
    since: int = 0  #: when the first unread one came, in the order of all
    loud: Loud = Loud.SHOWN


class UnreadText(Struct, frozen=True):
    """A text that came for a place while its reader was elsewhere."""

    text: Event
    time: float  #: when it came, in seconds since 1970


class _Entry(Struct):
    state: PlaceState
    visited: int = 0  # when its user was there last, in the order of all; 0: never
    unread: deque[UnreadText] = field(default_factory=lambda: deque(maxlen=TEXTS_MOST))


class Places:
    """The places of one user: home, my rooms, and the persons of today."""

    def __init__(self) -> None:
        home = PlaceState(HOME, HOME_NUMBER)
        self._entries: dict[tuple[str, str], _Entry] = {HOME.key: _Entry(home)}
        self._order = 0  # of all that happens here
        self.trail = Trail()
        self._rooms: set[tuple[str, str]] = set()  # the keys of those that I am in
        self.others = 0  #: unread lines of senders who have no place here

    # --- How it is ---

    @property
    def here(self) -> Place:
        return self.trail.here

    @property
    def states(self) -> tuple[PlaceState, ...]:
        """All places: first the numbered ones by number, then the others as they came."""
        states = [entry.state for entry in self._entries.values()]
        return tuple(sorted(states, key=lambda one: one.number or LAST_NUMBER + 1))

    @property
    def rooms(self) -> tuple[str, ...]:
        return tuple(self._entries[key].state.place.room for key in sorted(self._rooms))

    # --- What comes ---

    def came(self, place: Place | None, text: Event, time: float) -> Loud:
        """Count a text for this place; return whether to show it now."""
        if place is None or (entry := self._entry(place)) is None:
            self.others += 1
            return Loud.SHOWN
        state, now = entry.state, self._tick()
        is_here = place.is_same(self.here)
        unread = state.unread + (not is_here)
        since = state.since if state.unread else now
        entry.state = replace(state, unread=unread, heard=state.heard + 1, since=since)
        if is_here:
            return Loud.SHOWN
        entry.unread.append(UnreadText(text, time))
        return state.loud

    def wrote(self, place: Place) -> None:
        """Note that I answered there, so that I have read what came."""
        if (entry := self._entries.get(place.key)) is not None:
            _read(entry)

    # --- What the user does ---

    def go(self, place: Place) -> tuple[int, tuple[UnreadText, ...]]:
        """Go there; return how many texts were unread, and the last of these."""
        entry = self._entry(place) or self._make_room(place)
        found = entry.state.unread, tuple(entry.unread)
        _read(entry)
        _read(self._entries[self.here.key])  # it was shown where its reader was
        self.trail.go(entry.state.place)
        entry.visited = self._tick()
        if not entry.state.number:
            entry.state = replace(entry.state, number=self._free_number())
        return found

    def make(self, place: Place, loud: Loud) -> None:
        """Choose how loud a place is.  Raise Refused for one that cannot be added."""
        entry = self._entry(place)
        if entry is None:
            raise Refused(f"You have {PERSONS_MOST} other people in view; GO to one first.")
        entry.state = replace(entry.state, loud=loud)

    def forget_others(self) -> int:
        """Return how many lines of others came, and count anew."""
        counted, self.others = self.others, 0
        return counted

    # --- Rooms ---

    def rooms_are(self, names: tuple[str, ...]) -> None:
        """Let these be my rooms; each gets a number if one is free."""
        wanted = {Place(room=name).key: Place(room=name) for name in names}
        for key in self._rooms - set(wanted):
            self.trail.leave(self._entries.pop(key).state.place)
        self._rooms = set(wanted)
        for key, place in wanted.items():
            if key not in self._entries:
                self._add(place, self._first_free())

    # --- Inside ---

    def _tick(self) -> int:
        self._order += 1
        return self._order

    def _entry(self, place: Place) -> _Entry | None:
        """Return the entry of the place; add a person if there is room for one."""
        if (found := self._entries.get(place.key)) is not None:
            return found
        if len(self._persons()) >= PERSONS_MOST:
            idle = [one for one in self._strangers() if _is_idle(one)]
            if not idle:
                return None
            self._drop(idle[0])
        return self._add(place)

    def _make_room(self, place: Place) -> _Entry:
        """Add a person to whom my user goes in place of one who only wrote."""
        self._drop(self._strangers()[0])
        return self._add(place)

    def _add(self, place: Place, number: int = 0) -> _Entry:
        """Add a place; what it hears is counted on from a number that none had before."""
        state = PlaceState(place, number, heard=self._tick())
        self._entries[place.key] = entry = _Entry(state)
        return entry

    def _drop(self, entry: _Entry) -> None:
        self.others += entry.state.unread
        del self._entries[entry.state.place.key]
        self.trail.leave(entry.state.place)

    def _persons(self) -> list[_Entry]:
        """Return the persons, and rooms of which I am no member: scripts do not say theirs."""
        kept = {HOME.key, *self._rooms}
        return [one for key, one in self._entries.items() if key not in kept]

    def _strangers(self) -> list[_Entry]:
        """Return the persons without a number, but not where my user is."""
        here = self.here
        return [e for e in self._persons() if not (e.state.number or e.state.place.is_same(here))]

    def _first_free(self) -> int:
        taken = {entry.state.number for entry in self._entries.values()}
        return next((n for n in range(1, LAST_NUMBER + 1) if n not in taken), 0)

    def _free_number(self) -> int:
        """Return a free number, else that of the person whom my user left longest ago."""
        if free := self._first_free():
            return free
        numbered = [one for one in self._persons() if one.state.number and _is_idle(one)]
        numbered = [one for one in numbered if not one.state.place.is_same(self.here)]
        if not numbered:
            return 0
        oldest = min(numbered, key=lambda one: one.visited)
        number, oldest.state = oldest.state.number, replace(oldest.state, number=0)
        return number


def _read(entry: _Entry) -> None:
    entry.unread.clear()
    entry.state = replace(entry.state, unread=0)


def _is_idle(entry: _Entry) -> bool:
    """Whether nothing would be missed without it."""
    return not entry.state.unread and entry.state.loud is Loud.SHOWN
