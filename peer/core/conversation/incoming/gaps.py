"""Decides whom to ask for texts that other members claim to have and I gap.

A claim counts only as long as its source can show the text.  A source that was asked in
vain is believed again after a pause, which doubles each time.  And each source has only a
few places here, so that invented positions delay nobody's real texts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

from msgspec import Struct, field

from shared.messages.peers import POSITIONS, Origin

CLAIMS = 8  # of one source at a time; its other claims wait for a free place
LATER = 5 * POSITIONS  # of these: what one source tells on a new link
ASK_AGAIN_SECONDS = 3.0  # for an answer; then somebody else is asked
DOUBT_SECONDS = 6.0  # no belief in a source that was asked in vain; doubles,
DOUBT_MOST_SECONDS = 60.0  # up to this
TO_COME = 10_000  # texts: no claim raises the count of missing texts above this

_NEVER = float("inf")


class Request(Struct, frozen=True):
    """Ask this member for what follows `came` in an origin."""

    to: str
    of: Origin
    came: int


class _Doubt(Struct):
    """A source that was asked in vain, `times` times in a row."""

    times: int
    until: float
    came: int  # how far the origin had come here then


class _Gap(Struct):
    """An origin of which others have more than I."""

    due: float = _NEVER  # when to ask
    claims: dict[str, int] = field(default_factory=dict)  # by source: has it up to this seq
    asked: str = ""
    since: int = 0  # how far it had come when I asked
    tried: set[str] = field(default_factory=set)  # asked in vain since the last progress


class Gaps:
    """All gaps of one conversation.  `came` returns how far an origin has come here."""

    def __init__(self, came: Callable[[Origin], int]) -> None:
        self._came = came
        self._gaps: dict[Origin, _Gap] = {}
        self._places: defaultdict[str, dict[Origin, None]] = defaultdict(dict)  # by source
        self._later: defaultdict[str, dict[Origin, int]] = defaultdict(dict)  # by source
        self._doubts: defaultdict[str, dict[Origin, _Doubt]] = defaultdict(dict)  # by source

    def __len__(self) -> int:
        return len(self._gaps)

    @property
    def to_come(self) -> int:
        """The number of texts that others have for me, by sources that are not in doubt."""
        return min(sum(map(self._count, self._gaps)), TO_COME)

    def _count(self, of: Origin) -> int:
        claims = self._gaps[of].claims.items()
        believed = [upto for source, upto in claims if of not in self._doubts[source]]
        return min(max(0, max(believed, default=0) - self._came(of)), TO_COME)

    def asked(self, of: Origin) -> str:
        """Return who was asked for this origin; "" for nobody."""
        return self._gaps[of].asked if of in self._gaps else ""

    # --- What the sources claim ---

    def claim(self, source: str, of: Origin, upto: int, due: float, now: float) -> None:
        """Note how far a source has an origin; ask for it at `due`, unless it comes before."""
        came, places = self._came(of), self._places[source]
        if upto <= came:
            self._fulfil(of, now)
            return
        if of not in places and len(places) >= CLAIMS:
            later = self._later[source]
            if of in later or len(later) < LATER:
                later[of] = upto
            return
        doubts = self._doubts[source]
        if of in doubts and came > doubts[of].came:
            del doubts[of]  # it could show some of it
        gap = self._gaps.setdefault(of, _Gap())
        places[of], gap.claims[source] = None, upto
        gap.tried.discard(source)
        if gap.asked == source and came > gap.since:
            gap.due = -_NEVER  # what was asked for has come, and there is more
        elif not gap.asked:
            gap.due = min(gap.due, max(due, doubts[of].until if of in doubts else due))

    def forget(self, source: str, now: float) -> None:
        """Drop the claims of a source whose link is lost; it will make them again."""
        self._later.pop(source, None)
        for of in list(self._places[source]):
            gap = self._gaps[of]
            if gap.asked == source:
                gap.asked, gap.due = "", now
            self._withdraw(source, of)

    # --- Asking ---

    def next_deadline(self) -> float:
        if not self._gaps:
            return _NEVER  # this is called at each text
        return min(gap.due for gap in self._gaps.values())

    def ask(
        self, greeted: Iterable[str], now: float, may_ask: Callable[[Origin], float]
    ) -> list[Request]:
        """Return what to ask for now.  `may_ask`: the seconds an origin must still wait, or 0.0."""
        linked = tuple(greeted)
        requests: list[Request] = []
        for of in list(self._gaps):
            gap = self._gaps.get(of)
            if gap is None:
                continue  # a place that got free has ended it meanwhile
            if self._came(of) >= max(gap.claims.values()):
                self._fulfil(of, now)
            elif gap.due <= now and (pause := may_ask(of)):
                gap.due = now + pause
            elif gap.due <= now:
                requests += self._ask_for(of, gap, linked, now)
        return requests

    def _ask_for(self, of: Origin, gap: _Gap, linked: tuple[str, ...], now: float) -> list[Request]:
        came = self._came(of)
        for source in [one for one, upto in gap.claims.items() if upto <= came]:
            self._release(source, of, now)
            gap.asked = "" if gap.asked == source else gap.asked
        if came > gap.since:
            gap.tried.clear()
        elif gap.asked:
            gap.tried.add(gap.asked)
            if gap.asked in gap.claims:
                self._doubt(gap.asked, of, now)
            if not gap.claims:
                return []  # the next HELLO claims it again
        gap.since, gap.asked = came, self._next_source(of, gap, linked, now)
        if gap.asked:
            gap.due = now + ASK_AGAIN_SECONDS
            return [Request(gap.asked, of, came)]
        waits = [
            self._doubts[one][of].until for one in gap.claims if self._is_doubted(one, of, now)
        ]
        gap.due = min(waits, default=_NEVER)
        if not waits:
            for source in list(gap.claims):
                self._doubt(source, of, now)
        return []

    def _next_source(self, of: Origin, gap: _Gap, linked: tuple[str, ...], now: float) -> str:
        """Choose the author first, then a source; others only if a source has no link to me."""
        if gap.asked in linked and gap.asked not in gap.tried:
            return gap.asked  # it goes on
        open_to = [one for one in linked if one not in gap.tried]
        if of[0] in open_to:
            return of[0]
        for one in sorted(gap.claims, key=lambda source: of in self._doubts[source]):
            if one in open_to and not self._is_doubted(one, of, now):
                return one
        is_distant = any(one not in linked for one in gap.claims)
        others = [one for one in open_to if one not in gap.claims]
        return others[0] if is_distant and others else ""

    def _is_doubted(self, source: str, of: Origin, now: float) -> bool:
        doubt = self._doubts[source].get(of)
        return doubt is not None and doubt.until > now

    def _doubt(self, source: str, of: Origin, now: float) -> None:
        """Doubt a source that could not show what it claims to have."""
        doubts = self._doubts[source]
        known = doubts.pop(of, None)
        times = known.times + 1 if known else 1
        pause = min(DOUBT_SECONDS * 2.0 ** min(times - 1, 10), DOUBT_MOST_SECONDS)
        doubts[of] = _Doubt(times, now + pause, self._came(of))
        if len(doubts) > POSITIONS:
            del doubts[next(iter(doubts))]
        self._withdraw(source, of)
        self._fill_place(source, now)

    # --- Places ---

    def _fulfil(self, of: Origin, now: float) -> None:
        """Release all sources of an origin once all that they claim has come."""
        gap = self._gaps.get(of)
        if gap is None or self._came(of) < max(gap.claims.values()):
            return
        for source in list(gap.claims):
            if source in gap.claims:  # a place that got free has not released it meanwhile
                self._release(source, of, now)

    def _release(self, source: str, of: Origin, now: float) -> None:
        """Withdraw a claim that was true, and end all doubt of it."""
        self._doubts[source].pop(of, None)
        self._withdraw(source, of)
        self._fill_place(source, now)

    def _withdraw(self, source: str, of: Origin) -> None:
        del self._places[source][of]
        gap = self._gaps[of]
        del gap.claims[source]
        if not gap.claims:
            del self._gaps[of]

    def _fill_place(self, source: str, now: float) -> None:
        """Claim at once what waited for a place."""
        later = self._later[source]
        while later and len(self._places[source]) < CLAIMS:
            of = next(iter(later))
            self.claim(source, of, later.pop(of), now, now)
