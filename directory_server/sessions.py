"""Know who is online, and over which link, for all links of one running directory."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

import msgspec
import trio

from directory_server.backlogs import Backlogs, UserLink
from directory_server.core.admission import Admission, Moment
from directory_server.core.alarm import Alarm
from directory_server.core.authority import Authority
from directory_server.core.limits import users_at_most
from directory_server.core.operating.bans import Bans
from directory_server.core.operating.counts import Counts
from directory_server.core.operating.invites import Invites
from directory_server.core.registry import Place, Registry, User
from directory_server.core.tombstones import NOBODY, Tombstone, Tombstones, Validity
from directory_server.settings import Settings
from directory_server.storage.founding import mark_names
from directory_server.storage.store import Newcomer, Owed, Store, Use
from shared.errors import Refused, StorageError
from shared.link import SLOW
from shared.messages.common import Bye, Err, Status
from shared.messages.directory import PAGE, RECEIPTS, Receipts, StatusNow
from shared.world import World

log = logging.getLogger(__name__)

TAKEN_OVER: Final = "another program of yours took over the name"
CLOSING: Final = "the directory is closing"
DRAINING: Final = "the directory takes nobody in at this moment: it is about to be restarted"
FORGOTTEN: Final = "whoever keeps the directory has taken the name away"
EXPIRED: Final = "the name has expired"


def tombstone_of(user: User) -> Tombstone:
    return Tombstone(user.name, user.key, user.usage.seconds, user.certified)


def _stone_for_nobody(user: User) -> Tombstone:
    return replace(tombstone_of(user), key=NOBODY)


def _no_stone(_: User) -> None:
    """Return None: anybody may register the name at once."""


class Sessions:
    def __init__(
        self, world: World, settings: Settings, authority: Authority, store: Store
    ) -> None:
        """Start without users; `recall` loads them."""
        self.world, self.settings = world, settings
        self.authority, self.store = authority, store
        self.registry = Registry(
            idle_after=settings.idle_after,
            one_per_address=settings.one_per_address,
            names=settings.names,
            places=users_at_most(settings.connections),
        )
        self._tombstones = Tombstones()
        self.counts = Counts()
        self.counts.ticked = trio.current_time()
        store.observe(self.counts.committed)
        self.bans, self.invites = Bans(), Invites()
        self.motd = ""  #: what newcomers are told
        self.is_draining = False  #: users are sent away, and none comes in
        self.admission = Admission(
            self.registry,
            self._tombstones,
            token=settings.token,
            is_closed=settings.is_closed,
            names_at_once=settings.names_per_address,
            bans=self.bans,
            invites=self.invites,
        )
        self.links: dict[int, UserLink] = {}  #: of each user who is online, by the user's id
        #: Newcomers pass one at a time, a millisecond each; other tasks run in between.
        self.entrance = trio.Lock()
        self.changed = trio.Event()  #: set while there is news to tell
        self._unnoted: dict[User, None] = {}  # users whose coming or going is not on disk yet
        self._alone = trio.Event()
        self._wrong_tokens = Alarm()
        self.backlogs = Backlogs(store, self.links)
        self._age = 0.0  # at the zero of the monotonic clock

    async def recall(self) -> None:
        """Read users and tombstones, and what the operator has said, from disk.

        Raises StorageError.
        """
        self._age = await self.store.age() - trio.current_time()
        for user in await self.store.users():
            if user.usage.here_since is not None:  # the directory crashed
                user.usage.leave(self.age())
                self._unnoted[user] = None
            self.registry.know(user)
        for tombstone in await self.store.tombstones():
            self._tombstones.bury(tombstone)
        await self.read_operations()

    async def read_operations(self) -> None:
        """Take over what the operator has said, here or at another directory of the store.

        Raises StorageError.
        """
        self.bans.load(await self.store.bans())
        self.invites.load(await self.store.invites())
        self.motd = await self.store.motd()
        self.expel_banned()

    def expel_banned(self) -> int:
        """End the links of users who are banned, and tell them why; return how many."""
        expelled = 0
        for user in self.registry.everybody():
            ban = self.bans.find(user.key, user.place.address, self.time())
            if ban is not None and self.expel(
                user, Err("BANNED", ban.sentence()), Bye(ban.sentence())
            ):
                expelled += 1
        return expelled

    def apply(self, settings: Settings) -> None:
        """Take over what may change while the directory runs."""
        self.settings = settings
        self.registry.set_rules(
            idle_after=settings.idle_after, one_per_address=settings.one_per_address
        )
        self.admission.set_rules(
            token=settings.token,
            is_closed=settings.is_closed,
            names_at_once=settings.names_per_address,
        )
        self.store.set_room(settings.mail_mib)

    # --- Coming and going ---

    def arrive(
        self, user: User, link: UserLink, place: Place, status: Status, *, by_hand: bool
    ) -> None:
        """Note that the user is online over this link; a link they had before is hung up."""
        ghost = self.links.get(user.id)
        self.registry.arrive(
            user, place, status, by_hand=by_hand, time=self.time(), now=trio.current_time()
        )
        self.links[user.id] = link
        user.usage.arrive(self.age())
        self._unnoted[user] = None
        self.changed.set()
        if ghost is not None:
            self.counts.cut["takeover"] += 1
            ghost.hang_up(Err("TAKEOVER", TAKEN_OVER), Bye(TAKEN_OVER))

    def leave(self, user: User, link: UserLink) -> None:
        """Note that this link has ended; the user may be online over another one already."""
        if self.is_carried_by(user, link):
            self.registry.leave(user, self.time())
            self._gone(user)
            log.info("%s is gone: %s", user.name, link.reason)
        if link.reason == SLOW:
            self.counts.cut["slow"] += 1

    def expel(self, user: User, *last: msgspec.Struct) -> bool:
        """End this user's link with these words; return False if the user is away.

        What still comes over the link is not performed any more.
        """
        link = self.links.get(user.id)
        if link is None:
            return False
        self.counts.cut["operator"] += 1
        self.registry.leave(user, self.time())
        self._gone(user)
        link.hang_up(*last)
        return True

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
        """Send BYE to all users, and wait until all are gone."""
        for link in list(self.links.values()):
            link.hang_up(Bye(CLOSING))
        while self.links:
            self._alone = trio.Event()
            await self._alone.wait()

    # --- Names ---

    async def register(self, new: Newcomer) -> None:
        """Put a new name on disk, unless somebody else was faster.

        Raises StorageError, and Refused when others have used up the invite.
        """
        time, age = self.time(), self.age()
        buried = self._tombstones.find(new.name, time, age)
        if buried is not None:  # of the same key
            new = new._replace(certified=new.certified.with_other(buried.certified))
        user = await self.store.register(new, time, age)
        if self.registry.find(user.name) is None:
            self.registry.know(user)
            self._tombstones.lift(user.name)
        if new.invite:
            self.invites.note_uses(new.invite, await self.store.uses_left(new.invite))

    async def note_certificate(self, user: User) -> None:
        """Note how long a certificate that is issued now will be valid.  Raises StorageError."""
        if not user.certified.covers_new(self.time(), self.age()):
            certified = user.certified.with_other(Validity.of_new(self.time(), self.age()))
            await self.store.certify(user.id, certified)
            user.certified = certified

    async def release(
        self, users: list[User], stone: Callable[[User], Tombstone | None] = tombstone_of
    ) -> list[UserLink]:
        """Release these names, with their mailboxes; only their keys can have them again soon.

        Returns the users' links, for the caller to hang up.  After a StorageError the users
        keep their names.
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
        """Forget the names that the operator wants to be gone.  Raises StorageError."""
        orders = await self.store.orders()
        for name, free in orders:
            user = self.registry.find(name)
            if user is not None:
                await self.forget(user, free=free)
        if orders:
            await self.store.fulfil([name for name, _ in orders])

    async def forget(self, user: User, *, free: bool) -> None:
        """Take a name away, with its mailbox.  `free`: anybody may have it at once.

        Raises StorageError.
        """
        for link in await self.release([user], _no_stone if free else _stone_for_nobody):
            link.hang_up(Bye(FORGOTTEN))
        log.info("the operator has taken the name %s away", user.name)

    def buried(self, name: str) -> Tombstone | None:
        """Return the tombstone of a name that only its old key can have now."""
        return self._tombstones.find(name, self.time(), self.age())

    async def unbury(self, name: str) -> bool:
        """Let anybody have such a name; return False if it is none.  Raises StorageError."""
        if self.buried(name) is None:
            return False
        await self.store.lift([name])
        self._tombstones.lift(name)
        return True

    async def sweep_operations(self) -> None:
        """Delete the bans and invites that are over.  Raises StorageError."""
        bans, invites = self.bans.over(self.time()), self.invites.over(self.time())
        if bans:
            await self.store.unban(bans)
        if invites:
            await self.store.uninvite([invite.digest for invite in invites])
        for ban in bans:
            self.bans.remove(ban)
        for invite in invites:
            self.invites.remove(invite.digest)

    async def give_up_unused_names(self) -> None:
        """Release names that nobody has used for too long, and delete tombstones that are over.

        Raises StorageError.
        """
        after, more = "", True
        while more:
            users, more = self.registry.page(after, PAGE)
            unused = [user for user in users if user.usage.is_over(self.age())]
            if unused:
                for link in await self.release(unused):  # a user came just now
                    link.hang_up(Bye(EXPIRED))
                log.info("%d names have expired", len(unused))
            after = users[-1].name if users else ""
            await trio.lowlevel.checkpoint()
        over = self._tombstones.sweep(self.time(), self.age())
        if over:
            await self.store.lift(over)

    # --- Status ---

    def stir(self, user: User) -> None:
        """Note a sign of the user's activity."""
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
        """Send a message to a user, if they are online."""
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
        """Count a wrong token; the log does not get a line for each."""
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

    async def mark_names(self) -> None:
        """Note beside the database whether it must hold names."""
        try:
            mark_names(self.world.disk, exist=await self.store.has_had_names())
        except StorageError as error:
            log.warning("%s", error)

    def time(self) -> float:
        """Return the time of day, which somebody may set."""
        return self.world.clock.time()

    def age(self) -> float:
        """Return for how many seconds the directory has run in all: nobody can set that."""
        return self._age + trio.current_time()

    def check_open(self) -> None:
        """Raise Refused while the operator empties the directory."""
        if self.is_draining:
            raise Refused(DRAINING, "DRAINING")

    def moment(self) -> Moment:
        return Moment(trio.current_time(), self.time(), self.age())
