"""The three clocks of one running directory, in seconds."""

import trio

from directory_server.core.admission import Moment
from shared.world import Clock


class Clocks:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._age = 0.0  # at the zero of the monotonic clock

    def resume(self, age: float) -> None:
        """Go on from the age that the directory had at its last heartbeat."""
        self._age = age - trio.current_time()

    def time(self) -> float:
        """Return the time of day, which somebody may set."""
        return self._clock.time()

    def age(self) -> float:
        """Return for how many seconds the directory has run in all: nobody can set that."""
        return self._age + trio.current_time()

    def moment(self) -> Moment:
        return Moment(trio.current_time(), self.time(), self.age())
