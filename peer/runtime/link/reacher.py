"""Reach a user by whichever way leads to them first.

The shell of `peer.core.reach.ladder`.
"""

import logging
from functools import partial

import trio

from peer.core.reach.ladder import Ladder
from peer.core.reach.spots import spots_of_caller, spots_to_dial
from peer.runtime.link.dialler import Attempt, Dialler, Judge
from peer.runtime.link.handshake import Handshake
from peer.runtime.link.knocker import Knocker
from peer.runtime.link.locator import Whereabouts
from peer.runtime.punching.puncher import CameAlone, Puncher
from shared.errors import ParleyError, Refused, Unreachable
from shared.messages.directory import Contact
from shared.messages.punching import Punches
from shared.messages.spots import Knocks, Spot
from shared.names import fold
from shared.world import Network, Wire

log = logging.getLogger("peer")


class Reacher:
    def __init__(
        self, network: Network, handshake: Handshake, knocker: Knocker, puncher: Puncher
    ) -> None:
        self._network, self._handshake = network, handshake
        self._knocker, self._puncher = knocker, puncher
        self._dialler = Dialler(network)

    async def reach(
        self, found: Whereabouts, may_stop: trio.Event, *, may_knock: bool
    ) -> tuple[Wire, Attempt]:
        """Return a wire to this user, and its attempt.

        `may_stop` is set when they link with us.  Raises Unreachable, with the cause for a
        person, also when they have linked.
        """
        contact = found.contact
        spots = spots_to_dial(contact, self._network.interfaces())
        can_knock = may_knock and bool(contact.spots)  # an old directory would not answer
        ladder = Ladder(
            contact.name, spots, trio.current_time(), may_knock=can_knock,
            may_punch=may_knock and self._puncher.is_possible,
        )  # fmt: skip
        return await self._climb(found, ladder, may_stop, may_punch=may_knock)

    async def reach_back(
        self, found: Whereabouts, knock: Knocks, may_stop: trio.Event
    ) -> tuple[Wire, Attempt]:
        """Like `reach`, for a user who knocks: they are dialled at spots of the knock only."""
        contact = found.contact
        spots = spots_of_caller(knock.spots, contact.seen, self._network.interfaces())
        ladder = Ladder(contact.name, spots, trio.current_time(), is_answer=True)
        return await self._climb(found, ladder, may_stop)

    async def meet(
        self, found: Whereabouts, call: Punches, may_stop: trio.Event, *, is_wanted: bool
    ) -> tuple[Wire, Attempt]:
        """Return a wire to a user who calls, opened from both sides, and its attempt.

        If that is not wanted, only come to the meeting, as somebody whose router is in the way.
        Raises Unreachable, also when they have linked with us by another way.
        """
        contact = found.contact
        is_first = fold(call.first) != fold(contact.name)
        judge = partial(self._recognise, contact)
        met = None if is_wanted else _go_no_further
        return await self._puncher.meet(
            call.token, judge, met, is_first=is_first, may_stop=may_stop
        )

    async def _climb(
        self, found: Whereabouts, ladder: Ladder, may_stop: trio.Event, *, may_punch: bool = False
    ) -> tuple[Wire, Attempt]:
        contact = found.contact
        judge = partial(self._recognise, contact)
        climb = _Climb(
            self._dialler, self._knocker, self._puncher, ladder, contact, judge,
            may_punch=may_punch,
        )  # fmt: skip
        won = await climb.run(may_stop)
        if won is None:
            raise Unreachable(ladder.cause(is_old=found.is_old))
        return won

    def _recognise(self, contact: Contact, wire: Wire) -> None:
        self._handshake.recognise(contact, wire.certificate)


def _go_no_further(_: tuple[Spot, ...]) -> None:
    raise Unreachable("that is not wanted")


class _Climb:
    """One ladder, climbed."""

    def __init__(
        self, dialler: Dialler, knocker: Knocker, puncher: Puncher, ladder: Ladder,
        contact: Contact, judge: Judge, *, may_punch: bool,
    ) -> None:  # fmt: skip
        self._dialler, self._knocker, self._puncher = dialler, knocker, puncher
        self._ladder = ladder
        self._contact, self._judge, self._may_punch = contact, judge, may_punch
        self._won: tuple[Wire, Attempt] | None = None
        self._news = trio.Event()

    async def run(self, may_stop: trio.Event) -> tuple[Wire, Attempt] | None:
        try:
            async with trio.open_nursery() as nursery:
                nursery.cancel_scope.deadline = self._ladder.gives_up_at
                nursery.start_soon(self._race, nursery.cancel_scope)
                nursery.start_soon(self._climb, nursery)
                if self._may_punch:
                    nursery.start_soon(self._note_directory)
                await may_stop.wait()
                nursery.cancel_scope.cancel()
        except BaseException:
            if self._won is not None:
                wire, attempt = self._won
                wire.abort()
                attempt.failed()
            raise
        return self._won

    async def _race(self, over: trio.CancelScope) -> None:
        try:
            won = await self._dialler.dial(self._contact, self._judge, self._ladder)
        except Unreachable:  # the ladder knows more
            self._ladder.dials_are_over(trio.current_time())
            self._news.set()
        else:
            self._win(won, over)

    async def _punch(self, over: trio.CancelScope) -> None:
        try:
            won = await self._puncher.call(self._contact.name, self._judge, self._ladder.met)
        except ParleyError as failure:
            log.info("no way to %s from both sides: %s", self._contact.name, failure)
            is_limit = isinstance(failure, Refused) and failure.code == "LIMIT"
            self._ladder.punch_is_over(
                came_alone=isinstance(failure, CameAlone), refusal=str(failure) if is_limit else ""
            )
            self._news.set()
        else:
            self._win(won, over)

    async def _note_directory(self) -> None:
        """Tell the ladder when the directory comes back."""
        while True:
            await self._puncher.wait_back()
            if self._puncher.is_possible:
                self._ladder.directory_is_back(trio.current_time())
                self._news.set()

    def _win(self, won: tuple[Wire, Attempt], over: trio.CancelScope) -> None:
        """Keep the first wire."""
        if self._won is None:
            self._won = won
            over.cancel()
        else:
            wire, attempt = won
            wire.abort()
            attempt.failed()

    async def _climb(self, nursery: trio.Nursery) -> None:
        over = nursery.cancel_scope
        while True:
            now = trio.current_time()
            if self._ladder.knocks(now):
                fate = await self._knocker.knock(self._contact.name)
                self._ladder.knocked(now, trio.current_time(), fate)
            elif self._ladder.punches(now):
                nursery.start_soon(self._punch, over)
            elif (until := self._ladder.rests_until()) > now:
                with trio.move_on_at(until):
                    await self._news.wait()
                self._news = trio.Event()
            else:
                over.cancel()
                return
