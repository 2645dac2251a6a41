"""Alarms about keys: each is told once, and never more than a few a minute."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

A_MINUTE = 5  # more than anybody reads; who shows keys at will must not fill the screen
REMEMBERED = 1_000  # alarms that were told; the oldest may be told again


class KeyAlarms:
    def __init__(self, tell: Callable[[str], None], now: Callable[[], float]) -> None:
        """`now` is monotonic, in seconds."""
        self._tell, self._now = tell, now
        self._told: OrderedDict[Hashable, None] = OrderedDict()
        self._times: deque[float] = deque()
        self._said_more = False

    def ring(self, about: Hashable, sentence: str) -> None:
        """Tell it, unless it was told `about` this before, or too much was told just now."""
        if about in self._told:
            return
        now = self._now()
        while self._times and self._times[0] <= now - 60.0:
            self._times.popleft()
            self._said_more = False
        if len(self._times) >= A_MINUTE:
            self._say_more()
            return
        self._times.append(now)
        self._told[about] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        self._tell(sentence)

    def _say_more(self) -> None:
        """One that is left out is told when it happens again later."""
        if not self._said_more:
            self._said_more = True
            self._tell(
                "More keys than these have been shown that are not the ones you know:"
                " such alarms are held back for a minute."
            )
