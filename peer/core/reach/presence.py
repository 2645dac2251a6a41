"""Who is registered, and who is there, as far as the directory has told it.

A directory that starts again tells the arrival of each user anew.  Who was there before
has not come, and is awaited: only who does not come back in time has gone.
"""

from collections.abc import Callable, Iterable

from shared.messages import Presence, Status
from shared.names import fold


class Presences:
    """As many as the directory knows."""

    def __init__(self, me: Callable[[], str]) -> None:
        self._me = me
        self._users: dict[str, Presence] = {}  # by folded names
        self._told_online = 0
        self._before = 0  # so many were there before an outage, and may come back still
        self._awaited: dict[str, str] = {}  # folded -> as they are spelled
        self.is_complete = False  #: all of them were listed since we registered last

    @property
    def all(self) -> tuple[Presence, ...]:
        """In alphabetical order."""
        return tuple(self._users[name] for name in sorted(self._users))

    @property
    def online(self) -> int:
        """How many users the directory has, as it has told; 0: not known.

        After an outage as many as before: the first ones back are still few.
        """
        here = sum(map(_is_here, self._users.values()))
        return max(self._before, here if self.is_complete else max(here, self._told_online))

    # --- What the directory tells ---

    def registered(self, online: int) -> None:
        self._told_online, self.is_complete = online, False

    def tell(self, users: Iterable[Presence]) -> None:
        """These users are so."""
        self._users |= {fold(user.name): user for user in users}

    def listed(self, users: Iterable[Presence], before: tuple[Presence, ...]) -> None:
        """These were all, when it was asked; each was told meanwhile.

        `before`: who was known when it was asked.
        """
        names = {fold(user.name) for user in users}
        for user in before:
            name = fold(user.name)
            if name not in names and self._users.get(name) is user:
                del self._users[name]  # given back
        self.is_complete = True

    def came(self, user: Presence) -> bool:
        """Whether it is news that this user is there."""
        self.tell([user])
        was_awaited = self._awaited.pop(fold(user.name), None) is not None
        return not was_awaited and not self._is_me(user.name)

    def went(self, name: str, time: float) -> bool:
        """Whether it is news."""
        self.tell([Presence(name, Status.OFFLINE, time)])
        self._awaited.pop(fold(name), None)
        return not self._is_me(name)

    # --- Outages of the directory ---

    def lost(self) -> None:
        """Expect all who are there to come back; who was awaited already still is."""
        self._before = self.online
        names = [user.name for user in self._users.values() if _is_here(user)]
        self._awaited |= {fold(name): name for name in names if not self._is_me(name)}

    def settle(self) -> tuple[str, ...]:
        """Nobody is awaited any more; return who has not come back."""
        awaited, self._awaited, self._before = self._awaited, {}, 0
        here = {name for name, user in self._users.items() if _is_here(user)}
        return tuple(name for folded, name in awaited.items() if folded not in here)

    def _is_me(self, name: str) -> bool:
        return fold(name) == fold(self._me())


def _is_here(user: Presence) -> bool:
    return user.status is not Status.OFFLINE
