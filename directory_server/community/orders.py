"""Keep what the operator has said until it is taken back: bans, invites, a motd."""

from typing import Final

from directory_server.community.clocks import Clocks
from directory_server.community.sessions import Sessions
from directory_server.core.operating.bans import Bans
from directory_server.core.operating.invites import Invites
from directory_server.core.registry import Registry
from directory_server.storage.store import OperationStore
from shared.errors import Refused
from shared.messages.common import Bye, Err

DRAINING: Final = "the directory takes nobody in at this moment: it is about to be restarted"


class Orders:
    def __init__(
        self, registry: Registry, sessions: Sessions, store: OperationStore, clocks: Clocks
    ) -> None:
        self._registry, self._sessions = registry, sessions
        self._store, self._clocks = store, clocks
        self.bans, self.invites = Bans(), Invites()
        self.motd = ""  #: what newcomers are told
        self.is_draining = False  #: users are sent away, and none comes in

    async def read(self) -> None:
        """Take over what the operator has said, here or at another directory of the store.

        Raises StorageError.  What was said here meanwhile may be missing in what was read, so
        then it is read again.
        """
        before = None
        while before != self._changes():
            before = self._changes()
            bans, invites = await self._store.bans(), await self._store.invites()
            motd = await self._store.motd()
        self.bans.load(bans)
        self.invites.load(invites)
        self.motd = motd
        self.expel_banned()

    def _changes(self) -> tuple[int, int]:
        return self.bans.changes, self.invites.changes

    async def sweep(self) -> None:
        """Delete the bans and invites that are over.  Raises StorageError."""
        bans, invites = self.bans.over(self._clocks.time()), self.invites.over(self._clocks.time())
        if bans:
            await self._store.unban(bans)
        if invites:
            await self._store.uninvite([invite.digest for invite in invites])
        for ban in bans:
            self.bans.remove(ban)
        for invite in invites:
            self.invites.remove(invite.digest)

    def expel_banned(self) -> int:
        """End the links of users who are banned, and tell them why; return how many."""
        expelled = 0
        for user in self._registry.everybody():
            ban = self.bans.find(user.key, user.place.address, self._clocks.time())
            if ban is not None and self._sessions.expel(
                user, Err("BANNED", ban.sentence()), Bye(ban.sentence())
            ):
                expelled += 1
        return expelled

    def check_open(self) -> None:
        """Raise Refused while the operator empties the directory."""
        if self.is_draining:
            raise Refused(DRAINING, "DRAINING")
