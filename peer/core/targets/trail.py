"""The way by which a user has come to a place, for the command GO that leads back."""

from typing import Final

from peer.core.targets.place import HOME, Place

STEPS_MOST: Final = 50  # of the way back; more than anybody remembers


class Trail:
    """The place where I am, and those before it, each once.

    To go to a place that I have come by is to go back: what came after it is forgotten.
    """

    def __init__(self) -> None:
        self.here = HOME
        self._before: list[Place] = []  # the last one last; without one, home is before

    @property
    def back(self) -> Place:
        """The place from which I came."""
        return self._before[-1] if self._before else HOME

    def go(self, place: Place) -> None:
        keys = [one.key for one in self._before]
        if place.key in keys:
            del self._before[keys.index(place.key) :]
        elif place.is_home:
            self._before.clear()
        elif not place.is_same(self.here):
            self._before.append(self.here)
            del self._before[:-STEPS_MOST]
        self.here = place

    def leave(self, place: Place) -> None:
        """Forget a place that is no more; whoever is there is home then."""
        self._before = [one for one in self._before if not one.is_same(place)]
        if self.here.is_same(place):
            self._before.clear()
            self.here = HOME
