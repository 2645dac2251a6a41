"""My conversation as its user sees it: who is in, who is late, and what I say in it."""

from peer.core.conversation.route import Route
from peer.core.conversation.sent_text import SentText
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.conversation.routes import Routes
from shared.errors import Refused
from shared.messages.directory import Contact


class ConversationView:
    def __init__(self, conversations: Conversations, routes: Routes) -> None:
        self._conversations, self._routes = conversations, routes

    @property
    def others(self) -> tuple[str, ...]:
        """The others in my conversation; none while I am in no conversation."""
        return self._conversations.others

    async def say(self, text: str) -> SentText:
        """Say a text in the conversation; wait while too many are undelivered.

        The handle tells its fate.  Raises Refused when there is no conversation, and for a
        text that is too long.
        """
        return await self._conversations.say(text)

    def last_said(self, room: str = "") -> SentText | None:
        """Return my last text in a room or in my conversation; it tells who has it.

        None: I have said nothing there since this program started.
        """
        return self._conversations.last_said(room)

    async def leave(self) -> bool:
        """Leave the conversation once my texts have arrived; return False when there is none."""
        return await self._conversations.leave()

    async def keep_shown(self) -> None:
        """Wait a little until what I have read in it is on disk, to leave it then."""
        await self._conversations.keep_shown()

    async def members(self) -> list[Route]:
        """Return the others, and how each is reached; measuring takes time."""
        current = self._conversations.conversation
        if current is None:
            raise Refused("You are in no conversation.")
        return await self._routes.measured(current)

    def route_to(self, user: Contact) -> Route | None:
        """Return how a user is reached: by a link, or through members of what we are both in."""
        current = self._conversations.conversation
        rooms = [room.core for room in self._conversations.rooms]
        ours = rooms if current is None else [current, *rooms]
        return self._routes.to_user(user.name, user.key, ours)

    @property
    def ways(self) -> list[tuple[Route, int]]:
        """Like `members`, at once, and how many texts of mine each lacks."""
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
