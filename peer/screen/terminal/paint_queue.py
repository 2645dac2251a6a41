"""Keep the events that wait to be written above the prompt, and choose the next ones.

A text of mine waits below everything for its mark, for a moment: then it is written once,
with the mark.  Nothing that was said after it may appear above it.
"""

from collections import deque
from typing import Final

import trio
from msgspec import Struct

from peer.events import Event, Notice
from peer.results import Sent
from peer.screen.frontend import Then

WAITING_MOST: Final = 5_000  # events for a slow terminal; beyond that the oldest are dropped
AT_ONCE: Final = 200  # events in one write; then the keys get their turn
LIVE_SECONDS: Final = 3.0  # how long a text of mine waits below for its mark
HOLD_SECONDS: Final = 0.3  # how long later events wait for that text
LIVE_MOST: Final = 4  # texts


class NextWrite(Struct):
    """The events that one write shows."""

    taken: list[Event] = []  #: events that wait no longer
    written: list[Event] = []  #: above the prompt: what was taken, or was live until now
    begun: list[Sent] = []  #: texts of mine that wait below from now on
    thens: list[Then] = []  #: to call once all is on the screen


class PaintQueue:
    """Keeps events in their order until they are written."""

    def __init__(self) -> None:
        self._events: deque[tuple[tuple[Event, ...], Then | None]] = deque()
        self._live: dict[Sent, float] = {}  # since when each waits below everything
        self._dropped = 0  # since the user was last told
        self._news = trio.Event()
        self._is_flushing = False

    def add(self, events: tuple[Event, ...], then: Then | None = None) -> None:
        self._events.append((events, then))
        while len(self._events) > WAITING_MOST:
            self._dropped += len(self._events.popleft()[0])
        self.wake()

    def wake(self) -> None:
        """Let the painter look again."""
        self._news.set()

    async def wait(self) -> None:
        """Return when there may be something to write."""
        await self._news.wait()
        self._news = trio.Event()

    def flush(self, *, is_on: bool) -> None:
        """While on, no text waits for its mark."""
        self._is_flushing = is_on
        self.wake()

    @property
    def has_events(self) -> bool:
        return bool(self._events)

    @property
    def live(self) -> list[Sent]:
        """Texts of mine that wait below for their marks."""
        return list(self._live)

    def next(self) -> NextWrite:
        """Return what to write now."""
        now, batch = trio.current_time(), NextWrite()
        if self._dropped:
            told = f"... {self._dropped} not shown: the terminal did not keep up."
            batch.written.append(Notice(told))
            self._dropped = 0
        while self._events and len(batch.written) < AT_ONCE:
            events, then = self._events[0]
            mine = [one for one in events if isinstance(one, Sent) and one.handle is not None]
            if not mine:
                # Nothing that was said after a text of mine may appear above it.
                batch.written += self._ripe(now - HOLD_SECONDS)
                if self._live:
                    break
                batch.written += events
            for sent in mine:
                self._live[sent] = now
            batch.begun += mine
            batch.taken += events
            self._events.popleft()
            if then is not None:
                batch.thens.append(then)
        batch.written += self._ripe(now - LIVE_SECONDS)
        return batch

    def _ripe(self, late: float) -> list[Sent]:
        """Take the texts of mine that need not wait for their mark any more, in order."""
        ripe: list[Sent] = []
        for sent, since in list(self._live.items()):
            is_late = since <= late or len(self._live) > LIVE_MOST or self._is_flushing
            if not (is_late or _is_everywhere(sent)):
                break
            del self._live[sent]
            ripe.append(sent)
        return ripe

    async def await_mark(self, sent: Sent) -> None:
        """Wake the painter whenever this text may be ripe."""
        assert sent.handle is not None
        for seconds in (HOLD_SECONDS, LIVE_SECONDS - HOLD_SECONDS):
            with trio.move_on_after(seconds):
                await sent.handle.delivered()
            self.wake()
            if _is_everywhere(sent):
                return


def _is_everywhere(sent: Sent) -> bool:
    return sent.handle is None or sent.handle.is_everywhere
