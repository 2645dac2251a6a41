"""Remember the users whom I know: those whom I have answered by an act of my own.

Such an act is an invitation or a yes of mine, a private line, a letter, VERIFY, or a text
in a conversation with them.  Nothing that others do makes them known, so limits for
strangers hold until I act.
"""

import logging
from typing import Final

from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.tasks import Tasks
from peer.storage.contacts import ContactStore
from shared.errors import StorageError
from shared.names import fold
from shared.world import Clock

log = logging.getLogger("peer")

MOST: Final = 100_000  # names: as many as a directory holds


class KnownUsers:
    """The users whom I have answered, over restarts; `ContactStore` has the names."""

    def __init__(
        self, contacts: ContactStore, clock: Clock, tasks: Tasks, known_keys: KnownKeys
    ) -> None:
        self._contacts, self._clock = contacts, clock
        self._tasks, self._known_keys = tasks, known_keys

    @property
    def names(self) -> set[str]:
        """The folded names, always as the same set."""
        return self._contacts.answered

    def knows(self, name: str) -> bool:
        return fold(name) in self._contacts.answered

    def answer(self, *names: str) -> None:
        """Make these users known, whom I have just answered: at once here, and on disk soon."""
        self._known_keys.pin(*names)
        answered = self._contacts.answered
        fresh = tuple({fold(name) for name in names} - answered)
        if fresh and len(answered) < MOST:
            answered.update(fresh)
            self._tasks.spawn(self._remember, fresh)

    async def _remember(self, names: tuple[str, ...]) -> None:
        try:
            await self._contacts.remember_answered(names, self._clock.time())
        except StorageError as failure:
            log.warning("not on disk that you have answered %s: %s", ", ".join(names), failure)
