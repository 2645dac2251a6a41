"""Dial users for links of one kind, and serve what comes of it."""

import logging
from collections.abc import Callable

from peer.runtime.link.carrier import Carrier
from peer.runtime.link.dialler import Attempt
from peer.runtime.link.handshake import Handshake
from peer.runtime.link.listener import LinkListener
from peer.runtime.link.locator import Locator
from peer.runtime.link.pending_dials import PendingDial, PendingDials
from peer.runtime.link.reacher import Reacher
from peer.runtime.link.table import LinkTable, OpenLink
from peer.runtime.tasks import Tasks
from shared.border import Bugs, border
from shared.errors import KeyChanged, ParleyError, Refused, Unreachable
from shared.heartbeat import PING_AFTER
from shared.link import HANDSHAKE_SECONDS, Link, within
from shared.messages.common import Message
from shared.messages.directory import Contact
from shared.messages.peers import BetweenPeers, LinkKind
from shared.messages.punching import Punches
from shared.messages.spots import Knocks
from shared.world import Wire

log = logging.getLogger("peer")


class Dials:
    def __init__(
        self, kind: LinkKind, table: LinkTable, pending: PendingDials, carrier: Carrier,
        listener: LinkListener, *,
        locator: Locator, reacher: Reacher, handshake: Handshake, tasks: Tasks, bugs: Bugs,
    ) -> None:  # fmt: skip
        self._kind, self._table, self._pending = kind, table, pending
        self._carrier, self._listener = carrier, listener
        self._locator, self._reacher, self._handshake = locator, reacher, handshake
        self._tasks, self._bugs = tasks, bugs

    def begin(self, name: str, *, whole: bool = False) -> None:
        """Dial a user unless a dial is under way, or they are linked.

        `whole`: after one that was under way, and fails, dial once more.
        """
        if self._table.current(name) is None and self._pending.begin(name, whole=whole):
            self._tasks.linger(self._dial, name)

    def answer(self, knock: Knocks, *, is_wanted: bool) -> None:
        """Dial a user who knocks, unless a dial is under way, or they have a link that lives."""
        self._tasks.linger(self._answer, knock, self._table.last(knock.name), is_wanted)

    def meet(self, call: Punches, *, is_wanted: bool) -> None:
        """Open a way to a user who calls, from both sides, unless they have a link that lives.

        A dial that is under way goes on beside it.
        """
        self._tasks.linger(self._meet, call, self._table.last(call.name), is_wanted)

    async def reach(self, name: str) -> Link[Message]:
        """Return the link to this user, dialled if need be.

        Raises Unreachable, KeyChanged, or Refused when there is no such user.
        """
        while (current := self._table.current(name)) is None:
            self.begin(name)
            dial = self._pending.of(name)
            assert dial is not None
            await dial.over.wait()
            if dial.failure is not None and self._table.current(name) is None:
                raise dial.failure
        return current.link

    async def _dial(self, name: str) -> None:
        """Dial and serve a link; a fault border: remote faults are reported as unreachable."""
        dial = self._pending.of(name)
        assert dial is not None
        await self._pending.wait_turn(name)
        failure: ParleyError = Unreachable("the connection met a bug in this program")
        with border(f"link to {name}", self._bugs):
            failure = await self._dial_and_carry(name, dial)
        if not dial.over.is_set():
            is_linked = self._table.current(name) is not None
            if dial.is_cut_short and not is_linked and not isinstance(failure, KeyChanged):
                dial.repeat()
                await self._dial(name)
                return
            self._pending.end(name, failure)
            if isinstance(failure, KeyChanged):
                self._handshake.alarm(failure)
            if self._table.current(name) is None:
                if dial.outlived_a_link:
                    self._listener.link_lost(name)
                self._listener.unreachable(name, failure)

    async def _is_linked(self, name: str, old: OpenLink | None) -> bool:
        """Return whether a user who calls has a link that proves that it lives, or a new one.

        `old`: theirs when they called.  One that was ending then is waited for, too: a dial that
        begins before its end would keep that end from who must hear of it.
        """
        if old is None:
            return False
        if await old.link.proves_life():
            return True
        return self._table.current(name) not in (None, old)

    async def _answer(self, knock: Knocks, old: OpenLink | None, is_wanted: bool) -> None:
        """Answer a knock, unless its user has a link that lives."""
        is_linked = await self._is_linked(knock.name, old)
        if is_wanted and not is_linked and self._pending.begin(knock.name, knock):
            await self._dial_back(knock.name)

    async def _dial_back(self, name: str) -> None:
        """Dial a user who knocks; nobody is told if it fails, but who wants it by then dials on."""
        dial = self._pending.of(name)
        assert dial is not None
        failure: ParleyError = Unreachable("the connection met a bug in this program")
        with border(f"link to {name}", self._bugs):
            failure = await self._dial_and_carry(name, dial)
        if dial.over.is_set():
            return
        if dial.is_wanted and self._table.current(name) is None:
            dial.begin_anew()
            await self._dial(name)
            return
        log.info("%s knocked: %s", name, failure)
        self._pending.end(name, failure)
        if dial.outlived_a_link and self._table.current(name) is None:
            self._listener.link_lost(name)

    async def _meet(self, call: Punches, old: OpenLink | None, is_wanted: bool) -> None:
        """Meet a user who calls, and serve the link that comes of it; a fault border."""
        with border("a meeting", self._bugs):
            if await self._is_linked(call.name, old):
                return
            try:
                met = await self._come_together(call, is_wanted)
            except ParleyError as error:
                log.info("%s called: %s", call.name, error)
                return
            if met is not None:
                contact, wire, attempt = met
                failure = await self._carry(contact, wire, attempt, attempt.proved)
                log.info("the link with %s: %s", call.name, failure)

    async def _come_together(
        self, call: Punches, is_wanted: bool
    ) -> tuple[Contact, Wire, Attempt] | None:
        """Return a wire to a user who calls; None while there are too many meetings.

        The meeting is over then: a link that comes of it may last, and keeps no other one away.
        """
        with self._pending.meeting(call.name) as may_stop:
            if may_stop is None:
                return None
            found = await self._locator.find(call.name)
            wire, attempt = await self._reacher.meet(found, call, may_stop, is_wanted=is_wanted)
            return found.contact, wire, attempt

    async def _dial_and_carry(self, name: str, dial: PendingDial) -> ParleyError:
        """Dial and serve one link to its end; return why it ended, or never began."""
        try:
            found = await self._locator.find(name)
            if dial.knock is not None:
                wire, attempt = await self._reacher.reach_back(found, dial.knock, dial.may_stop)
            else:
                may_knock = self._kind is LinkKind.TEXT
                wire, attempt = await self._reacher.reach(found, dial.may_stop, may_knock=may_knock)
        except ParleyError as error:
            return error

        def identified() -> None:
            attempt.proved()
            self._pending.end(name, None)

        return await self._carry(found.contact, wire, attempt, identified)

    async def _carry(
        self, contact: Contact, wire: Wire, attempt: Attempt, identified: Callable[[], None]
    ) -> ParleyError:
        """Serve a link to its end; return why it ended."""
        link = new_link(wire)

        async def serve() -> None:
            with within(HANDSHAKE_SECONDS, "it did not say who it is"):
                if attempt.they_greet:
                    entry = await self._handshake.answer(link, self._kind)
                else:
                    entry = await self._handshake.introduce(link, contact, self._kind)
            entry.way = attempt.way
            await self._carrier.carry(entry, identified, by_me=not attempt.they_greet)

        try:
            await link.run(serve)
        except ParleyError as error:
            return error
        finally:
            if isinstance(link.failure, Refused) and link.failure.code == "KIND":
                attempt.proved()  # it is the user, who only takes no such links
            attempt.failed()  # no effect once it has proved
        return link.failure or Unreachable(link.reason)


def new_link(wire: Wire) -> Link[Message]:
    """Return a link between two peers."""
    return Link(wire, BetweenPeers, ping_after=PING_AFTER)
