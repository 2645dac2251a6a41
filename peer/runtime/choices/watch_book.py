"""Watch users: my user is told when they come."""

from peer.core.myself import Myself
from peer.core.reach.watch_list import ASKED_MOST, Watched
from peer.runtime.directory.directory_client import DirectoryGone, Displaced
from peer.runtime.directory.roster import Roster
from peer.storage.contacts import ContactStore
from shared.errors import Refused
from shared.names import check_name, fold


class WatchBook:
    """The users whom my user watches by command; it stays so over restarts."""

    def __init__(self, contacts: ContactStore, roster: Roster, myself: Myself) -> None:
        self._contacts, self._roster, self._myself = contacts, roster, myself

    async def add(self, name: str) -> Watched:
        """Watch a user, who need not exist yet; return how they stand now.

        Raises Refused for myself, for somebody whom I ignore, for what is no name, and when
        there are too many; Displaced.
        """
        self._check(check_name(name))
        user, is_known = None, True
        try:
            user = await self._roster.find(name)
        except Displaced:
            raise
        except DirectoryGone:
            is_known = False
        self._check(name)  # others were added meanwhile
        await self._contacts.watch(name if user is None else user.name)
        self._roster.reconsider()
        if user is None:
            return Watched(name, is_known=is_known)
        self._roster.notice(user)
        return Watched(user.name, user.status)

    async def remove(self, name: str) -> str:
        """Watch a user no more; return how the name was spelled."""
        spelled = self._contacts.watched.get(fold(name))
        if spelled is None:
            raise Refused(f"You do not watch {name}.")
        await self._contacts.unwatch(name)
        self._roster.reconsider()
        return spelled

    @property
    def all(self) -> tuple[Watched, ...]:
        """The users whom I watch and do not ignore, in alphabetical order."""
        known = {fold(user.name): user.status for user in self._roster.known}
        watched, ignored = self._contacts.watched, self._contacts.ignored
        return tuple(
            Watched(watched[name], known.get(name)) for name in sorted(watched.keys() - ignored)
        )

    def _check(self, name: str) -> None:
        if self._myself.is_called(name):
            raise Refused("You can't watch yourself.", "SELF")
        if fold(name) in self._contacts.ignored:
            raise Refused(f"You ignore {name}: UNIGNORE {name} first.")
        watched = self._contacts.watched
        if fold(name) not in watched and len(watched) >= ASKED_MOST:
            raise Refused(f"You watch {ASKED_MOST} users, and more cannot be: UNWATCH one first.")
