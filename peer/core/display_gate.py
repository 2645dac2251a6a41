"""Holds back what is shown of a conversation until it may be shown, in its order."""

from collections.abc import Hashable
from typing import Generic, TypeVar

E = TypeVar("E")  # an event, and what belongs to it


class DisplayGate(Generic[E]):
    """One gate for each conversation of a peer, known by its id."""

    def __init__(self) -> None:
        self._reasons: dict[str, set[Hashable]] = {}  # why each gate is closed
        self._held: dict[str, list[E]] = {}

    def close(self, id: str, reason: Hashable) -> None:
        """Hold back events until `open` is called for the same reason."""
        self._reasons.setdefault(id, set()).add(reason)

    def open(self, id: str, reason: Hashable) -> list[E]:
        """Drop a reason; when none is left, return all that was held back, to be shown now."""
        reasons = self._reasons.get(id, set())
        reasons.discard(reason)
        if reasons:
            return []
        self._reasons.pop(id, None)
        return self._held.pop(id, [])

    def is_closed(self, id: str) -> bool:
        return id in self._reasons

    def holds(self, id: str, event: E) -> bool:
        """Hold back the event; return False if the gate is open, so that it is shown at once."""
        if id not in self._reasons:
            return False
        self._held.setdefault(id, []).append(event)
        return True
