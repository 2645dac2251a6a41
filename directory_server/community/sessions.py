"""Know who is online, and over which link, for all links of one running directory."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import msgspec
import trio

from directory_server.community.backlogs import UserLink
from directory_server.community.clocks import Clocks
from directory_server.community.meeting_place import MeetingPlace
from directory_server.community.probes import Probes
from directory_server.community.telling import Telling
from directory_server.core.addresses import network_of
from directory_server.core.knocks import Knocks
from directory_server.core.operating.counts import Counts
from directory_server.core.presence.announcements import Announcements
from directory_server.core.registry import Place, Registry, User
from directory_server.storage.store import Owed, Store, Use
from shared.errors import StorageError
from shared.link import SLOW
from shared.messages.common import Bye, Err, Status
from shared.messages.directory import RECEIPTS, Receipts, StatusNow
from shared.messages.spots import Spot

log = logging.getLogger(__name__)

TAKEN_OVER: Final = "another program of yours took over the name"
CLOSING: Final = "the directory is closing"


class Sessions:
    def __init__(
        self, registry: Registry, announcements: Announcements[UserLink], store: Store,
        clocks: Clocks, counts: Counts, probes: Probes, telling: Telling,
    ) -> None:  # fmt: skip
        self._registry, self._store = registry, store
        self.announcements = announcements  #: of who comes, goes, and changes, for all links
        self._clocks, self._counts = clocks, counts
        self.knocks, self.probes = Knocks(), probes
        self.links: dict[int, UserLink] = {}  #: of each user who is online, by the user's id
        self.meeting_place = MeetingPlace(registry, self.links, telling)
        self.changed = trio.Event()  #: set while there is news to tell
        self._unnoted: dict[User, None] = {}  # users whose coming or going is not on disk yet
        self._alone = trio.Event()

    def crashed(self, user: User) -> None:
        """Note that this user was here when the directory crashed, and is gone now."""
        user.usage.leave(self._clocks.age())
        self._unnoted[user] = None

    # --- Coming and going ---

    def arrive(
        self, user: User, link: UserLink, place: Place, status: Status, *, by_hand: bool,
        note: str, watch: Iterable[str] | None,
    ) -> None:  # fmt: skip
        """Note that the user is online over this link; a link they had before is hung up.

        `watch`: see Iam.
        """
        ghost = self.links.get(user.id)
        self._registry.arrive(
            user, place, status, by_hand=by_hand, note=note,
            time=self._clocks.time(), now=trio.current_time(),
        )  # fmt: skip
        self.links[user.id] = link
        self.announcements.join(link, network_of(place.address), watch)
        user.usage.arrive(self._clocks.age())
        self._unnoted[user] = None
        self.changed.set()
        if ghost is not None:
            self.announcements.leave(ghost)
            self._counts.cut["takeover"] += 1
            ghost.hang_up(Err("TAKEOVER", TAKEN_OVER), Bye(TAKEN_OVER))

    def leave(self, user: User, link: UserLink) -> None:
        """Note that this link has ended; the user may be online over another one already."""
        if self.is_carried_by(user, link):
            self._registry.leave(user, self._clocks.time())
            self._gone(user)
            log.info("%s is gone: %s", user.name, link.reason)
        if link.reason == SLOW:
            self._counts.cut["slow"] += 1

    def expel(self, user: User, *last: msgspec.Struct) -> bool:
        """End this user's link with these words; return False if the user is away.

        Messages that still come over the link are not performed any more.
        """
        link = self.links.get(user.id)
        if link is None:
            return False
        self._counts.cut["operator"] += 1
        self._registry.leave(user, self._clocks.time())
        self._gone(user)
        link.hang_up(*last)
        return True

    def hand_over(self, user: User) -> UserLink:
        """Forget the link of a user who has registered at another directory; return it, for the
        caller to hang up.
        """
        link = self.links[user.id]
        self._counts.cut["takeover"] += 1
        self._gone(user)
        return link

    def is_carried_by(self, user: User, link: UserLink) -> bool:
        return self.links.get(user.id) is link

    def _gone(self, user: User) -> None:
        self.announcements.leave(self.links.pop(user.id))
        user.usage.leave(self._clocks.age())
        self._unnoted[user] = None
        self.changed.set()
        if not self.links:
            self._alone.set()

    async def say_good_bye(self) -> None:
        """Send BYE to all users, and wait until all are gone."""
        for link in list(self.links.values()):
            self.send_away(link, CLOSING)
        await self.wait_until_alone()

    def send_away(self, link: UserLink, reason: str) -> None:
        """Send BYE, and let the log say why the link ends: it was not lost."""
        if not link.is_over:
            link.reason = reason
        link.hang_up(Bye(reason))

    async def wait_until_alone(self) -> None:
        while self.links:
            self._alone = trio.Event()
            await self._alone.wait()

    def forget(self, user: User) -> UserLink | None:
        """Forget a user whose name is gone; return their link, for the caller to hang up."""
        link = self.links.get(user.id)
        if link is not None:
            self._gone(user)
        self._unnoted.pop(user, None)
        return link

    # --- Status ---

    def stir(self, user: User) -> None:
        """Note a sign of the user's activity."""
        if self._registry.stir(user, time=self._clocks.time(), now=trio.current_time()):
            self.push(user.id, StatusNow(Status.ACTIVE))
            self.changed.set()

    def set_status(self, user: User, status: Status, *, by_hand: bool, note: str) -> None:
        self._registry.set_status(
            user, status, by_hand=by_hand, note=note,
            time=self._clocks.time(), now=trio.current_time(),
        )  # fmt: skip
        self.changed.set()

    def set_spots(self, user: User, spots: tuple[Spot, ...]) -> None:
        self._registry.set_spots(user, spots)
        self.changed.set()

    def let_fall_idle(self) -> None:
        for user in self._registry.fall_idle(time=self._clocks.time(), now=trio.current_time()):
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

    # --- Keeping ---

    async def note_seen(self) -> None:
        """Put on disk who was last here when, and how long the directory has run."""
        unnoted, self._unnoted = self._unnoted, {}
        uses = [
            Use(user.id, None if user.is_here else user.since, replace(user.usage))
            for user in unnoted
        ]
        try:
            await self._store.note_uses(uses, self._clocks.time(), self._clocks.age())
        except StorageError:
            self._unnoted = unnoted | self._unnoted
