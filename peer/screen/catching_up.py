"""Show a screen of what was said while the reader was away; HISTORY has the rest."""

from collections.abc import Iterable, Iterator
from typing import Final

import trio

from peer.commands.grammar import HISTORY_MOST
from peer.core.past.looking_back import SCREEN_TEXTS
from peer.events import BackInConversation, Event, OutOfReach, Said

QUIET_SECONDS: Final = 1.0  # without a late text, then those of before are summed up


class WhileAway(Event, frozen=True):
    """The texts that follow were said while I was out of reach."""

    def said(self) -> tuple[str, str]:
        return "While you were away:", ""


class NotAllShown(Event, frozen=True):
    """`count` texts came late, after so many others that they are not shown."""

    count: int

    def said(self) -> tuple[str, str]:
        texts = "text" if self.count == 1 else "texts"
        wanted = min(self.count + SCREEN_TEXTS, HISTORY_MOST)
        return f"{self.count} more {texts} came late; HISTORY {wanted} shows more.", ""


class CatchUp:
    """Lets the first late texts in a row through, and counts the others.

    Texts are kept whether they are shown or not, or else `most` must be without an end.
    """

    def __init__(self, most: float = SCREEN_TEXTS) -> None:
        self._most = most
        self._is_back = False  # and nothing has come since
        self._shown = self._left_out = 0  # in this row
        self._last = float("-inf")  # when the last one of it came
        self._some = trio.Event()

    def of(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Return the events that are to be shown now."""
        return tuple(shown for event in events for shown in self._admitted(event))

    def _admitted(self, event: Event) -> Iterator[Event]:
        match event:
            case BackInConversation() | OutOfReach():
                self._is_back = True
                yield event
            case Said(late=late) if late is not None:
                yield from self._late(event)
            case _:
                yield event

    def _late(self, event: Said) -> Iterator[Event]:
        now = trio.current_time()
        if now > self._last + QUIET_SECONDS and not self._left_out:
            self._shown = 0
        self._last = now
        if self._is_back:
            self._is_back = False
            yield WhileAway()
        if self._shown < self._most:
            self._shown += 1
            yield event
        else:
            self._left_out += 1
            self._some.set()

    async def sum(self) -> NotAllShown:
        """Return how many were not shown, once no further one comes."""
        await self._some.wait()
        is_quiet = False
        while not is_quiet:
            self._some = trio.Event()
            with trio.move_on_after(QUIET_SECONDS) as quiet:
                await self._some.wait()
            is_quiet = quiet.cancelled_caught
        counted, self._left_out, self._shown = NotAllShown(self._left_out), 0, 0
        return counted
