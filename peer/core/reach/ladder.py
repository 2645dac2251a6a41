"""Decides how one user is reached: dial each of their spots, knock, so that they dial us, and
at last open a way from both sides.

No way stops another one.  Whichever gives a link to that user first is used.
"""

import math
from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

from shared.errors import NoRoute, SaysNo, Unreachable
from shared.messages.spots import Spot
from shared.spots import is_inside, shown_place

KNOCK_AFTER: Final = 0.3  # seconds: nearly everybody who can be dialled has answered by then
KNOCK_AGAIN_AFTER: Final = 5.0  # seconds: so long the directory takes no second one of a pair
ANSWER_SECONDS: Final = 3.0  # for the other to dial us after a knock, when no dial of ours waits
ANSWER_TRIPS: Final = 8  # or as many round trips as the knock took one: a dial takes five
PUNCH_AFTER: Final = 1.5  # until then whoever can dial us after a knock has done so
COME_SECONDS: Final = 4.0  # for both of us to tell the directory that we are there
MEET_SECONDS: Final = 10.0  # for one who is called; a little more than the caller waits
GIVE_UP_SECONDS: Final = 10.0  # for all of it
BACK_SECONDS: Final = 6.0  # for all dials that answer a knock: the caller waits no longer

_NEVER: Final = math.inf


class Knocked(Enum):
    """The fate of a knock."""

    SENT = auto()  #: it is on its way to the other
    TOO_SOON = auto()  #: after others of ours: the directory takes one later
    FAILED = auto()


class Ladder:
    """One try to reach one user.  `now`: seconds of a clock that only goes forward."""

    def __init__(
        self,
        name: str,
        spots: Iterable[Spot],
        now: float,
        *,
        may_knock: bool = False,
        may_punch: bool = False,
        is_answer: bool = False,
    ) -> None:
        """`is_answer`: to a knock of theirs."""
        self._name, self._begun = name, now
        self.is_answer = is_answer
        #: when to give up
        self.gives_up_at = now + (BACK_SECONDS if is_answer else GIVE_UP_SECONDS)
        self._outcomes: dict[Spot, Unreachable | None] = dict.fromkeys(spots)
        self._are_dials_over = False
        self._knock_at = now + KNOCK_AFTER if may_knock else _NEVER
        self._is_knocking = self._has_waited = False
        self._answer_until = -_NEVER  # to a knock; in the past: none is on its way
        self._punch_at = now + PUNCH_AFTER if may_punch else _NEVER
        self._is_punching = False
        self._not_met = ""  # why we did not even meet, if that can be said
        self._met_at: tuple[Spot, ...] = ()  # where they dialled from, when both of us did

    @property
    def spots(self) -> tuple[Spot, ...]:
        return tuple(self._outcomes)

    # --- What happens ---

    def failed(self, spot: Spot, failure: Unreachable) -> None:
        """Note why the dial of this spot gave no link."""
        self._outcomes[spot] = failure

    def dials_are_over(self, now: float) -> None:
        """Note that every dial has failed: only a knock can help, at once."""
        self._are_dials_over = True
        if self._knock_at != _NEVER and not self._has_waited:
            self._knock_at = now

    def knocks(self, now: float) -> bool:
        """Whether to knock now; then tell the outcome as `knocked`."""
        if now < self._knock_at:
            return False
        self._knock_at, self._is_knocking = _NEVER, True
        return True

    def knocked(self, asked: float, now: float, fate: Knocked) -> None:
        """Note what has become of the knock; one that came too soon is repeated once.

        `asked`: when the directory was asked for it.
        """
        self._is_knocking = False
        if fate is Knocked.SENT:
            self._answer_until = now + max(ANSWER_SECONDS, ANSWER_TRIPS * (now - asked))
        elif fate is Knocked.TOO_SOON and not self._has_waited:
            self._has_waited, self._knock_at = True, now + KNOCK_AGAIN_AFTER

    def punches(self, now: float) -> bool:
        """Whether to punch now; then tell the end as `punch_is_over`."""
        if now < self._punch_at:
            return False
        self._punch_at, self._is_punching = _NEVER, True
        return True

    def met(self, spots: tuple[Spot, ...]) -> None:
        """Note that both of us dial now, the other one from there."""
        self._met_at = spots

    def punch_is_over(self, *, came_alone: bool = False, refusal: str = "") -> None:
        """Note that it gave no link.  `came_alone`: they did not tell the directory anything.

        `refusal`: why the directory does not even call them now, and may later.
        """
        self._is_punching, self._not_met = False, ""
        if came_alone:
            self._not_met = f"{self._name}'s program does not answer the directory"
        elif refusal:
            self._not_met = f"the directory opens no way from both sides just now ({refusal})"

    def directory_is_back(self, now: float) -> None:
        """Note that the directory can be asked once more: punch anew, unless that is under way.

        The same fault may have ended our link and both links to the directory.  The last of us
        two to come back finds the other one there.
        """
        if not (self._is_punching or self._met_at):
            self._punch_at = max(now, self._begun + KNOCK_AFTER)

    # --- What to wait for ---

    def rests_until(self) -> float:
        """Return when to look again, if nothing happens before; in the past when it is over."""
        next_step = min(self._knock_at, self._punch_at)
        is_busy = self._is_knocking or self._is_punching or next_step < _NEVER
        if is_busy or not self._are_dials_over:
            return min(self.gives_up_at, next_step)
        return min(self.gives_up_at, self._answer_until)

    # --- What to say in the end ---

    def cause(self, *, is_old: bool) -> str:
        """Return why there is no link.  `is_old`: the directory was gone, so spots may be old."""
        causes = [one for one in self._outcomes.values() if one is not None]
        told = [str(one) for one in causes if not isinstance(one, SaysNo | NoRoute)]
        if told:
            return "; ".join(dict.fromkeys(told))
        if is_old:
            return f"the directory is gone, and {self._name} is not where {self._name} was"
        if self._met_at:
            return self._nothing_came_of_meeting()
        silent = [spot for spot, one in self._outcomes.items() if one is None]
        if silent:
            return self._not_met or self._nothing_comes_through(_where(silent[0]))
        refusing = [spot for spot, one in self._outcomes.items() if isinstance(one, SaysNo)]
        if refusing:
            return (
                f"{self._name}'s machine says no at {_where(refusing[0])} (a firewall that"
                " rejects, or the program is just ending)"
            )
        if causes and all(":" in spot.host for spot in self._outcomes):
            return f"this machine has no IPv6, and {self._name} has only that"
        return "; ".join(dict.fromkeys(map(str, causes))) or "there is no address to dial"

    def _nothing_came_of_meeting(self) -> str:
        last = self._met_at[-1]
        if ":" in last.host or is_inside(last.host):  # nobody translates such an address
            return self._nothing_comes_through(_where(last))
        return (
            "both routers translate addresses, and one of them takes another port for each"
            " target: no direct way on IPv4 (DOCTOR)"
        )

    def _nothing_comes_through(self, where: str) -> str:
        if self._answer_until == -_NEVER:
            return f"no connection to {where} within {GIVE_UP_SECONDS:.0f} seconds"
        return (
            f"nothing comes through to {where}, and {self._name} does not come through to you:"
            " firewalls on both sides"
        )


def _where(spot: Spot) -> str:
    return shown_place(spot.host, spot.port)
