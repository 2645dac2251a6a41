"""Decides whether I was out of reach, and not all the others.  Two cores.

A member who loses everybody sees the same as if all others had left.  It was the member
who was away if their program stood still meanwhile (suspended with its machine, or
stopped), or if the directory was out of reach too.
"""

from typing import Final

STANDSTILL: Final = 5.0  # seconds without a beat; after that links begin to break
BEAT: Final = 2.0  # seconds between two beats
BREAK_SECONDS: Final = 20.0  # after a standstill, until all links that it broke are noticed
BACK_SECONDS: Final = 10.0  # for the others, after the first one is in reach again
LOST_SECONDS: Final = 60.0  # out of reach, until a member counts as gone

TOGETHER_SECONDS: Final = 15.0  # between losing the directory and all others by one broken cable
EXCUSE_SECONDS: Final = 600.0  # after that, members out of reach count as gone

_NEVER = float("-inf")


class Heartbeat:
    """A heartbeat of this program, which shows when the program stood still.

    `now` is monotonic, and may stand still with the machine; `time` is the time of day.
    """

    def __init__(self) -> None:
        self._now = self._time = _NEVER

    def beat(self, now: float, time: float) -> float:
        """Return for how many seconds the program stood still until now; 0 if it did not."""
        passed = max(now - self._now, time - self._time)
        is_first, self._now, self._time = self._now == _NEVER, now, time
        return passed if passed > STANDSTILL and not is_first else 0.0


class Absence:
    """My own absence from one conversation."""

    def __init__(self) -> None:
        self._alone_since: float | None = None  # nobody is in reach since then
        self._slept_since: float | None = None
        self._quiet_until = _NEVER
        self._has_directory = True
        self._lost_directory_at = _NEVER
        self._was_cut_off = False  # from the directory as well, while alone

    @property
    def quiet_until(self) -> float:
        """Until then, a member who seems lost may just not know yet that I am back."""
        return self._quiet_until

    @property
    def is_cut_off(self) -> bool:
        """Whether the directory was out of reach while nobody was in reach."""
        return self._was_cut_off

    def slept(self, seconds: float, now: float) -> None:
        """Note that the program stood still for `seconds` until now."""
        if self._slept_since is None:
            self._slept_since = now - seconds
        self._quiet_until = now + BREAK_SECONDS

    def directory(self, now: float, *, is_there: bool) -> None:
        """Note that the directory was lost, or is back."""
        if self._has_directory and not is_there:
            self._lost_directory_at = now
        self._has_directory = is_there
        self._was_cut_off |= not is_there and self._alone_since is not None

    def link_lost(self, now: float) -> None:
        """Note a lost link.  After a standstill one is enough: it broke because I was silent."""
        if self._slept_since is not None and now < self._quiet_until:
            self.alone(now)

    def alone(self, now: float) -> None:
        """Note that nobody is in reach."""
        if self._slept_since is not None and now >= self._quiet_until:
            self._slept_since = None  # it broke nothing
        if self._alone_since is None:
            self._alone_since = now if self._slept_since is None else self._slept_since
        is_sudden = now - self._lost_directory_at <= TOGETHER_SECONDS
        self._was_cut_off |= is_sudden and not self._has_directory

    def excuses(self, now: float) -> bool:
        """Whether members out of reach must not count as gone, for it may be I who am away."""
        if self._alone_since is None:
            return False
        is_cut_off = self._was_cut_off and not self._has_directory
        is_excuse = is_cut_off and now < self._alone_since + EXCUSE_SECONDS
        return is_excuse or now < self._quiet_until

    def back(self, now: float) -> float | None:
        """Note that somebody is in reach, or told us they left; return how long I was away.

        Return None when it was not I who was away, or too briefly to mention.
        """
        since, slept, cut_off = self._alone_since, self._slept_since, self._was_cut_off
        if since is None:
            return None
        self._alone_since, self._slept_since, self._was_cut_off = None, None, False
        if slept is None and not (cut_off and now - since >= LOST_SECONDS):
            return None
        self._quiet_until = now + BACK_SECONDS
        return now - since
