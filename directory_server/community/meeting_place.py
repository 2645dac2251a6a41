"""Let two users meet who open a way from both sides, over connections of their own for that.

With several directories each of the two may come to any of them, as behind one port nobody
chooses: all hear of each call and each arrival, and each tells those who have come to it.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final

import trio

from directory_server.community.backlogs import UserLink
from directory_server.community.sight import say_go
from directory_server.community.telling import Telling
from directory_server.core.cluster.bulletins import Arrival, Call
from directory_server.core.punching.attendance import Attendance
from directory_server.core.punching.call_limits import CallLimits
from directory_server.core.punching.meetings import Meeting, Meetings, Sight, first_of
from directory_server.core.registry import Registry, User
from directory_server.core.spots import may_meet
from shared.errors import ProtocolError, Refused
from shared.messages.common import Bye
from shared.messages.punching import Here, Punches, Punching

log = logging.getLogger(__name__)

NEWS_SECONDS: Final = 2.0  # for the word of another directory that the two want to meet

Check = Callable[[User], None]  # raises Refused unless it is this user who has come


class MeetingPlace:
    def __init__(self, registry: Registry, links: Mapping[int, UserLink], telling: Telling) -> None:
        """`links`: of all users who are online here, by their ids."""
        self._registry, self._links, self._telling = registry, links, telling
        self._limits, self._meetings = CallLimits(), Meetings()
        self._attendance = Attendance()
        self._came: dict[tuple[bytes, int], UserLink] = {}  # by token and user
        self._news = trio.Event()

    # --- Calls ---

    def call(self, re: int, caller: User, callee: User, address: str, token: bytes) -> Punching:
        """Let a callee be told, if they are here, that a user at this address waits for them.

        Raises Refused for one too many, or where both have the same address.
        """
        now = trio.current_time()
        self._meetings.check_room(caller.id, now)
        self._limits.take(caller.name, address, callee.name, now)
        if callee.is_here and not may_meet(caller.place, callee.place):
            raise Refused("I see you both at the same address")
        self._meetings.begin(token, caller.id, callee.id, now)
        self._pass(token, caller, callee)
        self._telling.call(Call(token, caller.id, callee.id))
        return Punching(re, token, first_of(caller.name, callee.name))

    def hear_call(self, call: Call) -> None:
        """Take in what another directory tells."""
        now = trio.current_time()
        caller, callee = map(self._registry.by_id.get, (call.caller, call.callee))
        if caller is None or callee is None:
            return
        if callee.id in self._links:
            try:
                self._limits.take(caller.name, caller.place.address, callee.name, now)
            except Refused as no:
                log.info("a call of %s: %s", caller.name, no)
                return
        self._meetings.begin(call.token, caller.id, callee.id, now)
        self._pass(call.token, caller, callee)
        self._news.set()
        self._news = trio.Event()

    def _pass(self, token: bytes, caller: User, callee: User) -> None:
        link = self._links.get(callee.id)
        if link is not None:
            link.post(Punches(token, caller.name, first_of(caller.name, callee.name)))

    # --- Arrivals ---

    async def serve(
        self, here: Here, link: UserLink, check: Check, identified: Callable[[], None]
    ) -> None:
        """Let a user wait for the other one, and tell them where that is; until it is over.

        Raises Refused, or ProtocolError if more is said.
        """
        meeting = await self._find(here.token)
        user = self._who(meeting, check)
        if (here.token, user.id) in self._came:
            raise Refused("you have come to this meeting already")
        self._attendance.enter(user.id)
        self._came[here.token, user.id] = link
        identified()
        try:
            arrival = Arrival(here.token, user.id, *link.wire.remote, here.port)
            self._come(arrival)
            self._telling.arrival(arrival)
            with trio.move_on_at(meeting.over_at):
                if await link.receive():
                    raise ProtocolError("nothing more is to be said here")
            link.hang_up(Bye("the meeting is over"))
        finally:
            del self._came[here.token, user.id]
            self._attendance.leave(user.id)

    def hear_arrival(self, arrival: Arrival) -> None:
        """Take in what another directory tells."""
        try:
            self._come(arrival)
        except Refused:  # it has taken place, or its call was lost
            log.info("an arrival at another directory is for no meeting")

    def _come(self, arrival: Arrival) -> None:
        sight, token = Sight(arrival.host, arrival.port, arrival.inner), arrival.token
        meeting = self._meetings.come(token, arrival.user, sight, trio.current_time())
        if meeting is None:
            return
        for user in (meeting.caller, meeting.callee):
            link, other = self._came.get((token, user)), meeting.other_than(user)
            known = self._registry.by_id.get(other)
            if link is not None and known is not None:
                say_go(token, known, meeting.came[other], link)

    async def _find(self, token: bytes) -> Meeting:
        """Return the meeting; another directory may still be about to tell of it."""
        with trio.move_on_after(NEWS_SECONDS if self._telling.is_heard else 0.0):
            while True:
                meeting = self._meetings.find(token, trio.current_time())
                if meeting is not None:
                    return meeting
                await self._news.wait()
        raise Refused("there is no such meeting")

    def _who(self, meeting: Meeting, check: Check) -> User:
        """Return which of the two has come.  Raises Refused."""
        refusals = []
        for id in (meeting.caller, meeting.callee):
            user = self._registry.by_id.get(id)
            if user is not None and user.is_here:
                try:
                    check(user)
                except Refused as no:
                    refusals.append(no)
                else:
                    return user
        raise Refused("the meeting is of others", refusals[-1].code if refusals else "REFUSED")
