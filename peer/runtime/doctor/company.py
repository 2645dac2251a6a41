"""Tell how those are reached with whom I am in a conversation, or in rooms."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import trio

from peer.core.doctor.report import Acquaintance
from peer.core.reach.presence import Presences
from peer.results import way_to
from peer.runtime.conversation_view import ConversationView
from peer.runtime.rooms_view import RoomsView
from shared.errors import Refused
from shared.messages.common import Status
from shared.names import fold


class Companions:
    """`peer.runtime.doctor.examiner.Company` of one peer."""

    def __init__(
        self, conversation: ConversationView, rooms: RoomsView, presences: Presences
    ) -> None:
        self._conversation, self._rooms, self._presences = conversation, rooms, presences

    async def measure(self) -> None:
        """Measure the ways to all of them, side by side."""
        async with trio.open_nursery() as nursery:
            if self._conversation.others:
                nursery.start_soon(_measured, self._conversation.members)
            for room in self._rooms.labels:
                nursery.start_soon(_measured, partial(self._rooms.members, room))

    def acquaintances(self) -> tuple[Acquaintance, ...]:
        """Return each of them once, in alphabetical order, by the best way that leads there."""
        ways = [route for route, _ in self._conversation.ways]
        for room in self._rooms.labels:
            ways += [route for route, _ in self._rooms.ways(room)]
        ways.sort(key=lambda route: (not route.is_direct, not route.is_reached))
        offline = {fold(one.name) for one in self._presences.all if one.status is Status.OFFLINE}
        found: dict[str, Acquaintance] = {}
        for route in ways:
            known = fold(route.name)
            way = way_to(route) if route.is_reached else ""
            found.setdefault(
                known, Acquaintance(route.name, route, way, is_offline=known in offline)
            )
        return tuple(found[name] for name in sorted(found))


async def _measured(members: Callable[[], Awaitable[object]]) -> None:
    with suppress(Refused):  # the conversation, or the room, was left just now
        await members()
