"""Know what the other directories of the store know: a copy of who is where, kept by news.

A yes comes from memory; a no is asked of the database, because news takes a moment.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

import trio

from directory_server.community.clocks import Clocks
from directory_server.community.orders import Orders
from directory_server.community.sessions import TAKEN_OVER, Sessions
from directory_server.community.sight import pass_knock
from directory_server.core.addresses import is_loopback
from directory_server.core.cluster.bulletins import STATUSES, Bulletin, Here
from directory_server.core.cluster.lease import DatabaseClock
from directory_server.core.cluster.whereabouts import (
    Action,
    HandOver,
    Learn,
    Lose,
    See,
    Whereabouts,
)
from directory_server.core.registry import Place, Registry, User
from directory_server.core.tombstones import Tombstones
from directory_server.storage.cluster import Claim, Cluster
from directory_server.storage.store import Store
from shared.errors import Refused, StorageError
from shared.messages.common import Bye, Err, Status
from shared.messages.directory import RECEIPTS, Notice, Receipts, Waiting

log = logging.getLogger(__name__)
T = TypeVar("T")

SLICE: Final = 1_000  # names or rows, then everybody else gets a turn
RELEASED: Final = "the name was given back, or taken away"
KICKED: Final = "whoever keeps the directory has ended your connection"


class Elsewhere:
    def __init__(
        self, cluster: Cluster, store: Store, registry: Registry, tombstones: Tombstones,
        sessions: Sessions, orders: Orders, clocks: Clocks,
    ) -> None:  # fmt: skip
        self._cluster, self._store = cluster, store
        self._registry, self._tombstones = registry, tombstones
        self._sessions, self._orders, self._clocks = sessions, orders, clocks
        registry.touched = set()
        self.whereabouts = Whereabouts(sessions.links, registry.by_id, registry.touched)
        self.clock = DatabaseClock()
        self._host = ""
        self.must_read = trio.Event()  #: set while something is to be read from the database
        self._names: set[int] = set()  # users to be read
        self._receipts: set[int] = set()  # senders whose receipts are to be read
        self._must_read_orders = False

    def set_host(self, host: str) -> None:
        """Give users on our own machine this address, for those who are on others."""
        self._host = "" if is_loopback(host) else host

    # --- Hearing ---

    def hear(self, bulletin: Bulletin) -> None:
        """Take in what another directory tells."""
        for here in bulletin.here:
            self._perform(self.whereabouts.hear(bulletin.directory, here))
        for directory, alive in bulletin.dead:
            self._perform(self.whereabouts.died(directory, alive))
        for receiver, count in bulletin.mail:
            self._sessions.push(receiver, Waiting(count))
        for caller, callee in bulletin.knocks:
            self._knock(caller, callee)
        for call in bulletin.calls:
            self._sessions.meeting_place.hear_call(call)
        for arrival in bulletin.arrivals:
            self._sessions.meeting_place.hear_arrival(arrival)
        for user, reason in bulletin.kicked:
            self.kick(user, reason)
        if bulletin.notice:
            for id in self._sessions.links:
                self._sessions.push(id, Notice(bulletin.notice))
        self._receipts.update(one for one in bulletin.taken if one in self._sessions.links)
        self._names.update(bulletin.names)
        self._must_read_orders |= bulletin.orders
        self._read_soon()

    def _knock(self, caller_id: int, callee_id: int) -> None:
        link = self._sessions.links.get(callee_id)
        caller, callee = map(self._registry.by_id.get, (caller_id, callee_id))
        if link is None or caller is None or not caller.is_here or callee is None:
            return
        try:
            now = trio.current_time()
            self._sessions.knocks.take(caller.name, caller.place.address, callee.name, now)
        except Refused as no:  # counted where they knocked, too, but there by fewer callers
            log.info("a knock of %s: %s", caller.name, no)
        else:
            pass_knock(caller, link)

    def kick(self, user: int, reason: str) -> bool:
        """End the link of a user; return False if it is not here."""
        known = self._registry.by_id.get(user)
        return known is not None and self._sessions.expel(known, Notice(reason), Bye(KICKED))

    def _read_soon(self) -> None:
        if self._names or self._receipts or self._must_read_orders:
            self.must_read.set()

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Learn(user=id):
                    self._names.add(id)
                    self._read_soon()
                case See(user=id, here=here):
                    self._see(self._registry.by_id[id], here)
                case Lose(user=id, since=since):
                    self._lose(id, since)
                case HandOver(user=id, here=here):
                    user = self._registry.by_id[id]
                    link = self._sessions.hand_over(user)
                    self._see(user, here)
                    link.hang_up(Err("TAKEOVER", TAKEN_OVER), Bye(TAKEN_OVER))
                    log.info("%s has registered at another directory", user.name)

    def _see(self, user: User, here: Here) -> None:
        place = Place(here.address, here.port, here.advertised, here.spots)
        self._registry.see(user, place, here.status, here.since, here.note)
        user.usage.arrive(self._clocks.age())
        self._sessions.changed.set()

    def _lose(self, id: int, since: float) -> None:
        user = self._registry.by_id.get(id)
        if user is not None and user.is_elsewhere:
            self._registry.lose(user, since)
            user.usage.leave(self._clocks.age())
            self._sessions.changed.set()

    # --- Telling who is here ---

    async def publish(self) -> None:
        """Tell the others what has happened here.  Raises StorageError; then it is told later."""
        here: list[Claim] = []
        gone: list[Here] = []
        for id in self.whereabouts.begin_to_tell():
            user = self._registry.by_id.get(id)
            if user is not None and id in self._sessions.links:
                here.append(Claim(self._here_of(user), self.clock.at(user.registered_at)))
            else:
                since = self._clocks.time() if user is None else user.since
                gone.append(Here(id, 0, STATUSES.index(Status.OFFLINE), since))
        try:
            epochs = await self._cluster.publish(self.whereabouts.directory, here, gone)
        except BaseException:
            self.whereabouts.not_told()
            raise
        self._perform(self.whereabouts.told(epochs))

    def _here_of(self, user: User) -> Here:
        place = user.place
        address = self._host if self._host and is_loopback(place.address) else place.address
        number = STATUSES.index(user.status)
        epoch = self.whereabouts.epoch_of(user.id)
        return Here(
            user.id, epoch, number, user.since, address, place.port, place.advertised, user.note,
            place.spots,
        )  # fmt: skip

    # --- Asking ---

    async def ask(self, name: str) -> User | None:
        """Look in the database for a name that is not known here, or not as present.

        Raises StorageError.
        """
        forgotten = self._registry.forgotten
        found = await self._cluster.find(name)
        if found.tombstone is not None:
            self._tombstones.bury(found.tombstone)
        else:
            self._tombstones.lift(name)
        known = self._registry.find(name)
        if found.user is not None:
            self._know(found.user)
            self._doubt({found.user.id}, forgotten)
            if found.row is not None:
                self._perform(self.whereabouts.hear(*found.row))
        elif known is not None and not await self._read_users({known.id}):
            self._forget(known.id)  # and it was not registered since the first answer
        return self._registry.find(name)

    async def read(self) -> None:
        """Read what bulletins did not say whole.  Raises StorageError; then it is read later."""
        self.must_read = trio.Event()
        try:
            await self._read_names()
            if self._must_read_orders:
                self._must_read_orders = False
                try:
                    await self._orders.read()
                except StorageError:
                    self._must_read_orders = True
                    raise
            while self._receipts:
                sender = self._receipts.pop()
                try:
                    await self._push_receipts(sender)
                except StorageError:
                    self._receipts.add(sender)
                    raise
        finally:
            self._read_soon()

    async def _read_names(self) -> None:
        while wanted := set(list(self._names)[:SLICE]):
            self._names -= wanted
            names = {id: user.name for id in wanted if (user := self._registry.by_id.get(id))}
            try:
                found = {user.id for user in await self._read_users(wanted)}
                for id in wanted - found:
                    self._forget(id)
                    if id in names:
                        await self._bury(names[id])
            except StorageError:
                self._names |= wanted
                raise
            for id in wanted:
                self._perform(self.whereabouts.learned(id))

    async def _bury(self, name: str) -> None:
        buried = (await self._cluster.find(name)).tombstone
        if buried is not None:
            self._tombstones.bury(buried)

    async def _read_users(self, ids: set[int]) -> list[User]:
        forgotten = self._registry.forgotten
        users = await self._cluster.users_of(ids)
        for user in users:
            self._know(user)
        self._doubt(ids, forgotten)
        return users

    def _doubt(self, ids: set[int], forgotten: int) -> None:
        """Read these users again, if names were released since the database was asked for them.

        `forgotten`: how many had been at that time.
        """
        if self._registry.forgotten != forgotten:
            self._names |= ids
            self._read_soon()

    async def _push_receipts(self, sender: int) -> None:
        after = ""
        while page := await self._store.receipts(sender, after, RECEIPTS):
            self._sessions.push(sender, Receipts(page))
            after = page[-1].envelope

    def _know(self, found: User) -> None:
        """Take over what the database says of a user."""
        known = self._registry.by_id.get(found.id)
        if known is not None:
            known.sealing_key, known.sealing_proof = found.sealing_key, found.sealing_proof
            known.certified = known.certified.with_other(found.certified)
            known.usage.merge(found.usage)
            return
        before = self._registry.find(found.name)
        if before is not None:  # the name was released, and registered again
            self._forget(before.id)
        self._registry.know(found)
        self._tombstones.lift(found.name)

    def _forget(self, id: int) -> None:
        """Forget a user whose name was released at another directory."""
        self.whereabouts.forget(id)
        user = self._registry.by_id.get(id)
        if user is not None:
            self._registry.forget(user, self._clocks.time())
            self._sessions.changed.set()
            link = self._sessions.forget(user)
            if link is not None:
                link.hang_up(Bye(RELEASED))

    # --- All of it, again ---

    async def compare(self) -> None:
        """Take over all that the database knows: news may have been missed.

        Raises StorageError.
        """
        before, forgotten = set(self._registry.by_id), self._registry.forgotten
        whole = await self._cluster.everything()
        for tombstone in whole.tombstones:
            self._tombstones.bury(tombstone)
        for users in _slices(whole.users):
            for user in users:
                self._know(user)
            await trio.lowlevel.checkpoint()
        everybody = {user.id for user in whole.users}
        self._doubt(everybody - before, forgotten)
        for id in before - everybody:
            self._forget(id)
        for rows in _slices(whole.rows):
            self._perform(self.whereabouts.compare(rows))
            await trio.lowlevel.checkpoint()
        ours = {here.user for number, here in whole.rows if number == self.whereabouts.directory}
        theirs = {here.user for _, here in whole.rows} - ours
        self._perform(self.whereabouts.compared(ours, theirs, whole.time))
        self._must_read_orders = True
        backlog = await self._cluster.backlog(list(self._sessions.links))
        self.hear(Bulletin(0, mail=tuple(backlog.mail), taken=tuple(backlog.taken)))


def _slices(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(whole), SLICE):
        yield whole[start : start + SLICE]
