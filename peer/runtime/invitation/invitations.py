"""Ask others into a conversation, and put their invitations to the user.

The shell of `peer.core.invitation.machine`.
"""

import trio

from peer.core.invitation.actions import Question
from peer.core.invitation.credentials import Credentials
from peer.core.invitation.machine import InvitationMachine
from peer.core.invitation.questions import Situation
from peer.core.myself import Myself
from peer.events import Tell
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.directory.roster import Roster
from peer.runtime.finder import Finder
from peer.runtime.invitation.performer import InvitationPerformer
from peer.runtime.invitation.question_display import QuestionDisplay
from peer.runtime.invitation.results import Result, Results
from peer.runtime.invitation.sent_invitations import SentInvitations
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.known_users import KnownUsers
from peer.runtime.keys.linked_names import LinkedNames
from peer.runtime.keys.name_judge import NameJudge
from peer.runtime.link.links import Links
from peer.runtime.tasks import Tasks
from shared.messages.common import Message
from shared.world import World


class Invitations:
    """All invitations of one peer."""

    def __init__(
        self,
        world: World,
        links: Links,
        conversations: Conversations,
        tell: Tell,
        myself: Myself,
        tasks: Tasks,
        credentials: Credentials,
        situation: Situation,
        *,
        finder: Finder,
        linked_names: LinkedNames,
        name_judge: NameJudge,
        known_keys: KnownKeys,
        answers: bool,
        known_users: KnownUsers,
        roster: Roster,
    ) -> None:
        """`answers`: whether somebody is there who can be asked."""
        self._conversations, self._known_users = conversations, known_users
        self._core = InvitationMachine(myself.name, world, credentials, situation)
        self._display = QuestionDisplay(
            self._core, conversations, known_keys, linked_names, name_judge, roster, tasks, tell
        )
        self._results = Results()
        self._performer = InvitationPerformer(
            self._core, links, conversations, self._display, self._results, tell, answers=answers
        )
        self._sent = SentInvitations(
            self._core, credentials, self._performer, self._results, conversations, myself,
            known_users, world, finder,
        )  # fmt: skip
        self._is_closed = False

    async def run(self) -> None:
        """Run until cancelled."""
        await self._performer.run()

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions that wait for my answer, in the order of arrival."""
        return self._core.questions

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The users whom I have invited and who have not decided."""
        return self._results.waits_for

    def is_live_with(self, name: str) -> bool:
        return self._core.is_live_with(name)

    def will_open(self, conversation: str) -> bool:
        """Whether I said yes to it, and its CONFIRM may have gone over a link that broke."""
        return any(one.conversation == conversation for one in self._core.accepted)

    # --- What I do ---

    async def invite(self, name: str, *, urgent: bool = False) -> Result:
        """Invite a user; return when it is decided, and was told.

        Raises Refused for myself, an unknown user, or when I am in a
        conversation already or wait for somebody else.
        """
        result = await self._sent.invite(name, urgent=urgent)
        await self._conversations.wait_shown()
        return result

    async def add(
        self, name: str, *, urgent: bool = False, room: str = "", last: int = 0
    ) -> Result:
        """Invite a user into the conversation that I am in, or into a room; like `invite`.

        `last`: how many of the texts of before they get; all members read that they do.
        """
        result = await self._sent.add(name, urgent=urgent, room=room, last=last)
        await self._conversations.wait_shown()
        return result

    async def found_room(self, name: str) -> None:
        """Found a room in which I am alone.

        Raises Refused when I am in one that is called so, or in too many.
        """
        self._sent.found_room(name)
        await self._conversations.wait_shown()

    def take_back(self) -> bool:
        """Stop waiting for an answer; return False when none was awaited."""
        return self._sent.take_back()

    def close(self) -> None:
        """Take back what is pending, ask nobody any more, and enter nothing."""
        self._is_closed = True
        self._performer.close()
        self._sent.close()

    def answer(self, id: str, yes: bool) -> bool:
        """Answer a question; return False when it is over already.

        A yes leaves the conversation that I am in, unless it is to a room, or into what I am
        in already.  Raises Refused when I am in too many rooms.
        """
        asked = [question for question in self._core.questions if question.id == id]
        if self._is_closed or not asked:
            return False
        if yes:
            enters = not self._conversations.is_in(asked[0].conversation)
            if enters and asked[0].room is not None:
                self._conversations.rooms.check_number()
            self._known_users.answer(*self._display.whom_yes_answers(asked[0]))
            if enters and asked[0].room is None:
                self._conversations.leave_now()
        self._performer.perform(self._core.answer(id, yes, trio.current_time()))
        return True

    # --- What the links do ---

    def linked(self, name: str) -> None:
        self._performer.perform(self._core.linked(name, trio.current_time()))

    def link_lost(self, name: str) -> None:
        self._performer.perform(self._core.link_lost(name, trio.current_time()))

    def unreachable(self, name: str, reason: str) -> None:
        self._performer.perform(self._core.unreachable(name, reason, trio.current_time()))

    def hear(self, name: str, message: Message) -> None:
        """Pass a message to the core, and do what it decides.  Raises ProtocolError."""
        self._performer.perform(self._core.receive(name, message, trio.current_time()))
