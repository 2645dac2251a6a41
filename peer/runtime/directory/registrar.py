"""Register at the directory, and stay registered.

While the directory is gone everything else goes on, and we come back by ourselves under the
same name, after a random pause that grows.
"""

import itertools
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import trio

from peer.core.myself import Myself
from peer.core.reach.back_off import pause
from peer.core.reach.presence import Presences
from peer.core.reach.spots import own_spots
from peer.runtime.directory.certificates import Certificates
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.directory.tries import Tries
from peer.runtime.directory.watching import Watching
from shared.border import border
from shared.errors import KeyChanged, ParleyError, ProtocolError, Refused, TurnedAway, Unreachable
from shared.link import HANDSHAKE_SECONDS, Link, within
from shared.messages.common import VERSION, Err, Message
from shared.messages.directory import FromDirectory, Iam, Tkn, Users, Welcome, Who
from shared.world import Address, World

DIAL_SECONDS: Final = 10.0
PING_AFTER: Final = 30.0  # the kernel's keepalive finds dead hosts,
DEAD_AFTER: Final = 75.0  # this finds stopped programs
WATCH_SECONDS: Final = 2.0
UNHEARD_SECONDS: Final = 8.0  # with the pause above: 10 s at most
GHOST_SECONDS: Final = 10.0  # a dead program's IAM may arrive so late after the next one's
TRY_PAUSE: Final = 0.5  # after a failed try, even if a script types commands all the time


class NameTaken(TurnedAway):
    """The name belongs to another key."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The name {name} is taken: it belongs to the key that registered it first.", "TKN"
        )


class DirectoryListener(Protocol):
    """The receiver of the directory's news; called in the loop, never blocks."""

    def registered(self, welcome: Welcome) -> None:
        """Note that we are registered, for the first time or again."""

    def heard(self, message: Message) -> None:
        """Handle a message that is no answer."""

    def lost(self) -> None:
        """Note that the connection is lost; it is tried again."""

    def refused(self, why: str) -> None:
        """Note that the directory does not take us back, with a sentence for the user."""


class Registrar:
    """My registration at the directory at one address."""

    def __init__(
        self, world: World, address: Address, myself: Myself, certificates: Certificates,
        directory: DirectoryClient, tries: Tries, presences: Presences, watching: Watching,
    ) -> None:  # fmt: skip
        self._world, self._address, self._myself = world, address, myself
        self._certificates, self._directory, self._tries = certificates, directory, tries
        self._presences, self._watching = presences, watching
        self._leaving = False
        self._met_ghost = False  # and came back, which is done once only

    def leave(self) -> None:
        """Say good bye and stay away."""
        self._leaving = True
        self._directory.hang_up()

    async def watch(self) -> None:
        """Cut the connection when its host confirms nothing; until cancelled.

        Keepalive does the same, but not while bytes of ours are on their way.
        """
        while True:
            await trio.sleep(WATCH_SECONDS)
            link = self._directory.link
            if link is not None and link.wire.unheard() > UNHEARD_SECONDS:
                link.cut(f"its host has not answered for {UNHEARD_SECONDS:.0f} seconds")

    # --- Staying registered ---

    async def stay_registered(
        self,
        listener: DirectoryListener,
        *,
        task_status: trio.TaskStatus[Welcome] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Register now, and again whenever the connection was lost, until `leave`.

        If the first try fails, raises NameTaken, Refused, Unreachable or KeyChanged.
        A later refusal is told, once, as `refused`.
        """
        await trio.lowlevel.checkpoint_if_cancelled()  # at the end the journal is closed
        self._certificates.recall()
        failure = await self._register_and_serve(listener, task_status.started)
        if failure is not None:
            raise failure
        while not self._leaving:
            listener.lost()
            await self._come_back(listener)

    async def _come_back(self, listener: DirectoryListener) -> None:
        """Try until registered once more, and serve that registration to its end."""
        told = ""
        begun = trio.current_time()
        for tries in itertools.count():
            await trio.sleep(TRY_PAUSE)
            share = self._world.chance.uniform(0.5, 1.0)
            await self._tries.wait_hurried(begun + pause(tries, self._presences.online) * share)
            if self._leaving:
                return
            begun = trio.current_time()
            failure = await self._register_and_serve(listener, lambda _: None)
            if failure is None:
                return
            if isinstance(failure, Refused | KeyChanged) and str(failure) != told:
                told = str(failure)
                listener.refused(told)

    async def _register_and_serve(
        self, listener: DirectoryListener, started: Callable[[Welcome], None]
    ) -> ParleyError | None:
        """Serve one connection to its end; return the failure if it was never registered."""
        registered = False

        async def serve(link: Link[Message]) -> None:
            nonlocal registered
            with within(HANDSHAKE_SECONDS, "the directory did not answer"):
                welcome = await self._register(link)
            registered = True
            self._directory.connected(link)
            self._tries.end()
            since = trio.current_time()
            listener.registered(welcome)
            started(welcome)
            while batch := await link.receive():
                for message in batch:
                    self._hear(message, listener, since)

        failure: ParleyError = Unreachable("the connection met a bug in this program")
        try:
            with border(f"the directory at {self._address}", self._world.bugs):
                failure = await self._carry(serve)
        finally:
            self._directory.lost()
        if not registered:
            self._tries.end()
        return None if registered else failure

    async def _carry(self, serve: Callable[[Link[Message]], Awaitable[None]]) -> ParleyError:
        """Serve one connection; return why it ended, or never began."""
        try:
            with within(DIAL_SECONDS, "the directory did not answer"):
                wire = await self._tries.dial(self._world.network, self._address)
        except ParleyError as failure:
            return failure
        if wire is None:
            return Unreachable("the dial was given up for a new one")
        link: Link[Message] = Link(
            wire, FromDirectory, ping_after=PING_AFTER, dead_after=DEAD_AFTER
        )
        await link.run(lambda: serve(link))
        return link.failure or Unreachable(f"the directory hung up: {link.reason}")

    def _hear(self, message: Message, listener: DirectoryListener, since: float) -> None:
        """Handle a message.  `since`: when we were registered."""
        if isinstance(message, Err) and message.code == "TAKEOVER":
            if not self._met_ghost and trio.current_time() < since + GHOST_SECONDS:
                self._met_ghost = True
                return
            # Coming back would only throw the other one out, and so on for ever.
            self._leaving = True
            listener.refused(_DISPLACED)
            return
        if isinstance(message, Users):
            listener.heard(message)  # before its answer: news after a page is newer than the page
        if not self._directory.answered(message) and not isinstance(message, Users):
            listener.heard(message)

    # --- Registering ---

    async def _register(self, link: "Link[Message]") -> Welcome:
        who = await link.expect(Who)
        if who.version != VERSION:
            raise Refused(
                f"the directory speaks version {who.version} of the protocol, this program"
                f" {VERSION}",
                "VERSION",
            )
        self._certificates.recognise(link.wire.certificate, who.authority)
        link.identified()
        link.post(self._iam(who))
        try:
            answer = await link.expect(Message)
        except TurnedAway as no:
            if no.code == "DRAINING":  # it will be there again, so what is written is kept
                raise Unreachable(str(no)) from None
            raise
        match answer:
            case Tkn():
                raise NameTaken(self._myself.name)
            case Welcome():
                await self._certificates.accept(answer, who.authority)
                return answer
            case _:
                raise ProtocolError("WELCOME was expected")

    def _iam(self, who: Who) -> Iam:
        wanted, me = self._myself.registration, self._myself.identity
        network = self._world.network
        return Iam(
            version=VERSION,
            name=wanted.name,
            key=me.public,
            proof=me.registration_proof(authority=who.authority, nonce=who.nonce, name=wanted.name),
            port=wanted.port,
            sealing_key=me.sealing_public,
            sealing_proof=me.sealing_proof(),
            host=wanted.host,
            request=me.request(wanted.name) if self._certificates.is_mine_wanted else b"",
            token=wanted.token,
            status=wanted.status,
            by_hand=wanted.by_hand,
            note=wanted.note,
            spots=own_spots(network.interfaces(), network.listens_on),
            watch=self._watching.introduce(),
        )


_DISPLACED = (
    "Another program of yours has taken over your name at the directory."
    " This one is no longer registered: end it, or start it again."
)
