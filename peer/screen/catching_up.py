"""Show a screen of what was said while the reader was away; HISTORY has the rest."""

from collections.abc import Iterable, Iterator
from typing import Final

import trio
from msgspec import Struct

from peer.commands.grammar import HISTORY_MOST
from peer.core.past.looking_back import SCREEN_TEXTS
from peer.events import BackInConversation, BackInRooms, Event, OutOfReach, Said
from peer.place_results import Dimmed

QUIET_SECONDS: Final = 1.0  # without a late text, then those of before are summed up


class WhileAway(Event, frozen=True):
    """The texts that follow were said while I was out of reach, in the conversation or a room."""

    room: str = ""

    @property
    def words(self) -> str:
        return f"while you were away, in #{self.room}" if self.room else "while you were away"

    def said(self) -> tuple[str, str]:
        return f"{self.words[0].upper()}{self.words[1:]}:", ""


class NotAllShown(Event, frozen=True):
    """`count` texts came late, after so many others that they are not shown."""

    count: int
    room: str = ""

    def said(self) -> tuple[str, str]:
        texts = "text" if self.count == 1 else "texts"
        place = f" #{self.room}" if self.room else ""
        history = f"HISTORY{place} {min(self.count + SCREEN_TEXTS, HISTORY_MOST)}"
        came = f"{self.count} more {texts} came late{f' in{place}' if place else ''}"
        return f"{came}; {history} shows more.", ""


class _Burst(Struct):
    """The late texts of one place that come soon after each other."""

    is_back: bool = False  #: its reader, and nothing has come since
    shown: int = 0
    left_out: int = 0
    last: float = float("-inf")  #: when the last one came


class CatchUp:
    """Lets the first late texts in a row through, and counts the others, for each place.

    Texts are kept whether they are shown or not, or else `most` must be without an end.
    """

    def __init__(self, most: float = SCREEN_TEXTS) -> None:
        self._most = most
        self._bursts: dict[str, _Burst] = {}  # by room; "": of the conversation
        self._some = trio.Event()

    def of(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Return the events that are to be shown now."""
        return tuple(shown for event in events for shown in self._admitted(event))

    def _admitted(self, event: Event) -> Iterator[Event]:
        match event:
            case BackInConversation() | OutOfReach():
                self._burst("").is_back = True
                yield event
            case BackInRooms(rooms=rooms):
                for room in rooms:
                    self._burst(room).is_back = True
                yield event
            case Said(late=late) if late is not None:
                yield from self._late(event.room, event)
            case Dimmed(dimmed=Said(late=late, room=room)) if late is not None:
                yield from self._late(room, event)
            case _:
                yield event

    def _burst(self, room: str) -> _Burst:
        return self._bursts.setdefault(room, _Burst())

    def _late(self, room: str, event: Event) -> Iterator[Event]:
        now, burst = trio.current_time(), self._burst(room)
        if now > burst.last + QUIET_SECONDS and not burst.left_out:
            burst.shown = 0
        burst.last = now
        if burst.is_back:
            burst.is_back = False
            yield WhileAway(room)
        if burst.shown < self._most:
            burst.shown += 1
            yield event
        else:
            burst.left_out += 1
            self._some.set()

    async def sum(self) -> tuple[NotAllShown, ...]:
        """Return how many were not shown at each place, once no further one comes."""
        await self._some.wait()
        is_quiet = False
        while not is_quiet:
            self._some = trio.Event()
            with trio.move_on_after(QUIET_SECONDS) as quiet:
                await self._some.wait()
            is_quiet = quiet.cancelled_caught
        counted = [NotAllShown(one.left_out, room) for room, one in self._bursts.items()]
        for burst in self._bursts.values():
            burst.left_out = burst.shown = 0
        return tuple(one for one in counted if one.count)
