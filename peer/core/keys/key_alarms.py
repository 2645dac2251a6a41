"""Shows alarms about keys, each once, and only a few a minute."""

from collections import OrderedDict, deque
from collections.abc import Hashable

from peer import events
from peer.events import Tell

A_MINUTE = 5  # nobody reads more; a cheat who shows many keys must not fill the screen
REMEMBERED = 1_000  # alarms that were shown; the oldest may be shown again


class KeyAlarms:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: OrderedDict[Hashable, None] = OrderedDict()
        self._times: deque[float] = deque()
        self._said_more = False

    def ring(self, about: Hashable, sentence: str, now: float) -> None:
        """Show the sentence, unless one `about` this was shown before, or too many just now.

        `now` is monotonic, in seconds.
        """
        if about in self._told:
            return
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
        self._tell(events.Notice(sentence), events.nothing)

    def _say_more(self) -> None:
        """Say once that alarms are held back; a held one is shown if it happens again later."""
        if not self._said_more:
            self._said_more = True
            sentence = (
                "More keys than these have been shown that are not the ones you know:"
                " such alarms are held back for a minute."
            )
            self._tell(events.Notice(sentence), events.nothing)
