"""Be registered, from WELCOME until that is lost, whichever links carry it.

The shell of `peer.core.reach.handover`.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Protocol

import trio

from peer.core.reach.handover import Handover, Takeover
from peer.runtime.directory.directory_client import DirectoryClient
from peer.runtime.directory.introduction import Introduction
from peer.runtime.directory.known_directories import KnownDirectories
from peer.runtime.directory.tries import Tries
from shared.border import Bugs, border
from shared.errors import ParleyError, Unreachable
from shared.link import HANDSHAKE_SECONDS, Link, within
from shared.messages.common import Bye, Err, Message
from shared.messages.directory import FromDirectory, Move, Users, Welcome
from shared.world import Address, Wire

DIAL_SECONDS: Final = 10.0
PING_AFTER: Final = 30.0  # the kernel's keepalive finds dead hosts,
DEAD_AFTER: Final = 75.0  # this finds stopped programs
RETIRE_SECONDS: Final = 2.0  # for a directory to hear that we have moved to another one
DISPLACED: Final = (
    "Another program of yours has taken over your name at the directory."
    " This one is no longer registered: end it, or start it again."
)

log = logging.getLogger("peer")


class DirectoryListener(Protocol):
    """The receiver of the directory's news; called in the loop, never blocks."""

    def registered(self, welcome: Welcome, address: Address) -> None:
        """Note that we are registered here, for the first time or again."""

    def moved(self, welcome: Welcome) -> None:
        """Note that we are registered at another directory, and never were away."""

    def heard(self, message: Message) -> None:
        """Handle a message that is no answer."""

    def lost(self) -> None:
        """Note that the connection is lost; it is tried again."""

    def unanswered(self, why: str) -> None:
        """Note that no directory answers at the start; each is tried until one does."""

    def refused(self, why: str) -> None:
        """Note that the directory does not take us back, with a sentence for the user."""


class Dialling(Protocol):
    """Dials a directory."""

    async def dial(self, address: Address) -> Wire | None:
        """Return None when that was given up.  Raises Unreachable."""


class _Held(NamedTuple):
    """A registration as long as it lasts: who hears its news, and where its links run."""

    listener: DirectoryListener
    nursery: trio.Nursery


Entered = Callable[[Link[Message], Welcome], None]


class DirectorySession:
    def __init__(
        self, bugs: Bugs, introduction: Introduction, known: KnownDirectories,
        client: DirectoryClient, tries: Tries,
    ) -> None:  # fmt: skip
        self._bugs, self._introduction, self._known = bugs, introduction, known
        self._client, self._tries = client, tries
        self._handover: Handover[Link[Message]] = Handover()
        self._moving = trio.CancelScope()
        self._over = trio.Event()  # the registration is lost
        self.is_left = False  #: we stay away from now on
        self.may_move = True  #: to another directory that ours names

    def leave(self) -> None:
        """Say good bye, and stay away."""
        self.is_left = True
        self._moving.cancel()
        self._client.hang_up()

    async def hold(
        self, address: Address, listener: DirectoryListener, started: Callable[[Welcome], None]
    ) -> ParleyError | None:
        """Register here, and serve that registration until it is lost.

        Return the failure if it never was.
        """
        self._over = trio.Event()

        def entered(link: Link[Message], welcome: Welcome) -> None:
            self._handover.registered(link, trio.current_time())
            self._client.connected(link)
            self._tries.end()
            listener.registered(welcome, address)
            started(welcome)

        failure: ParleyError | None = None
        try:
            async with trio.open_nursery() as nursery:
                failure = await self._carry(address, _Held(listener, nursery), entered)
                if failure is None:
                    await self._over.wait()
                nursery.cancel_scope.cancel()
        finally:
            self._client.lost()
        return failure

    # --- One link ---

    async def _carry(
        self, address: Address, held: _Held, entered: Entered, *, is_second: bool = False
    ) -> ParleyError | None:
        """Serve one connection to its end; return why it ended, if it never was a registration."""
        is_registered = False

        async def serve(link: Link[Message]) -> None:
            nonlocal is_registered
            with within(HANDSHAKE_SECONDS, "the directory did not answer"):
                who = await self._introduction.meet(link, address)
                self._known.recall(who.authority)
                if is_second:
                    self._handover.asked(trio.current_time())
                welcome = await self._introduction.enter(link, who, address)
            is_registered = True
            entered(link, welcome)
            if self._known.registered(welcome, address, link.wire):
                held.nursery.start_soon(self._known.keep)
            while batch := await link.receive():
                for message in batch:
                    self._hear(message, link, held)

        failure: ParleyError = Unreachable("the connection met a bug in this program")
        try:
            with border(f"the directory at {address}", self._bugs):
                dialling = self._known if is_second else self._tries
                failure = await self._connect(address, dialling, serve)
        finally:
            self._known.ended(address)
        return None if is_registered else failure

    async def _connect(
        self, address: Address, dialling: Dialling,
        serve: Callable[[Link[Message]], Awaitable[None]],
    ) -> ParleyError:  # fmt: skip
        """Serve one connection; return why it ended, or never began."""
        try:
            with within(DIAL_SECONDS, "the directory did not answer"):
                wire = await dialling.dial(address)
        except ParleyError as failure:
            return failure
        if wire is None:
            return Unreachable("the dial was given up for a new one")
        link: Link[Message] = Link(
            wire, FromDirectory, ping_after=PING_AFTER, dead_after=DEAD_AFTER
        )
        try:
            await link.run(lambda: serve(link))
        finally:
            if self._handover.ended(link):
                self._over.set()
            else:
                self._client.repeat(link)
        return link.failure or Unreachable(f"the directory hung up: {link.reason}")

    def _hear(self, message: Message, link: Link[Message], held: _Held) -> None:
        match message:
            case Err(code="TAKEOVER"):
                self._taken_over(link, held.listener)
            case Move(to=to):
                self._consider(to, link, held)
            case Users():
                held.listener.heard(message)  # first: news after a page is newer than the page
                self._client.answered(message)
            case _ if not self._client.answered(message):
                held.listener.heard(message)

    def _taken_over(self, link: Link[Message], listener: DirectoryListener) -> None:
        why = self._handover.taken_over(link, trio.current_time())
        if why is Takeover.ANOTHER and not self.is_left:
            # Coming back would only throw the other one out, and so on for ever.
            self.is_left = True
            self._client.displaced()
            listener.refused(DISPLACED)

    # --- Moving ---

    def _consider(self, to: str, link: Link[Message], held: _Held) -> None:
        """Move to this directory, unless we are moving already, or it may not be dialled."""
        may_move = self.may_move and not self.is_left
        if not may_move or not self._handover.begin(link, trio.current_time()):
            return
        address = self._known.address_to_move_to(to, seen=link.wire.remote.host)
        if address is None:
            log.info("the directory names %r to move to, which is not dialled now", to)
            self._handover.given_up()
        else:
            held.nursery.start_soon(self._move, address, link, held)

    async def _move(self, address: Address, old: Link[Message], held: _Held) -> None:
        """Register over a second link, and serve that to its end; if that fails, stay."""
        has_moved = False

        def entered(link: Link[Message], welcome: Welcome) -> None:
            nonlocal has_moved
            has_moved, self._moving = True, trio.CancelScope()
            self._handover.moved(link, trio.current_time())
            self._client.moved(link)
            if old.is_over:
                self._client.repeat(old)
            held.nursery.start_soon(self._retire, old)
            held.listener.moved(welcome)

        failure: ParleyError | None = None
        with trio.CancelScope() as self._moving:
            failure = await self._carry(address, held, entered, is_second=True)
        if not has_moved:
            log.info("not moved to the directory at %s: %s", address, failure)
            if self._handover.given_up():
                self._over.set()

    async def _retire(self, old: Link[Message]) -> None:
        """Let the old link end; what was asked over it is answered there, or asked again."""
        await trio.sleep(RETIRE_SECONDS)
        old.hang_up(Bye("moved to another directory"))
