"""My conversation as its user sees it: who is in, who is late, and what I say in it."""

import trio

from peer.core.conversation.conversation import Conversation
from peer.core.conversation.route import DIRECT, Route
from peer.core.conversation.sent_text import SentText
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.link.links import Links
from shared.errors import Refused
from shared.world import Clock


class MemberRoutes:
    """The ways to the members of a conversation."""

    def __init__(self, links: Links, known_keys: KnownKeys, clock: Clock) -> None:
        self._links, self._known_keys, self._clock = links, known_keys, clock

    async def of(self, current: Conversation) -> list[Route]:
        """Return the others, and how each is reached; measuring takes time."""
        name, called = current.roll.name, current.called
        await self._links.measure(name(one) for one, way, _ in current.reach.who() if way == DIRECT)
        now, time = trio.current_time(), self._clock.time()
        return [
            Route(
                called(one), way if way in ("", DIRECT) else called(way),
                None if since is None else time - (now - since),
                self._links.round_trip(name(one)) if way == DIRECT else None,
                self._known_keys.is_verified(name(one))
                and self._known_keys.remembers(name(one), current.roll.key(one) or b""),
            )
            for one, way, since in current.reach.who()
        ]  # fmt: skip

    def ways(self, current: Conversation) -> list[tuple[str, str, int]]:
        """Return each name, through whom, and how many texts of mine they lack."""
        called = current.called
        return [
            (called(one), way if way in ("", DIRECT) else called(way), current.outgoing.lacks(one))
            for one, way, _ in current.reach.who()
        ]


class ConversationView:
    def __init__(self, conversations: Conversations, routes: MemberRoutes) -> None:
        self._conversations, self._routes = conversations, routes

    @property
    def others(self) -> tuple[str, ...]:
        """The others in my conversation; none while I am in no conversation."""
        return self._conversations.others

    async def say(self, text: str) -> SentText:
        """Say a text in the conversation; wait while too many are undelivered.

        The handle tells its fate.  Raises Refused when there is no conversation.
        """
        return await self._conversations.say(text)

    @property
    def last_said(self) -> SentText | None:
        """My last text in a conversation; it tells who has it."""
        return self._conversations.last

    async def leave(self) -> bool:
        """Leave the conversation once my texts have arrived; return False when there is none."""
        return await self._conversations.leave()

    async def members(self) -> list[Route]:
        """Return the others, and how each is reached; measuring takes time."""
        current = self._conversations.conversation
        if current is None:
            raise Refused("You are in no conversation.")
        return await self._routes.of(current)

    @property
    def ways(self) -> list[tuple[str, str, int]]:
        """Like `members`, at once: each name, through whom, and how many texts of mine it lacks."""
        current = self._conversations.conversation
        return [] if current is None else self._routes.ways(current)

    @property
    def to_come(self) -> int:
        """The number of texts on their way to me, which others have."""
        current = self._conversations.conversation
        return 0 if current is None else current.incoming.to_come

    @property
    def undelivered(self) -> int:
        """The number of my texts that the member furthest behind lacks; 0 when nobody is late."""
        current = self._conversations.conversation
        if current is None:
            return 0
        late = [one for one, *_ in current.reach.who() if current.mailbox.is_late(one)]
        return max(map(current.outgoing.lacks, late), default=0)
