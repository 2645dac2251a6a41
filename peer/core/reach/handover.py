"""Decides what becomes of a registration that moves from one directory to another.

A directory that is about to end names another one (MOVE).  We register there over a second
link first, and the takeover then ends the first link: so nobody sees us go, and nothing is
lost.  A TAKEOVER is then our own doing, while otherwise another program of this user has
registered, and coming back would only throw that one out.
"""

from enum import Enum, auto
from typing import Final, Generic, TypeVar

MOVE_PAUSE: Final = 2.0  # between two moves: a directory sends nobody to and fro as fast as it can
GHOST_SECONDS: Final = 10.0  # a dead program's IAM may arrive so late after the next one's

L = TypeVar("L")


class Takeover(Enum):
    """The cause of a TAKEOVER."""

    OURS = auto()  #: we have moved
    PERHAPS_OURS = auto()  #: we are moving: the try that is under way will tell
    GHOST = auto()  #: an earlier program or try of ours, which is dead: come back
    ANOTHER = auto()  #: another program of this user: stay away


class Handover(Generic[L]):
    """The links of one registration.  `now`: seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._current: L | None = None
        self._since = float("-inf")
        self._tried_at = float("-inf")  # when we were told to move
        self._is_trying = False  # to register over a second link,
        self._asked_at = float("-inf")  # where IAM was sent last
        self._has_asked = False  # in the try that is under way
        self._is_taken = False  # the current link was, while we try
        self._has_ended = False  # the current link has, while the try decides
        self._met_ghost = False  # and came back, which is done once only

    def registered(self, link: L, now: float) -> None:
        """Note that we are registered over this link, and over no other one."""
        self._current, self._since = link, now
        self._is_trying = self._has_asked = self._is_taken = self._has_ended = False

    # --- Moving ---

    def begin(self, link: L, now: float) -> bool:
        """Note MOVE on this link; return whether to try that now, and then call `given_up`
        unless `moved` was called.
        """
        if link is not self._current or self._is_trying or now < self._tried_at + MOVE_PAUSE:
            return False
        self._is_trying, self._tried_at = True, now
        return True

    def asked(self, now: float) -> None:
        """Note that IAM goes out over the second link: from now on it may take over."""
        self._has_asked, self._asked_at = True, now

    def moved(self, link: L, now: float) -> None:
        """Note that we are registered over this second link."""
        self.registered(link, now)

    def given_up(self) -> bool:
        """Note that the try has failed; return whether the registration is lost with it."""
        is_lost = self._has_ended
        self._is_trying = self._has_asked = self._is_taken = self._has_ended = False
        if is_lost:
            self._current = None
        return is_lost

    # --- What happens to links ---

    def taken_over(self, link: L, now: float) -> Takeover:
        """Note that the directory says TAKEOVER on this link; return why."""
        if link is not self._current:
            return Takeover.OURS
        if self._has_asked:
            self._is_taken = True
            return Takeover.PERHAPS_OURS
        if now < self._asked_at + GHOST_SECONDS:
            return Takeover.GHOST
        if not self._met_ghost and now < self._since + GHOST_SECONDS:
            self._met_ghost = True
            return Takeover.GHOST
        return Takeover.ANOTHER

    def ended(self, link: L) -> bool:
        """Note that a link is over; return whether the registration is lost with it."""
        if link is not self._current:
            return False
        if self._is_taken:
            self._has_ended = True
            return False
        self._current = None
        return True
