"""The running directory: its listener, one task for each user, and the housekeeping."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import trio

from directory_server.community.backlogs import UserLink
from directory_server.community.community import Community
from directory_server.core.authority import SEED_BYTES
from directory_server.core.limits import STRANGERS_PER_ADDRESS, strangers_at_most
from directory_server.housekeeping import Housekeeping
from directory_server.rate_limited_wire import RateLimitedWire
from directory_server.session import Session
from directory_server.settings import Settings
from directory_server.storage.founding import FoundCommunity as Found
from directory_server.storage.founding import find
from directory_server.storage.opening import open_store
from directory_server.storage.sqlite import with_remedy
from directory_server.storage.store import Store
from directory_server.storage.store_mark import mark_elsewhere
from shared.border import border
from shared.errors import ParleyError, Refused, StorageError
from shared.identity import authority_key
from shared.link import HANDSHAKE_SECONDS, REMOTE_FAULTS, Link
from shared.messages.directory import ToDirectory
from shared.strangers import Strangers
from shared.wire import cause_of, why_not_heard
from shared.world import Address, Incoming, World

log = logging.getLogger(__name__)

OUTBOX_BYTES: Final = 256 * 1024  # the most that may wait for one user who reads slowly
WRITE_BYTES: Final = 4 * 1024  # at once: for each user TLS keeps a buffer of this size for good
FAREWELL_SECONDS: Final = 1.0  # for the BYE to all users
EVERYWHERE: Final = ("0.0.0.0", "::")  # nosec B104  # what a socket that listens to all shows


@dataclass(frozen=True)
class Bound:
    """The address and identity of a directory that listens."""

    addresses: tuple[Address, ...]  # one for IPv4 and one for IPv6, or a single one
    fingerprint: str  # of the community's authority key
    is_new: bool  # the community was founded at this start

    @property
    def address(self) -> Address:
        return self.addresses[0]

    def join_line(self, token: str = "") -> str:  # nosec B107
        """Return the command with which a user comes in, to be given to them."""
        host, port = self.address
        host = "HOST" if host in EVERYWHERE else host
        shown = f" --token {token}" if token else ""
        return f'peer NAME {host} {port}{shown} --directory-key "{self.fingerprint}"'


OpenStore = Callable[[World, Settings], Awaitable[Store]]


class Directory:
    """A running directory.  `await nursery.start(directory.run)` starts it and returns a Bound."""

    def __init__(self, world: World, settings: Settings, open_it: OpenStore = open_store) -> None:
        self._world, self._settings, self._open_store = world, settings, open_it
        self._strangers = Strangers(strangers_at_most(settings.connections), STRANGERS_PER_ADDRESS)
        self._stop = trio.Event()
        self._has_begun = False
        self._community: Community

    def apply(self, make: Callable[[int], Settings]) -> None:
        """Take over what may change of these settings, which `make` makes of the connections."""
        self._settings = make(self._settings.connections)
        if self._has_begun:
            self._community.apply(self._settings)

    @property
    def community(self) -> Community:
        """The part that all links share; there once it listens."""
        return self._community

    @property
    def needs_token(self) -> bool:
        """Whether a new name needs a token or an invite."""
        return self._settings.token is not None or self._settings.is_closed

    @property
    def strangers(self) -> int:
        """The number of connections that have not said who they are."""
        return len(self._strangers)

    def stop(self) -> None:
        """Say good bye to all users, and end `run`."""
        self._stop.set()

    async def run(self, *, task_status: trio.TaskStatus[Bound] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `stop`, or until cancelled, which is rude to the users but loses nothing.

        Raises Refused when the port or the folder is taken, StorageError when
        the folder cannot be used.
        """
        disk = self._world.disk
        disk.lock()
        try:
            store = await self._open_store(self._world, self._settings)
            found = await find(
                disk, store, self._world.chance.randbytes, found_anew=self._settings.found_anew
            )
            authority = found.authority
            self._world.network.present(
                authority.credentials(self._world.chance.randbytes(SEED_BYTES))
            )
            await self._run(store, found, task_status)
        finally:
            disk.unlock()

    async def _run(self, store: Store, found: Found, task_status: trio.TaskStatus[Bound]) -> None:
        """Run the nursery of the store, which outlives the users."""
        async with trio.open_nursery() as storing:
            await storing.start(store.run)
            self._community = Community(self._world, self._settings, found.authority, store)
            refusal = await self._begin(storing, store, found)
            if refusal is None:
                refusal = await self._serve_users(found, task_status)
                await self._community.sessions.note_seen()
                await self._community.names.mark(self._world.disk)
                await self._community.others.leave()
            storing.cancel_scope.cancel()
        if refusal is not None:
            raise refusal

    async def _begin(self, storing: trio.Nursery, store: Store, found: Found) -> ParleyError | None:
        """Read all that the store knows, and live among its directories; or return why not."""
        key = authority_key(found.authority.certificate)
        try:
            if await store.community() != key:
                await store.found(key, anew=found.loses_names)
            if self._settings.store is not None:
                mark_elsewhere(self._world.disk)
            await self._community.recall()
            await storing.start(self._community.others.run)
        except Refused as no:  # by another directory of the same store
            return no
        except StorageError as error:
            return with_remedy(error)
        await self._community.names.mark(self._world.disk)
        self._has_begun = True
        return None

    async def _serve_users(
        self, found: Found, task_status: trio.TaskStatus[Bound]
    ) -> Refused | None:
        """Run the nursery of all connections; return after `stop`, or raise the reason at once."""
        community, serve = self._community, self._world.network.serve
        async with trio.open_nursery() as nursery:
            try:
                await nursery.start(serve, self._settings.host, self._settings.port, self._answer)
            except OSError as error:
                host, port = self._settings.host, self._settings.port
                return Refused(why_not_heard(error, host, port, "directory"), "LISTEN")
            await nursery.start(community.sessions.probes.run, self._settings.host)
            nursery.start_soon(Housekeeping(community).run)
            addresses = self._world.network.listens_on
            task_status.started(Bound(addresses, found.authority.fingerprint(), found.is_new))
            await self._stop.wait()
            with trio.move_on_after(FAREWELL_SECONDS):
                await community.sessions.say_good_bye()
            nursery.cancel_scope.cancel()
        return None

    async def _answer(self, incoming: Incoming) -> None:
        """Serve one connection until it ends."""
        with border(str(incoming.remote), self._world.bugs):
            await self._answer_stranger(incoming)

    async def _answer_stranger(self, incoming: Incoming) -> None:
        """Serve a stranger.  A fault border: what a remote machine can cause ends here."""
        scope = trio.CancelScope()

        def make_room() -> None:
            incoming.abort()
            scope.cancel()

        stranger = self._strangers.enter(incoming.remote.host, make_room)
        try:
            with scope:
                await self._serve(incoming, lambda: self._strangers.leave(stranger))
        except* (ParleyError, *REMOTE_FAULTS) as faults:
            log.info("%s: %s", incoming.remote, _reasons(faults))
        finally:
            self._strangers.leave(stranger)
        if scope.cancelled_caught:
            log.info("%s: made room for others", incoming.remote)

    async def _serve(self, incoming: Incoming, identified: Callable[[], None]) -> None:
        deadline = trio.current_time() + HANDSHAKE_SECONDS
        try:
            with trio.fail_at(deadline):
                wire = await incoming.secure()
        except (ParleyError, *REMOTE_FAULTS):
            self._community.counts.handshakes_failed += 1
            raise
        link: UserLink = Link(
            RateLimitedWire(wire), ToDirectory, outbox_bytes=OUTBOX_BYTES, write_bytes=WRITE_BYTES
        )
        session = Session(self._community, link)
        await link.run(lambda: session.serve(deadline, identified))
        if link.failure is not None:
            log.info("%s: %s", incoming.remote, link.failure)


def _reasons(fault: BaseException) -> str:
    if isinstance(fault, BaseExceptionGroup):
        return "; ".join(map(_reasons, fault.exceptions))
    return str(fault) or cause_of(fault)
