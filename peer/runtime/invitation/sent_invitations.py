"""Invite users on my behalf, and wait for what they decide."""

import trio

from peer.core.conversation.conversation import Conversation
from peer.core.invitation.credentials import Credentials, Permission
from peer.core.invitation.machine import InvitationMachine
from peer.core.myself import Myself
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.finder import Finder
from peer.runtime.invitation.performer import InvitationPerformer
from peer.runtime.invitation.results import Asking, Outcome, Result, Results
from peer.runtime.keys.known_users import KnownUsers
from shared.errors import Refused
from shared.messages.peers import MEMBERS, SALT_BYTES, Charter
from shared.names import check_name, fold
from shared.reserved import is_reserved
from shared.world import World


class SentInvitations:
    """The invitations that I send."""

    def __init__(
        self,
        core: InvitationMachine,
        credentials: Credentials,
        performer: InvitationPerformer,
        results: Results,
        conversations: Conversations,
        myself: Myself,
        known_users: KnownUsers,
        world: World,
        finder: Finder,
    ) -> None:
        self._core, self._credentials, self._performer = core, credentials, performer
        self._results, self._conversations = results, conversations
        self._myself, self._known_users = myself, known_users
        self._world, self._finder = world, finder
        self._is_closed = False

    async def invite(self, name: str, *, urgent: bool) -> Result:
        """Invite a user; return when it is decided.

        Raises Refused for myself, an unknown user, or when I am in a
        conversation already or wait for somebody else.
        """
        if self._myself.is_called(name):
            raise Refused("You can't connect with yourself.", "SELF")
        self._refuse_while_talking(name)
        if self._asks_me(name):
            self._known_users.answer(name)
            result = await self._ask(name, None, (self._myself.name,), urgent=True)
            if result.outcome is not Outcome.GONE:
                return result
            self._refuse_while_talking(name)  # their question came to nothing: now I ask
        contact = await self._finder.callee(name)
        self._known_users.answer(contact.name)
        if self._conversations.is_with(name):
            return Result(contact.name, Outcome.CONNECTED)  # they were faster
        self._refuse_while_talking(name)
        if contact.is_offline:
            return Result(contact.name, Outcome.OFFLINE)
        # They say themselves whether they are BUSY: the directory's word may be stale.
        found = self._credentials.found(contact, self._world.chance.randbytes(SALT_BYTES))
        return await self._ask(contact.name, found, (self._myself.name,), urgent=urgent)

    async def add(self, name: str, *, urgent: bool, room: str, last: int) -> Result:
        """Invite a user into the conversation that I am in, or into a room; like `invite`."""
        if self._myself.is_called(name):
            raise Refused("You can't connect with yourself.", "SELF")
        self._conversation_to_add(name, room)
        contact = await self._finder.callee(name)
        self._known_users.answer(contact.name)
        current = self._conversation_to_add(name, room)
        if contact.is_offline:
            return Result(contact.name, Outcome.OFFLINE)
        permission = self._credentials.add(contact, current, last)
        members = (self._myself.name, *map(current.roll.name, current.others))
        charter = self._conversations.rooms.charter(current.id)
        return await self._ask(contact.name, permission, members, urgent=urgent, room=charter)

    def found_room(self, name: str) -> None:
        """Found a room in which I am alone, and enter it.

        Raises Refused for a word of the program, as the directory does for a user's name, and
        for what is no name.
        """
        check_name(name)
        if is_reserved(name):
            raise Refused(f'"{name}" is a word of the program; choose another name.', "NAME")
        rooms = self._conversations.rooms
        if fold(name) in map(fold, rooms.labels):
            raise Refused(f"You are in a room #{name} already.")
        rooms.check_number()
        nonce = self._world.chance.randbytes(SALT_BYTES)
        charter, roll = self._credentials.found_room(name, nonce)
        self._conversations.begin(self._conversations.enter(roll, (), room=charter))

    def take_back(self) -> bool:
        """Stop waiting for an answer; return False when none was awaited."""
        pending = (*self._core.outgoing, *self._core.accepted)
        for one in pending:
            self._performer.perform(self._core.take_back(one.id, trio.current_time()))
            room = one.conversation if one.is_room else ""
            self._results.decide(one.other, Outcome.TAKEN_BACK, room=room)
        return bool(pending)

    def close(self) -> None:
        """Take back what is pending, and ask nobody any more."""
        self._is_closed = True
        self.take_back()

    # --- What stands against it ---

    def _conversation_to_add(self, name: str, room: str) -> Conversation:
        rooms, current = self._conversations.rooms, self._conversations.conversation
        if room:
            current = rooms.of(room).core
        if current is None:
            in_room = "".join(f"; ADD {name} TO {one} asks them in" for one in rooms.labels[:1])
            raise Refused(f"You are in no conversation: CHAT {name} begins one{in_room}.")
        if any(fold(current.called(one)) == fold(name) for one in current.others):
            where = f"room #{current.room}" if room else "conversation"
            raise Refused(f"User {name} is in the {where} already.")
        if self._results.is_waiting_for(name):
            raise Refused(f"You are waiting for {name}'s response already.")
        if len(current.roll.members()) >= MEMBERS:
            what = "room" if room else "conversation"
            raise Refused(f"A {what} has at most {MEMBERS} members.", "FULL")
        return current

    def _refuse_while_talking(self, name: str) -> None:
        if self._conversations.is_with(name):
            raise Refused(f"You are connected with {name} already.")
        if others := ", ".join(self._conversations.others):
            raise Refused(
                f"You are in a conversation with {others}: QUIT CONVERSATION first, or ADD {name}."
            )
        for callee in self._results.talks_asked_for:
            raise Refused(f"You are waiting for {callee}'s response: QUIT CONVERSATION first.")
        if self._results.is_waiting_for(name) and not self._asks_me(name):
            raise Refused(f"You are waiting for {name}'s response already.")

    def _asks_me(self, name: str) -> bool:
        """Whether they invite me; also when I said yes and the conversation is about to begin."""
        asking = [one.inviter for one in self._core.questions if one.room is None]
        asking += [one.other for one in self._core.accepted if not one.is_room]
        return fold(name) in map(fold, asking)

    # --- Asking ---

    async def _ask(
        self,
        callee: str,
        permission: Permission | None,
        members: tuple[str, ...],
        *,
        urgent: bool,
        room: Charter | None = None,
    ) -> Result:
        """Return when it is decided.  Without a permission, accept what the callee asks me."""
        if self._is_closed:
            return Result(callee, Outcome.TAKEN_BACK)  # by our quitting, during the lookup
        try:
            into = permission.conversation if permission is not None and room else ""
            with self._results.expect(callee, into) as asking:
                self._performer.perform(
                    self._core.invite(
                        callee,
                        permission,
                        members=members,
                        urgent=urgent,
                        now=trio.current_time(),
                        room=room,
                    )
                )
                return await self._decided(asking, permission)
        finally:
            if permission is not None:
                self._withdraw(callee, permission.conversation)

    async def _decided(self, asking: Asking, permission: Permission | None) -> Result:
        """Return the result; take the invitation back when I am no longer in what it leads to."""
        into = "" if permission is None else permission.conversation
        async with trio.open_nursery() as nursery:
            if self._conversations.is_in(into):  # else it founds the conversation
                nursery.start_soon(self._withdraw_after, asking.callee, into)
            result = await asking.result()
            nursery.cancel_scope.cancel()
        return result

    async def _withdraw_after(self, callee: str, conversation: str) -> None:
        await self._conversations.wait_left(conversation)
        self._withdraw(callee, conversation)

    def _withdraw(self, callee: str, conversation: str) -> None:
        """Take back my invitation when something else decided it, such as their own."""
        for one in self._core.outgoing:
            if (one.other, one.conversation) == (callee, conversation):
                self._performer.perform(self._core.take_back(one.id, trio.current_time()))
