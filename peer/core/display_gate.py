"""Holds back the events of a conversation until they may be shown, in their order."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from peer.events import Event

C = TypeVar("C")  # a conversation

Then = Callable[[], None]


class DisplayGate(Generic[C]):
    """One gate for each conversation of a peer, known by its id.

    `show` turns an event into what the user reads, at the moment when it is shown.
    """

    def __init__(self, show: Callable[[C, Event, Then], None]) -> None:
        self._show = show
        self._reasons: dict[str, set[Hashable]] = {}  # why each gate is closed
        self._held: dict[str, list[tuple[C, Event, Then]]] = {}

    def close(self, id: str, reason: Hashable) -> None:
        """Hold back events until `open` is called for the same reason."""
        self._reasons.setdefault(id, set()).add(reason)

    def open(self, id: str, reason: Hashable) -> None:
        """Drop a reason; when none is left, show all that was held back."""
        reasons = self._reasons.get(id, set())
        reasons.discard(reason)
        if not reasons:
            self._reasons.pop(id, None)
            for held in self._held.pop(id, ()):
                self._show(*held)

    def is_closed(self, id: str) -> bool:
        return id in self._reasons

    def show(self, id: str, current: C, event: Event, then: Then) -> None:
        """Show the event as soon as the gate of this conversation is open; then call `then`."""
        if id in self._reasons:
            self._held.setdefault(id, []).append((current, event, then))
        else:
            self._show(current, event, then)
