"""The community of one running directory: its parts, put together."""

import logging

import trio

from directory_server.community.backlogs import Backlogs, UserLink
from directory_server.community.clocks import Clocks
from directory_server.community.elsewhere import Elsewhere
from directory_server.community.names import Names
from directory_server.community.orders import Orders
from directory_server.community.others import Others
from directory_server.community.probes import Probes
from directory_server.community.sessions import Sessions
from directory_server.community.telling import Telling
from directory_server.core.admission import Admission
from directory_server.core.authority import Authority
from directory_server.core.limits import WATCHED_PER_USER, users_at_most
from directory_server.core.operating.counts import Counts
from directory_server.core.presence.announcements import Announcements
from directory_server.core.registry import Registry
from directory_server.core.tombstones import Tombstones
from directory_server.settings import Settings
from directory_server.storage.store import Store
from shared.world import World

log = logging.getLogger(__name__)


class Community:
    def __init__(
        self, world: World, settings: Settings, authority: Authority, store: Store
    ) -> None:
        """Start without users; `recall` loads them."""
        self.world, self.settings = world, settings
        self.authority, self.store = authority, store
        self.clocks = Clocks(world.clock)
        self.counts = Counts()
        self.counts.ticked = trio.current_time()
        store.observe(self.counts.committed)
        places = users_at_most(settings.connections)
        self.registry = Registry(
            idle_after=settings.idle_after,
            one_per_address=settings.one_per_address,
            names=settings.names,
            places=places,
        )
        announcements = Announcements[UserLink](WATCHED_PER_USER * places)
        tombstones = Tombstones()
        probes = Probes(world, authority.certificate)
        telling = Telling(store.cluster)
        self.sessions = Sessions(
            self.registry, announcements, store, self.clocks, self.counts, probes, telling
        )
        self.orders = Orders(self.registry, self.sessions, store, self.clocks)
        self.names = Names(
            self.registry, tombstones, self.orders.invites, self.sessions, store, self.clocks,
            telling,
        )  # fmt: skip
        self.others = self._others(tombstones, telling)  #: directories of the store, if any
        self.admission = Admission(
            self.registry,
            tombstones,
            token=settings.token,
            is_closed=settings.is_closed,
            names_at_once=settings.names_per_address,
            bans=self.orders.bans,
            invites=self.orders.invites,
        )
        #: Newcomers pass one at a time, a millisecond each; other tasks run in between.
        self.entrance = trio.Lock()
        self.backlogs = Backlogs(store, self.sessions.links)

    def _others(self, tombstones: Tombstones, telling: Telling) -> Others:
        cluster, elsewhere = self.store.cluster, None
        if cluster is not None:
            elsewhere = Elsewhere(
                cluster, self.store, self.registry, tombstones, self.sessions, self.orders,
                self.clocks,
            )  # fmt: skip
        address = self.settings.address
        return Others(cluster, elsewhere, telling, self.registry, self.counts, address)

    async def recall(self) -> None:
        """Read names, and what the operator has said, from the store.  Raises StorageError."""
        self.clocks.resume(await self.store.age())
        await self.names.recall()
        await self.orders.read()

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

    def note_wrong_token(self, host: str) -> None:
        """Count a wrong token; the log does not get a line for each."""
        count = self.counts.wrong_tokens.ring(trio.current_time())
        if count:
            log.warning("wrong tokens: %d, the last one from %s", count, host)
