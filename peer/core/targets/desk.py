"""The place where I am, and the line that I type there; lines for other places wait.

A line belongs to the target that the prompt showed at its first key.  Going elsewhere puts
it aside, and coming back brings it back.  If the target itself changes under the line,
because a conversation ends, begins, or gets a member, the line stays under the fingers, and
Enter holds it back.
"""

import math
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from peer.core.targets import choice
from peer.core.targets.choice import States
from peer.core.targets.place import Place
from peer.core.targets.places import PlaceState
from peer.core.targets.target import Target
from peer.core.targets.trail import Trail

AGAIN_SECONDS: Final = 0.5  # after a line was held back, Enter may be of the same stroke
KEPT_MOST: Final = 50  # lines that wait, each at most as long as a text


class TypedText(Struct, frozen=True):
    """The text behind the prompt."""

    text: str = ""
    cursor: int = 0  #: how many characters are before it


class _Line(Struct, frozen=True):
    """A line that was begun: when, and for whom."""

    begun: float
    target: Target
    held_at: float = -math.inf  # when it was held back


class Desk:
    """Knows where I am, and keeps the lines that I have begun.

    `now` is the time of any clock that goes forward; `target` the one that the prompt shows.
    """

    def __init__(self) -> None:
        self._trail = Trail()
        self._line: _Line | None = None  # the one that is being typed
        self._kept: list[tuple[_Line, TypedText]] = []  # the last one last
        self._rooms: dict[tuple[str, str], Place] = {}  # of mine, when they were settled last
        self._heard: dict[tuple[str, str], int] = {}  # at places that I left: texts until then

    # --- Where I am ---

    @property
    def here(self) -> Place:
        return self._trail.here

    @property
    def back(self) -> Place:
        """The place from which I came here."""
        return self._trail.back

    def seen(self, states: States) -> tuple[PlaceState, ...]:
        """Return the states with the places that I was at as read, before others know it."""
        return tuple(replace(one, unread=self._unread(one)) for one in states)

    def _unread(self, state: PlaceState) -> int:
        if state.place.is_same(self.here):
            return 0
        return min(state.unread, state.heard - self._heard.get(state.place.key, 0))

    def settle(self, states: States) -> None:
        """Forget the way to rooms that are mine no longer; the line stays, for its room.

        If I am in one of these, go home.  A room that I have just founded is to come yet.
        """
        if not states:
            return
        rooms = {one.place.key: one.place for one in states if one.place.room}
        for key in self._rooms.keys() - rooms.keys():
            self._trail.leave(self._rooms[key])
        self._rooms = rooms

    def go(self, place: Place, typed: TypedText, states: States) -> TypedText:
        """Go there, and put aside what is typed; return the line that waited there."""
        self.put_aside(typed)
        before = self.here
        self._trail.go(choice.known_as(states, place))
        self._heard = {
            one.place.key: one.heard
            if one.place.is_same(before) or one.place.is_same(place)
            else self._heard.get(one.place.key, 0)
            for one in states
        }
        return self.take_up()

    # --- The line ---

    @property
    def begun(self) -> float | None:
        """The time of the first key of the line; None before it."""
        return None if self._line is None else self._line.begun

    def notice(self, text: str, now: float, target: Target) -> None:
        """Note what stands behind the prompt now."""
        if not text:
            self._line = None
        elif self._line is None:
            self._line = _Line(now, target)

    def aimed_at(self, target: Target) -> Target:
        """Return the target of the line; before its first key, the one that is shown."""
        return target if self._line is None else self._line.target

    def is_too_soon(self, now: float) -> bool:
        """Whether Enter may be of the stroke at which this line was held back."""
        return self._line is not None and now < self._line.held_at + AGAIN_SECONDS

    def hold(self, now: float, target: Target) -> None:
        """Note that the line was held back: its user was told, so it is for this target now."""
        assert self._line is not None, "only a line is held back"
        self._line = replace(self._line, target=target, held_at=now)

    def put_aside(self, typed: TypedText) -> None:
        """Keep the line that is typed until its user comes back to the place it is for."""
        if self._line is not None and typed.text:
            self._kept.append((self._line, typed))
            del self._kept[:-KEPT_MOST]
        self._line = None

    def keep(self, typed: TypedText, target: Target, now: float) -> None:
        """Let a line that came back wait at its place."""
        line, self._line = self._line, _Line(now, target, now)
        self.put_aside(typed)
        self._line = line

    def take_up(self) -> TypedText:
        """Take the line that waits here, if none is begun; of several, the last."""
        here = [n for n, (line, _) in enumerate(self._kept) if line.target.place.is_same(self.here)]
        if self._line is not None or not here:
            return TypedText()
        self._line, typed = self._kept.pop(here[-1])
        return typed
