"""What happened in a conversation is held back until it may be shown, and keeps its order."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from peer.events import Event

C = TypeVar("C")  # a conversation

Then = Callable[[], None]


class DisplayGate(Generic[C]):
    """All conversations of one peer, each known by an id.

    `show` turns an event into what the user reads, at the moment in which it is shown.
    """

    def __init__(self, show: Callable[[C, Event, Then], None]) -> None:
        self._show = show
        self._reasons: dict[str, set[Hashable]] = {}  # why it is closed
        self._held: dict[str, list[tuple[C, Event, Then]]] = {}

    def close(self, id: str, reason: Hashable) -> None:
        """Until `open` for the same reason."""
        self._reasons.setdefault(id, set()).add(reason)

    def open(self, id: str, reason: Hashable) -> None:
        """Without any reason left all that was held back is shown."""
        reasons = self._reasons.get(id, set())
        reasons.discard(reason)
        if not reasons:
            self._reasons.pop(id, None)
            for held in self._held.pop(id, ()):
                self._show(*held)

    def is_closed(self, id: str) -> bool:
        return id in self._reasons

    def show(self, id: str, current: C, event: Event, then: Then) -> None:
        """Now, or as soon as the curtain of this conversation is open; then call `then`."""
        if id in self._reasons:
            self._held.setdefault(id, []).append((current, event, then))
        else:
            self._show(current, event, then)
