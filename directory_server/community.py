"""What all links of one running directory share: who is here, and over which link."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec
import trio

from directory_server.authority import Authority
from directory_server.limits import users_at_most
from directory_server.mailbox import Owed
from directory_server.registry import Place, Registry, User
from directory_server.settings import Settings
from directory_server.store import Store
from shared.errors import Refused, StorageError
from shared.link import Link
from shared.messages import RECEIPTS, Bye, Err, Receipts, Status, StatusNow, ToDirectory
from shared.world import World

log = logging.getLogger(__name__)

UserLink = Link[ToDirectory]

TAKEN_OVER: Final = "another program of yours took over the name"
CLOSING: Final = "the directory is closing"


class Community:
    def __init__(
        self, world: World, settings: Settings, authority: Authority, store: Store
    ) -> None:
        self.world, self.settings = world, settings
        self.authority, self.store = authority, store
        self.registry = Registry(
            idle_after=settings.idle_after,
            one_per_address=settings.one_per_address,
            token=settings.token,
        )
        self.links: dict[int, UserLink] = {}  #: of each user who is here, by the user's id
        #: Newcomers pass one at a time, a millisecond each: the others get their turns between.
        self.entrance = trio.Lock()
        self.changed = trio.Event()  #: there is news to tell
        self._seen: dict[int, float | None] = {}  # what the disk does not know yet
        self._alone = trio.Event()

    # --- Coming and going ---

    def check_room(self, user: User) -> None:
        """Raises Refused when there are too many users; one who is here already is none more."""
        most = users_at_most(self.settings.connections)
        if user.id not in self.links and len(self.links) >= most:
            raise Refused(f"this directory is full: {most} users are here", "LIMIT")

    def arrive(
        self, user: User, link: UserLink, place: Place, status: Status, *, by_hand: bool
    ) -> None:
        """The user is here, over this link, and over no other any more."""
        ghost = self.links.get(user.id)
        self.registry.arrive(
            user, place, status, by_hand=by_hand, time=self.time(), now=trio.current_time()
        )
        self.links[user.id] = link
        self._seen[user.id] = None
        self.changed.set()
        if ghost is not None:
            ghost.hang_up(Err("TAKEOVER", TAKEN_OVER), Bye(TAKEN_OVER))

    def leave(self, user: User, link: UserLink) -> None:
        """This link is over; the user may be here over another one already."""
        if self.is_carried_by(user, link):
            self.registry.leave(user, self.time())
            self._gone(user)
            log.info("%s is gone: %s", user.name, link.reason)

    def is_carried_by(self, user: User, link: UserLink) -> bool:
        return self.links.get(user.id) is link

    async def unregister(self, user: User) -> UserLink | None:
        """Take the name back, with its mailbox; returns the link that is over with it.

        Raises StorageError, and the user keeps the name then.
        """
        await self.store.unregister(user.id)
        link = self.links.get(user.id)
        if self.registry.find(user.name) is user:
            self.registry.forget(user, self.time())
        if link is not None:
            self._gone(user)
        return link

    def _gone(self, user: User) -> None:
        del self.links[user.id]
        self._seen[user.id] = self.time()
        self.changed.set()
        if not self.links:
            self._alone.set()

    async def say_good_bye(self) -> None:
        """To all; returns when everybody has gone."""
        for link in list(self.links.values()):
            link.hang_up(Bye(CLOSING))
        while self.links:
            self._alone = trio.Event()
            await self._alone.wait()

    # --- Status ---

    def stir(self, user: User) -> None:
        """A sign of activity."""
        if self.registry.stir(user, time=self.time(), now=trio.current_time()):
            self.push(user.id, StatusNow(Status.ACTIVE))
            self.changed.set()

    def set_status(self, user: User, status: Status, *, by_hand: bool) -> None:
        self.registry.set_status(
            user, status, by_hand=by_hand, time=self.time(), now=trio.current_time()
        )
        self.changed.set()

    def let_fall_idle(self) -> None:
        for user in self.registry.fall_idle(time=self.time(), now=trio.current_time()):
            self.push(user.id, StatusNow(Status.INACTIVE))
            self.changed.set()

    # --- Telling ---

    def push(self, user: int, message: msgspec.Struct) -> None:
        """Say something to a user; nothing happens when they are not here."""
        link = self.links.get(user)
        if link is not None:
            link.post(message)

    def push_receipts(self, owed: Iterable[Owed]) -> None:
        receipts = defaultdict(list)
        for one in owed:
            if one.sender in self.links:
                receipts[one.sender].append(one.receipt)
        for sender, all_of_them in receipts.items():
            for start in range(0, len(all_of_them), RECEIPTS):
                self.push(sender, Receipts(tuple(all_of_them[start : start + RECEIPTS])))

    # --- Keeping ---

    async def note_seen(self) -> None:
        """Put on disk who was last here when."""
        if not self._seen and not self.links:
            return
        seen, self._seen = self._seen, {}
        try:
            await self.store.note_seen(seen, self.time())
        except StorageError:
            self._seen = seen | self._seen

    def time(self) -> float:
        return self.world.clock.time()
