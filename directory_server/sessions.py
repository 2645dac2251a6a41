"""What all links of one running directory share: who is here, and over which link."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

import msgspec
import trio

from directory_server.core.alarm import Alarm
from directory_server.core.authority import Authority
from directory_server.core.doorkeeper import Doorkeeper, Moment
from directory_server.core.limits import users_at_most
from directory_server.core.registry import Place, Registry, User
from directory_server.core.tombstones import NOBODY, Tombstone, Tombstones, Validity
from directory_server.settings import Settings
from directory_server.storage.founding import mark_names
from directory_server.storage.mailbox import Owed
from directory_server.storage.ownership import Newcomer, Use
from directory_server.storage.store import Store
from shared.errors import StorageError
from shared.link import Link
from shared.messages import PAGE, RECEIPTS, Bye, Err, Receipts, Status, StatusNow, ToDirectory
from shared.world import World

log = logging.getLogger(__name__)

UserLink = Link[ToDirectory]

TAKEN_OVER: Final = "another program of yours took over the name"
CLOSING: Final = "the directory is closing"
FORGOTTEN: Final = "whoever keeps the directory has taken the name away"
EXPIRED: Final = "the name has expired"


def tombstone_of(user: User) -> Tombstone:
    return Tombstone(user.name, user.key, user.usage.seconds, user.certified)


def _stone_for_nobody(user: User) -> Tombstone:
    return replace(tombstone_of(user), key=NOBODY)


def _no_stone(_: User) -> None:
    """Anybody may have the name at once."""


class Sessions:
    def __init__(
        self, world: World, settings: Settings, authority: Authority, store: Store
    ) -> None:
        self.world, self.settings = world, settings
        self.authority, self.store = authority, store
        self.registry = Registry(
            idle_after=settings.idle_after,
            one_per_address=settings.one_per_address,
            names=settings.names,
            places=users_at_most(settings.connections),
        )
        self._tombstones = Tombstones()
        self.doorkeeper = Doorkeeper(
            self.registry,
            self._tombstones,
            token=settings.token,
            names_at_once=settings.names_per_address,
        )
        self.links: dict[int, UserLink] = {}  #: of each user who is here, by the user's id
        #: Newcomers pass one at a time, a millisecond each: the others get their turns between.
        self.entrance = trio.Lock()
        self.changed = trio.Event()  #: there is news to tell
        self._unnoted: dict[User, None] = {}  # of whose coming or going the disk does not know
        self._alone = trio.Event()
        self._wrong_tokens = Alarm()
        self._age = store.age() - trio.current_time()
        self._recall()

    def _recall(self) -> None:
        """Everything that stands on disk."""
        for user in self.store.users():
            if user.usage.here_since is not None:  # the directory crashed
                user.usage.leave(self.age())
                self._unnoted[user] = None
            self.registry.know(user)
        for tombstone in self.store.tombstones():
            self._tombstones.bury(tombstone)

    # --- Coming and going ---

    def arrive(
        self, user: User, link: UserLink, place: Place, status: Status, *, by_hand: bool
    ) -> None:
        """The user is here, over this link, and over no other any more."""
        ghost = self.links.get(user.id)
        self.registry.arrive(
            user, place, status, by_hand=by_hand, time=self.time(), now=trio.current_time()
        )
        self.links[user.id] = link
        user.usage.arrive(self.age())
        self._unnoted[user] = None
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

    def _gone(self, user: User) -> None:
        del self.links[user.id]
        user.usage.leave(self.age())
        self._unnoted[user] = None
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

    # --- Names ---

    async def register(self, new: Newcomer) -> None:
        """Put a new name on disk; somebody else may have been faster.  Raises StorageError."""
        time, age = self.time(), self.age()
        buried = self._tombstones.find(new.name, time, age)
        if buried is not None:  # of the same key
            new = new._replace(certified=new.certified.with_other(buried.certified))
        user = await self.store.register(new, time, age)
        if self.registry.find(user.name) is None:
            self.registry.know(user)
            self._tombstones.lift(user.name)

    def may_certify(self, user: User) -> bool:
        """Whether the disk knows how long a certificate that is issued now would be valid."""
        return user.certified.covers_new(self.time(), self.age())

    async def note_certificate(self, user: User) -> None:
        """Make `may_certify` true, before anybody gets the certificate.  Raises StorageError."""
        if not self.may_certify(user):
            certified = user.certified.with_other(Validity.of_new(self.time(), self.age()))
            await self.store.certify(user.id, certified)
            user.certified = certified

    async def release(
        self, users: list[User], stone: Callable[[User], Tombstone | None] = tombstone_of
    ) -> list[UserLink]:
        """Give up these names, with their mailboxes; only their keys can have them again soon.

        Returns the links that are over with them.  Raises StorageError, and the users keep
        their names then.
        """
        links = []
        stones = [stone(user) for user in users]
        await self.store.release([(user.id, one) for user, one in zip(users, stones, strict=True)])
        for user, one in zip(users, stones, strict=True):
            if self.registry.find(user.name) is user:
                self.registry.forget(user, self.time())
                if one is not None:
                    self._tombstones.bury(one)
            link = self.links.get(user.id)
            if link is not None:
                self._gone(user)
                links.append(link)
            self._unnoted.pop(user, None)
        return links

    async def forget_as_ordered(self) -> None:
        """Names that the operator wants to be gone.  Raises StorageError."""
        orders = self.store.orders()
        for name, free in orders:
            user = self.registry.find(name)
            if user is not None:
                for link in await self.release([user], _no_stone if free else _stone_for_nobody):
                    link.hang_up(Bye(FORGOTTEN))
                log.info("the operator has taken the name %s away", user.name)
        if orders:
            await self.store.fulfil([name for name, _ in orders])

    async def give_up_unused_names(self) -> None:
        """Names that nobody has used for too long, and tombstones that are over.

        Raises StorageError.
        """
        after, more = "", True
        while more:
            users, more = self.registry.page(after, PAGE)
            unused = [user for user in users if user.usage.is_over(self.age())]
            if unused:
                for link in await self.release(unused):  # somebody came at that very moment
                    link.hang_up(Bye(EXPIRED))
                log.info("%d names have expired", len(unused))
            after = users[-1].name if users else ""
            await trio.lowlevel.checkpoint()
        over = self._tombstones.sweep(self.time(), self.age())
        if over:
            await self.store.lift(over)

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

    def note_wrong_token(self, host: str) -> None:
        """One more guess; the log must not grow with each of them."""
        count = self._wrong_tokens.ring(trio.current_time())
        if count:
            log.warning("wrong tokens: %d, the last one from %s", count, host)

    # --- Keeping ---

    async def note_seen(self) -> None:
        """Put on disk who was last here when, and how long the directory has run."""
        unnoted, self._unnoted = self._unnoted, {}
        uses = [
            Use(user.id, None if user.is_here else user.since, replace(user.usage))
            for user in unnoted
        ]
        try:
            await self.store.note_uses(uses, self.time(), self.age())
        except StorageError:
            self._unnoted = unnoted | self._unnoted

    def mark_names(self) -> None:
        """Note beside the database whether it must hold names."""
        try:
            mark_names(self.world.disk, exist=self.store.has_had_names())
        except StorageError as error:
            log.warning("%s", error)

    def time(self) -> float:
        """Of day, which somebody may set."""
        return self.world.clock.time()

    def age(self) -> float:
        """For how many seconds the directory has run in all: nobody can set that."""
        return self._age + trio.current_time()

    def moment(self) -> Moment:
        return Moment(trio.current_time(), self.time(), self.age())
