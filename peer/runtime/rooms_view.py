"""My rooms as their user sees them: which there are, who is in, and what I say in them."""

from typing import Final

import trio

from peer.core.conversation.route import Route
from peer.core.conversation.sent_text import SentText
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.conversation.routes import Routes
from shared.errors import Refused
from shared.names import fold

MET_SECONDS: Final = 3.0  # that a program which is here for one command looks for members


class RoomsView:
    """`room` is what I call a room, without its `#`; case does not matter.

    Everything that asks for a room raises Refused when I am in no room that is called so.
    """

    def __init__(self, conversations: Conversations, routes: Routes) -> None:
        self._conversations, self._rooms = conversations, conversations.rooms
        self._routes = routes

    async def take_up(self) -> None:
        """Take up my rooms in a program that is here for one command only.

        Return when somebody is in reach in each, or after MET_SECONDS.
        """
        if not self._rooms.is_restored:
            await self._rooms.take_epochs()
            self._rooms.restore()
            with trio.move_on_after(MET_SECONDS):
                await self._conversations.wait_met()

    @property
    def labels(self) -> tuple[str, ...]:
        """My rooms by what I call them, in alphabetical order."""
        return self._rooms.labels

    def label(self, room: str) -> str:
        """Return a label in its own spelling; "" when none is called so."""
        return next((one for one in self.labels if fold(one) == fold(room)), "")

    def others(self, room: str) -> tuple[str, ...]:
        """Return the other members, whether they are there or away."""
        core = self._rooms.of(room).core
        return tuple(map(core.called, core.others))

    async def members(self, room: str) -> list[Route]:
        """Return the other members, and how each is reached; measuring takes time."""
        return await self._routes.measured(self._rooms.of(room).core)

    def ways(self, room: str) -> list[tuple[Route, int]]:
        """Return, like `members` but at once, how each is reached, and how many texts of mine
        they lack.
        """
        return self._routes.ways(self._rooms.of(room).core)

    def to_come(self, room: str) -> int:
        """Return the number of texts on their way to me, which others have."""
        return self._rooms.of(room).core.incoming.to_come

    async def say(self, room: str, text: str) -> SentText:
        """Say a text in a room; wait while too many are undelivered."""
        if not room:
            raise Refused("Which room?", "USAGE")
        return await self._conversations.say(text, room)

    async def leave(self, room: str) -> None:
        """Leave a room for good, once my texts have arrived, if they can."""
        await self._rooms.leave(room)
