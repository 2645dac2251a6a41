"""Put the invitations of others to the user, under names that are judged."""

from collections.abc import Callable

from peer import events
from peer.core.invitation.actions import Ask, Closed, Question, Why
from peer.core.invitation.machine import InvitationMachine
from peer.events import Tell
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.directory.roster import Roster
from peer.runtime.keys.known_keys import KnownKeys
from peer.runtime.keys.linked_names import LinkedNames
from peer.runtime.keys.name_judge import NameJudge
from peer.runtime.tasks import Tasks


class QuestionDisplay:
    """The questions on the screen."""

    def __init__(
        self,
        core: InvitationMachine,
        conversations: Conversations,
        known_keys: KnownKeys,
        linked_names: LinkedNames,
        name_judge: NameJudge,
        roster: Roster,
        tasks: Tasks,
        tell: Tell,
    ) -> None:
        self._roster = roster
        self._core, self._conversations = core, conversations
        self._known_keys, self._linked_names = known_keys, linked_names
        self._name_judge, self._tasks, self._tell = name_judge, tasks, tell

    def put(self, asked: Ask, shown: Callable[[], None]) -> None:
        """Show a question once it is known whose names it holds; then call `shown`."""
        others = self._core.proven(asked.id)
        if all(self._known_keys.is_judged(name) for _, name in others):
            self._show(asked, others, shown)
        else:
            self._tasks.linger(self._judge_and_show, asked, others, shown)

    async def _judge_and_show(
        self, asked: Ask, others: list[tuple[str, str]], shown: Callable[[], None]
    ) -> None:
        """Ask whose names these are, then show the question unless it was taken back meanwhile."""
        await self._name_judge.judge(name for _, name in others)
        if any(question.id == asked.id for question in self._core.questions):
            self._show(asked, others, shown)

    def _show(self, asked: Ask, others: list[tuple[str, str]], shown: Callable[[], None]) -> None:
        called = self._linked_names.called(asked.inviter)
        talkers = (called, *(self._known_keys.called(*one) for one in others))
        self._tell(self._question(asked, called, talkers), shown)

    def _question(self, asked: Ask, inviter: str, talkers: tuple[str, ...]) -> events.Invited:
        if asked.room is None:
            return events.Invited(asked.id, inviter, talkers, self._conversations.others)
        is_namesake = self._conversations.rooms.is_namesake(asked.room)
        room = asked.room.name
        return events.Invited(
            asked.id, inviter, talkers, room=room, is_namesake=is_namesake,
            is_users_name=self._roster.is_known(room),
        )  # fmt: skip

    def close(self, closed: Closed) -> None:
        """Say why a question is over without an answer, or a yes has led to nothing."""
        inviter = self._linked_names.called(closed.inviter)
        words = _closing_words(inviter, closed.why)
        self._tell(events.InvitationOver(closed.id, inviter, words), events.nothing)

    def whom_yes_answers(self, question: Question) -> list[str]:
        """Return the inviter, and the members whom the question proved."""
        others = self._core.proven(question.id)
        real = [name for one, name in others if self._known_keys.called(one, name) == name]
        return [question.inviter, *real]


def _closing_words(inviter: str, why: Why) -> str:
    match why:
        case Why.CANCELLED:
            return f"User {inviter} took the invitation back."
        case Why.MISSED:
            return f"You missed an invitation from {inviter}."
        case Why.GONE:
            return f"User {inviter} is gone."
