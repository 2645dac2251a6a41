"""Keeps who is registered and who is online, as the directory announces it.

A restarted directory announces the arrival of each user again.  Users who were online
before are awaited: their return is no news, and only those not back in time have gone.
"""

from collections.abc import Iterable

from peer.core.myself import Registration
from shared.messages.common import Status
from shared.messages.directory import Presence
from shared.names import fold


class Presences:
    """The presence of every user whom the directory knows."""

    def __init__(self, me: Registration) -> None:
        self._me = me
        self._users: dict[str, Presence] = {}  # by folded names
        self._told_online = 0
        self._before = 0  # users online before an outage, who may still come back
        self._awaited: dict[str, str] = {}  # folded name -> name as spelled
        self.is_complete = False  #: whether all users were listed since we registered last

    @property
    def all(self) -> tuple[Presence, ...]:
        """All users, in alphabetical order."""
        return tuple(self._users[name] for name in sorted(self._users))

    @property
    def online(self) -> int:
        """The number of users online, as the directory announced it; 0: not known.

        After an outage at least as many as before it: at first only a few are back.
        """
        here = sum(map(_is_here, self._users.values()))
        return max(self._before, here if self.is_complete else max(here, self._told_online))

    # --- What the directory announces ---

    def registered(self, online: int) -> None:
        self._told_online, self.is_complete = online, False

    def tell(self, users: Iterable[Presence]) -> None:
        """Note the presence of these users."""
        self._users |= {fold(user.name): user for user in users}

    def listed(self, users: Iterable[Presence], before: tuple[Presence, ...]) -> None:
        """Note that these were all users when we asked; `tell` has noted each already.

        `before`: who was known when we asked.
        """
        names = {fold(user.name) for user in users}
        for user in before:
            name = fold(user.name)
            if name not in names and self._users.get(name) is user:
                del self._users[name]  # the name was given back
        self.is_complete = True

    def came(self, user: Presence) -> bool:
        """Note that a user is online; return whether that is news."""
        self.tell([user])
        was_awaited = self._awaited.pop(fold(user.name), None) is not None
        return not was_awaited and not self._is_me(user.name)

    def went(self, name: str, time: float) -> bool:
        """Note that a user is offline; return whether that is news."""
        self.tell([Presence(name, Status.OFFLINE, time)])
        self._awaited.pop(fold(name), None)
        return not self._is_me(name)

    # --- Outages of the directory ---

    def lost(self) -> None:
        """Await all who are online, besides those who are awaited already."""
        self._before = self.online
        names = [user.name for user in self._users.values() if _is_here(user)]
        self._awaited |= {fold(name): name for name in names if not self._is_me(name)}

    def settle(self) -> tuple[str, ...]:
        """Stop awaiting; return who has not come back."""
        awaited, self._awaited, self._before = self._awaited, {}, 0
        here = {name for name, user in self._users.items() if _is_here(user)}
        return tuple(name for folded, name in awaited.items() if folded not in here)

    def _is_me(self, name: str) -> bool:
        return fold(name) == fold(self._me.name)


def _is_here(user: Presence) -> bool:
    return user.status is not Status.OFFLINE
