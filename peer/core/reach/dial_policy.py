"""Decides when an address may be dialled, so that nobody aims this program at others.

Users and the directory say where users are, but neither proves it.  An address is proven
once somebody has shown the right key there.  Until then we dial it once at a time, again
after 1, 2, 4 ... seconds, and only a limited number of such addresses in a minute.  Proven
ones are dialled whenever a conversation wants it.
"""

import ipaddress
import math
from collections import deque
from typing import Final

from msgspec import Struct

from shared.spots import ip_of, is_inside

FIRST_PAUSE: Final = 1.0  # seconds, after the first dial that proved nothing; then twice as long
MOST_PAUSE: Final = 60.0
WINDOW_SECONDS: Final = 60.0
CLAIMED_MOST: Final = 60  # a minute, at addresses that only their users claim: a newcomer dials 49
AGAIN_MOST: Final = 30  # of these, at ones that failed before: new ones must not wait for them
KNOCKED_MOST: Final = 60  # a minute, at addresses whose users knock: those wait for nobody else
SEEN_MOST: Final = 180  # a minute, at hosts the directory sees: 100 for a line to all, 49
REMEMBERED: Final = 1_000  # addresses: bounds memory
NEVER: Final = math.inf

Place = tuple[str, int]  # host and port

_NEVER_DIALLED = frozenset({"is_multicast", "is_unspecified"})
_LOCAL = frozenset({"is_loopback", "is_link_local"})


def is_plausible(host: str, seen: str) -> bool:
    """Whether a user whom another program sees at `seen` can be at this numeric address.

    A loopback or link-local address means our own machine or cable, whoever names it: so
    it is believed only if the user is seen on that same machine or cable.
    """
    kind = _kind(host)
    return kind == "" or (kind in _LOCAL and kind == _kind(seen))


def may_be_met(host: str, directory: str) -> bool:
    """Whether a user can be at this numeric address, where the directory at `directory` sees them.

    Nobody but the directory says so, so it could aim us at somebody else: never at many, at our
    own machine, or from outside at our own network.
    """
    address = ip_of(host)
    if address is None or (address.version == 4 and address.is_reserved):
        return False
    return is_plausible(host, directory) and (not is_inside(host) or is_inside(directory))


def _kind(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    plain = getattr(address, "ipv4_mapped", None) or address
    return next((kind for kind in (*_LOCAL, *_NEVER_DIALLED) if getattr(plain, kind)), "")


class _Window:
    """A limit of dials in a minute."""

    def __init__(self, most: int) -> None:
        self._times: deque[float] = deque(maxlen=most)

    def pause(self, now: float) -> float:
        """Return the seconds until there is room."""
        if len(self._times) < (self._times.maxlen or 0):
            return 0.0
        return max(0.0, self._times[0] + WINDOW_SECONDS - now)

    def take(self, now: float) -> None:
        self._times.append(now)


class _Known(Struct):
    """The knowledge of one address."""

    is_dialled: bool = False
    is_proven: bool = False
    failures: int = 0  # in a row, until it is proven
    again_at: float = 0.0


class DialPolicy:
    """The addresses that one program dials.  `now`: seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._known: dict[Place, _Known] = {}  # the one dialled last is at the end
        self._claimed, self._again = _Window(CLAIMED_MOST), _Window(AGAIN_MOST)
        self._seen, self._knocked = _Window(SEEN_MOST), _Window(KNOCKED_MOST)

    def begin(self, place: Place, *, is_seen: bool, now: float, is_knock: bool = False) -> float:
        """Return 0.0 to dial now; then call `end` when the dial is over.  Else return the
        seconds to wait, NEVER while another dial of this address is under way.

        `is_seen`: the directory sees the user at this host; `is_knock`: they want to be dialled,
        and nobody here waits for it.
        """
        known = self._known.get(place) or _Known()
        if known.is_dialled:
            return NEVER
        windows = [] if known.is_proven else self._windows(known, is_seen, is_knock)
        again_at = now if is_knock else known.again_at  # they are there: the directory sees them
        pause = max([again_at - now, *(window.pause(now) for window in windows)])
        if pause > 0.0:
            return pause
        for window in windows:
            window.take(now)
        known.is_dialled = True
        self._remember(place, known)
        return 0.0

    def proved(self, place: Place) -> None:
        """Note that the user we looked for has shown their key there."""
        self._known[place].is_proven = True

    def end(self, place: Place, now: float) -> None:
        """Note that the dial is over, with a link or without."""
        known = self._known[place]
        known.is_dialled = False
        if not known.is_proven:
            pause = FIRST_PAUSE * 2.0 ** min(known.failures, 10)
            known.failures += 1
            known.again_at = now + min(pause, MOST_PAUSE)

    def _windows(self, known: _Known, is_seen: bool, is_knock: bool) -> list[_Window]:
        if is_knock:
            return [self._knocked]
        if is_seen:
            return [self._seen]
        return [self._claimed, self._again] if known.failures else [self._claimed]

    def _remember(self, place: Place, known: _Known) -> None:
        self._known.pop(place, None)
        self._known[place] = known
        if len(self._known) > REMEMBERED:
            idle = (one for one, of in self._known.items() if not of.is_dialled)
            del self._known[next(idle)]
