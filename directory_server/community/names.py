"""Give names to users, and take them away: by their owner, the operator, or for want of use."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import trio

from directory_server.community.backlogs import UserLink
from directory_server.community.clocks import Clocks
from directory_server.community.sessions import Sessions
from directory_server.community.telling import Telling
from directory_server.core.operating.invites import Invites
from directory_server.core.registry import Registry, User
from directory_server.core.tombstones import NOBODY, Tombstone, Tombstones, Validity
from directory_server.storage.founding import mark_names
from directory_server.storage.store import Newcomer, Store
from shared.errors import StorageError
from shared.messages.common import Bye
from shared.messages.directory import PAGE
from shared.world import Disk

log = logging.getLogger(__name__)

FORGOTTEN: Final = "whoever keeps the directory has taken the name away"
EXPIRED: Final = "the name has expired"


def tombstone_of(user: User) -> Tombstone:
    return Tombstone(user.name, user.key, user.usage.seconds, user.certified)


def _stone_for_nobody(user: User) -> Tombstone:
    return replace(tombstone_of(user), key=NOBODY)


def _no_stone(_: User) -> None:
    """Return None: anybody may register the name at once."""


class Names:
    def __init__(
        self, registry: Registry, tombstones: Tombstones, invites: Invites, sessions: Sessions,
        store: Store, clocks: Clocks, telling: Telling,
    ) -> None:  # fmt: skip
        self._registry, self._tombstones, self._invites = registry, tombstones, invites
        self._sessions, self._store, self._clocks = sessions, store, clocks
        self._telling = telling  # of what the other directories should know

    async def recall(self) -> None:
        """Read users and tombstones from the store.  Raises StorageError."""
        for user in await self._store.users():
            if user.usage.here_since is not None:
                self._sessions.crashed(user)
            self._registry.know(user)
        for tombstone in await self._store.tombstones():
            self._tombstones.bury(tombstone)

    async def register(self, new: Newcomer) -> None:
        """Put a new name on disk, unless somebody else was faster.

        Raises StorageError, and Refused when others have used up the invite.
        """
        time, age = self._clocks.time(), self._clocks.age()
        buried = self._tombstones.find(new.name, time, age)
        if buried is not None:  # of the same key
            new = new._replace(certified=new.certified.with_other(buried.certified))
        user = await self._store.register(new, time, age)
        self._telling.names([user.id])
        if self._registry.find(user.name) is None:
            self._registry.know(user)
            self._tombstones.lift(user.name)
        if new.invite:
            self._invites.note_uses(new.invite, await self._store.uses_left(new.invite))

    async def note_certificate(self, user: User) -> bool:
        """Note how long a certificate that is issued now will be valid.

        Raises StorageError.  Returns False when another directory has released the name.
        """
        if not user.certified.covers_new(self._clocks.time(), self._clocks.age()):
            certified = user.certified.with_other(
                Validity.of_new(self._clocks.time(), self._clocks.age())
            )
            if not await self._store.certify(user.id, certified):
                return False
            user.certified = certified
            self._telling.names([user.id])
        return True

    async def reseal(self, user: User, sealing_key: bytes, sealing_proof: bytes) -> None:
        """Put the user's new sealing key on disk.  Raises StorageError."""
        await self._store.reseal(user.id, sealing_key, sealing_proof)
        user.sealing_key, user.sealing_proof = sealing_key, sealing_proof
        self._telling.names([user.id])

    async def release(
        self, users: list[User], stone: Callable[[User], Tombstone | None] = tombstone_of
    ) -> list[UserLink]:
        """Release these names, with their mailboxes; only their keys can have them again soon.

        Returns the users' links, for the caller to hang up.  After a StorageError the users
        keep their names.
        """
        links = []
        stones = await self._store.release([(user.id, stone(user)) for user in users])
        self._telling.names([user.id for user in users])
        for user, one in zip(users, stones, strict=True):
            if self._registry.find(user.name) is user:
                self._registry.forget(user, self._clocks.time())
                if one is not None:
                    self._tombstones.bury(one)
            link = self._sessions.forget(user)
            if link is not None:
                links.append(link)
        return links

    async def forget_as_ordered(self) -> None:
        """Forget the names that the operator wants to be gone.  Raises StorageError."""
        orders = await self._store.orders()
        for name, free in orders:
            user = self._registry.find(name)
            if user is not None:
                await self.forget(user, free=free)
        if orders:
            await self._store.fulfil([name for name, _ in orders])

    async def forget(self, user: User, *, free: bool) -> None:
        """Take a name away, with its mailbox.  `free`: anybody may have it at once.

        Raises StorageError.
        """
        for link in await self.release([user], _no_stone if free else _stone_for_nobody):
            link.hang_up(Bye(FORGOTTEN))
        log.info("the operator has taken the name %s away", user.name)

    def buried(self, name: str) -> Tombstone | None:
        """Return the tombstone of a name that only its old key can have now."""
        return self._tombstones.find(name, self._clocks.time(), self._clocks.age())

    async def unbury(self, name: str) -> bool:
        """Let anybody have such a name; return False if it is none.  Raises StorageError."""
        if self.buried(name) is None:
            return False
        await self._store.lift([name])
        self._tombstones.lift(name)
        return True

    async def give_up_unused_names(self) -> None:
        """Release names that nobody has used for too long, and delete tombstones that are over.

        Raises StorageError.
        """
        after, more = "", True
        while more:
            users, more = self._registry.page(after, PAGE)
            unused = [user for user in users if user.usage.is_over(self._clocks.age())]
            if unused:
                for link in await self.release(unused):  # a user came just now
                    link.hang_up(Bye(EXPIRED))
                log.info("%d names have expired", len(unused))
            after = users[-1].name if users else ""
            await trio.lowlevel.checkpoint()
        over = self._tombstones.sweep(self._clocks.time(), self._clocks.age())
        if over:
            await self._store.lift(over)

    async def mark(self, disk: Disk) -> None:
        """Note beside the database whether it must hold names."""
        try:
            mark_names(disk, exist=await self._store.has_had_names())
        except StorageError as error:
            log.warning("%s", error)
