"""The ways by which members, and other users, are reached."""

from collections.abc import Iterable

import trio

from peer.core.conversation.conversation import Conversation
from peer.core.conversation.route import DIRECT, Route
from peer.core.reach.link_way import LinkWay
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.links import Links
from shared.names import fold
from shared.world import Clock


class Routes:
    def __init__(self, links: Links, known_keys: KnownKeys, clock: Clock) -> None:
        self._links, self._known_keys, self._clock = links, known_keys, clock

    async def measured(self, current: Conversation) -> list[Route]:
        """Return the other members, and how each is reached; measuring takes time."""
        name = current.roll.name
        await self._links.measure(name(one) for one, way, _ in current.reach.who() if way == DIRECT)
        return [route for route, _ in self.ways(current)]

    def ways(self, current: Conversation) -> list[tuple[Route, int]]:
        """Return how each is reached, and how many texts of mine they lack.

        A text that has just gone out over a link of ours is counted only once it is late.
        """
        outgoing, mailbox = current.outgoing, current.mailbox
        return [
            (
                self._of_member(current, member, way, since),
                0 if way == DIRECT and not mailbox.is_late(member) else outgoing.lacks(member),
            )
            for member, way, since in current.reach.who()
        ]

    def to_user(self, name: str, key: bytes, ours: Iterable[Conversation]) -> Route | None:
        """Return how the user with this key is reached now, also as a member of these
        conversations; None if they are not.
        """
        if (link_way := self._links.way(name, key)) is not None:
            return Route(name, link_way=link_way)
        for core in ours:
            for one, way, _ in core.reach.who():
                is_theirs = fold(core.roll.name(one)) == fold(name) and core.roll.key(one) == key
                if is_theirs and way not in ("", DIRECT):
                    return Route(name, core.called(way))
        return None

    def _of_member(
        self, current: Conversation, member: str, way: str, since: float | None
    ) -> Route:
        name, key = current.roll.name(member), current.roll.key(member) or b""
        now, time = trio.current_time(), self._clock.time()
        known = self._known_keys
        is_direct = way == DIRECT
        return Route(
            current.called(member),
            "" if is_direct or not way else current.called(way),
            None if since is None else time - (now - since),
            self._links.round_trip(name) if is_direct else None,
            known.is_verified(name) and known.remembers(name, key),
            # A link that is just ending tells no way any more.
            (self._links.way(name, key) or LinkWay.DIALLED) if is_direct else None,
        )
