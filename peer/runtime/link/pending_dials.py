"""The dials that are under way, at most one to each user, and the meetings for ways that users
open from both sides.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from shared.errors import ParleyError
from shared.messages.spots import Knocks
from shared.names import fold

MEETINGS_MOST: Final = 8  # at once: each costs two connections and a port
JOINS_LATE: Final = 5.0  # seconds; who wants a dial later would get less than half of it
BRIEF_SECONDS: Final = 0.1  # a link that ended sooner is redialled after this: no busy loop


class PendingDial:
    """A dial under way, and its outcome."""

    def __init__(self, knock: Knocks | None = None) -> None:
        """`knock`: which this dial answers; nobody here waits for it."""
        self.over = trio.Event()
        self.failure: ParleyError | None = None
        self.outlived_a_link = False  # that they had dialled
        self.knock = knock
        self.is_wanted = knock is None  #: by somebody here
        self.is_cut_short = False  #: for somebody who has joined it late
        self._begun, self._is_second = trio.current_time(), False
        self.may_stop = trio.Event()  #: they have linked with us, or I dial them for myself

    def want(self, *, whole: bool) -> None:
        """Note that somebody here wants it too: at other spots than those of the knock.

        `whole`: not only the rest of it.
        """
        if not self.is_wanted:
            self.is_wanted = True
            self.may_stop.set()
        elif whole and self.knock is None and not self._is_second:
            self.is_cut_short |= trio.current_time() > self._begun + JOINS_LATE

    def begin_anew(self) -> None:
        """Be a dial of my own from now on."""
        self.knock, self.may_stop = None, trio.Event()
        self._begun = trio.current_time()

    def repeat(self) -> None:
        """Begin anew for those who have joined late, for once: nobody is dialled for ever."""
        self.is_cut_short, self._is_second = False, True
        self.begin_anew()


class PendingDials:
    def __init__(self) -> None:
        self._dials: dict[str, PendingDial] = {}
        self._meetings: dict[str, trio.Event] = {}  # folded name -> they have linked with us
        self._brief: dict[str, float] = {}  # folded name -> when a very short link ended

    def of(self, name: str) -> PendingDial | None:
        """Return the dial to this user that is under way."""
        return self._dials.get(fold(name))

    def begin(self, name: str, knock: Knocks | None = None, *, whole: bool = False) -> bool:
        """Note that a dial begins; return False if one is under way.

        `whole`: if it is, and fails, there shall be one more, for whoever wants it now.
        """
        current = self._dials.get(fold(name))
        if current is None:
            self._dials[fold(name)] = PendingDial(knock)
            return True
        if knock is None:
            current.want(whole=whole)
        return False

    def end(self, name: str, failure: ParleyError | None) -> None:
        """Note the outcome of a dial, and wake those who wait for it."""
        dial = self._dials.pop(fold(name), None)
        if dial is not None:
            dial.failure = failure
            dial.over.set()

    def note_link(self, name: str) -> None:
        """Note that this user is linked: no more of their spots need be dialled."""
        if (dial := self._dials.get(fold(name))) is not None:
            dial.may_stop.set()
        if (meeting := self._meetings.get(fold(name))) is not None:
            meeting.set()

    @contextmanager
    def meeting(self, name: str) -> Iterator[trio.Event | None]:
        """Note a meeting with this user; yield what is set when they have linked with us.

        Yield None if there is one with them already, or there are too many.
        """
        if fold(name) in self._meetings or len(self._meetings) >= MEETINGS_MOST:
            yield None
            return
        self._meetings[fold(name)] = may_stop = trio.Event()
        try:
            yield may_stop
        finally:
            del self._meetings[fold(name)]

    def outlives_link(self, name: str) -> bool:
        """Whether a dial is under way at the end of the last link to this user.

        They may have retired that one for ours, which is about to be identified.
        """
        dial = self._dials.get(fold(name))
        if dial is not None:
            dial.outlived_a_link = True
        return dial is not None

    def note_end(self, name: str, since: float) -> None:
        """Note that a link to this user, open since then, has ended."""
        now = trio.current_time()
        if now - since < BRIEF_SECONDS:
            brief = self._brief.items()
            self._brief = {one: at for one, at in brief if now - at < BRIEF_SECONDS}
            self._brief[fold(name)] = now

    async def wait_turn(self, name: str) -> None:
        """Return when this user may be dialled."""
        await trio.sleep_until(self._brief.pop(fold(name), 0.0) + BRIEF_SECONDS)
