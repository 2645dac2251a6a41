"""Do what the invitation machine decides: send, dial, ask, let in, enter, and tell."""

from typing import Final

import trio

from peer import events
from peer.core.invitation.actions import (
    Action,
    Admit,
    Ask,
    Closed,
    Dial,
    End,
    Ended,
    Enter,
    Found,
    Open,
    Refuse,
    Send,
    Waiting,
)
from peer.core.invitation.machine import InvitationMachine
from peer.events import Tell
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.invitation.question_display import QuestionDisplay
from peer.runtime.invitation.results import Outcome, Results
from peer.runtime.link.links import Links
from peer.runtime.timer import Timer
from shared.errors import ProtocolError

_OUTCOMES: Final = {
    End.DECLINED: Outcome.DECLINED,
    End.NO_ANSWER: Outcome.NO_ANSWER,
    End.TAKEN_BACK: Outcome.TAKEN_BACK,
    End.UNREACHABLE: Outcome.UNREACHABLE,
    End.BUSY: Outcome.BUSY,
    End.INTERRUPTIBLE: Outcome.INTERRUPTIBLE,
    End.JOINED: Outcome.CONNECTED,
    End.GONE: Outcome.GONE,
}


class InvitationPerformer:
    """The hands of the invitation machine, and its clock."""

    def __init__(
        self,
        core: InvitationMachine,
        links: Links,
        conversations: Conversations,
        display: QuestionDisplay,
        results: Results,
        tell: Tell,
        *,
        answers: bool,
    ) -> None:
        """`answers`: whether somebody is there who can be asked."""
        self._core, self._links, self._conversations = core, links, conversations
        self._display, self._results, self._tell = display, results, tell
        self._answers, self._is_closed = answers, False
        self._timer = Timer()

    async def run(self) -> None:
        """Run until cancelled."""
        await self._timer.run(self)

    def next_deadline(self) -> float | None:
        return self._core.next_deadline()

    def tick(self) -> None:
        self.perform(self._core.tick(trio.current_time()))

    def close(self) -> None:
        """Leave at once whatever conversation begins from now on."""
        self._is_closed = True

    def perform(self, actions: list[Action]) -> None:
        """Perform actions in order, each with all that it sets off before the next one.

        Raises ProtocolError when the core refuses what a user sent.
        """
        for action in actions:
            self._perform(action)
        self._timer.look(self.next_deadline())

    def _perform(self, action: Action) -> None:
        match action:
            case Send(to, message):
                self._links.post(to, message)
            case Dial(to):
                self._dial(to)
            case Ask():
                self._ask(action)
            case Waiting(callee):
                self._tell(events.Waiting(callee), events.nothing)
            case Closed():
                self._close(action)
            case Found():
                self._found(action)
            case Admit():
                self._admit(action)
            case Enter(roll, since, lamport, entry, room):
                begun = self._conversations.enter(roll, since, lamport, entry, room)
                self._conversations.begin(begun)
            case Open(other=other, room=room):
                self._results.decide(other, Outcome.CONNECTED, room=room)
                if self._is_closed:
                    self._conversations.leave_now()  # they let us in while we were quitting
            case Ended(_, callee, end, reason, room):
                self._results.decide(callee, _OUTCOMES[end], reason, room)
            case Refuse(_, reason):
                raise ProtocolError(reason)

    def _dial(self, to: str) -> None:
        if self._links.to(to) is not None:
            self.perform(self._core.linked(to, trio.current_time()))
        else:
            self._links.dial(to, whole=True)  # somebody waits, and has just begun to

    def _ask(self, asked: Ask) -> None:
        if self._answers:
            self._display.put(asked, lambda: self._shown(asked.id))
        else:
            self.perform(self._core.answer(asked.id, False, trio.current_time()))

    def _shown(self, id: str) -> None:
        self.perform(self._core.shown(id, trio.current_time()))

    def _close(self, closed: Closed) -> None:
        # I asked the same, which was my yes.
        if not closed.room and self._results.is_waiting_for(closed.inviter, ""):
            self._results.decide(closed.inviter, Outcome.GONE)
        else:
            self._display.close(closed)

    def _found(self, found: Found) -> None:
        begun = self._conversations.enter(found.roll, ())
        self.perform(self._core.let_in(found.id, (), 0))
        self._conversations.begin(begun)

    def _admit(self, admit: Admit) -> None:
        current = self._conversations.of(admit.conversation)
        since, lamport = self._conversations.history_mark(current, admit.last)
        self._conversations.add_member(current, admit.member, admit.membership)
        self.perform(self._core.let_in(admit.id, since, lamport))
        self._conversations.keep_entry(current, admit.member)
        if not current.room:  # there all members read the same
            self._tell(events.Connected((admit.callee,)), events.nothing)
        if admit.last:
            self._conversations.say_handed_on(current, admit.callee, admit.last)
