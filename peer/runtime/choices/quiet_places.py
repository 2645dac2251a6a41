"""Dim or mute places, as long as their user wants it."""

from peer.commands.grammar import Loud
from peer.core.past.quiet_place import QuietPlace
from peer.core.targets.place import Place
from peer.runtime.history_reader import HistoryReader
from peer.storage.past.quiet_places import QuietPlaceStore
from shared.errors import Refused


class QuietPlaces:
    """The places that are dimmed or muted; they stay so over restarts."""

    def __init__(self, store: QuietPlaceStore, history: HistoryReader) -> None:
        self._store, self._history = store, history

    def of(self, place: Place) -> Loud:
        """Return how loud a place is; a room that is not mine is as loud as others."""
        return self._store.of(self._history.place_id(place)).loud

    @property
    def persons(self) -> tuple[tuple[Place, Loud], ...]:
        """The persons who are dimmed or muted."""
        return tuple((Place(person=one.person), one.loud) for one in self._store.persons)

    async def make(self, place: Place, loud: Loud) -> None:
        """Keep how loud a place is.  Raises Refused for a room that is not mine, StorageError."""
        if not (id := self._history.place_id(place)):
            raise Refused(f"You are in no room {place}.", "ROOM")
        await self._store.keep(id, QuietPlace(place.person, loud))
