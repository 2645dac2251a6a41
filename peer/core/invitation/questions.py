"""The invitations of others: which of them the user is asked about, and how many at once."""

from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct, field

from peer.core.invitation.actions import Action, Ask, Closed, Question, Send, Why
from peer.core.invitation.credentials import Credentials
from peer.core.invitation.ledger import QUESTION, THEIRS, Invitation, Ledger, State
from shared.messages.common import Message
from shared.messages.peers import Busy, Gone, Ringing, Timeout
from shared.names import fold

RINGING_SECONDS: Final = 10.0  # to put a question on a screen; after that nobody was reached
RING_SECONDS: Final = 60.0  # to walk to the keyboard
OPEN_QUESTIONS: Final = 3  # more on one screen are a nuisance, and nobody can answer them in time
STRANGERS_A_MINUTE: Final = 6  # questions of users I have never answered; others do not wait


class Situation(Struct):
    """The state of this user, which decides who may ask.  The shell keeps it."""

    busy: bool = False  #: BUSY by hand, or in a conversation
    ignored: set[str] = field(default_factory=set)  #: folded names
    answered: set[str] = field(default_factory=set)  #: folded names of users answered before
    #: ids; `Open` has added its own already, the shell removes those that are left
    conversations: set[str] = field(default_factory=set)


class Questions:
    """The questions of one peer in the order of arrival: one for all members of a conversation."""

    def __init__(self, ledger: Ledger, credentials: Credentials, situation: Situation) -> None:
        self._ledger, self._credentials, self._situation = ledger, credentials, situation
        self._strangers_asked: deque[float] = deque(maxlen=STRANGERS_A_MINUTE)  # when

    @property
    def waiting(self) -> tuple[Question, ...]:
        """The questions that wait for the user's answer, in the order of arrival."""
        return tuple(
            Question(i.id, i.other, i.invite.members, i.invite.conversation, i.invite.room)
            for i in self._ledger.all(*QUESTION)
        )

    # --- Asking ---

    def ask(self, theirs: Invitation, now: float) -> list[Action]:
        """Ask the user, unless this user is busy or too many ask; then say so to the inviter."""
        if refusal := self._refusal(theirs, now):
            return self.say_last(theirs, refusal, now)
        return self._put(theirs, now)

    def _refusal(self, theirs: Invitation, now: float) -> Busy | None:
        """Return BUSY if so; ignored users get it too, or they would notice the difference."""
        is_known = self._is_known(theirs)
        open_now = self._ledger.all(*QUESTION, State.SHARED)
        alike = [i for i in open_now if self._is_known(i) is is_known]
        asked = [time for time in self._strangers_asked if time > now - 60.0]
        too_many = len(alike) - 1 >= OPEN_QUESTIONS  # without this one
        too_fast = not is_known and len(asked) >= STRANGERS_A_MINUTE
        if self._asks_already(theirs) or too_many or too_fast:
            return Busy(theirs.id, interruptible=False)
        if self._situation.busy and not theirs.invite.urgent:
            return Busy(theirs.id, interruptible=True)
        return None

    def _asks_already(self, theirs: Invitation) -> bool:
        """Whether this user has another invitation open.

        One that I said yes to does not count: their program may have started anew before that.
        """
        earlier = [i for i in self._ledger.all(*THEIRS, other=theirs.other) if i is not theirs]
        return len(earlier) > 1 or any(i.state is not State.ACCEPTED for i in earlier)

    def _is_known(self, theirs: Invitation) -> bool:
        return fold(theirs.other) in self._situation.answered

    def _put(self, theirs: Invitation, now: float) -> list[Action]:
        """Put a question on the screen, unless another one covers it or its user is ignored."""
        if fold(theirs.other) in self._situation.ignored:
            theirs.state = State.IGNORED
        elif self._is_covered(theirs):
            theirs.state = State.SHARED
        else:
            theirs.state = State.ASKED
            theirs.last(RINGING_SECONDS, now)
            if not self._is_known(theirs):
                self._strangers_asked.append(now)
            return [Ask(theirs.id, theirs.other, theirs.invite.members, theirs.invite.room)]
        return self._ring(theirs, now)

    def _is_covered(self, theirs: Invitation) -> bool:
        """Whether the question of another member stands for this one.

        A user who proves no membership may only have heard of the conversation.  Their question
        stands for nobody else's.
        """
        others = [i for i in self._ledger.all(*QUESTION, State.ACCEPTED) if i is not theirs]
        alike = [i for i in others if i.invite.conversation == theirs.invite.conversation]
        for one in alike:
            if one.covers is None:  # signatures are dear, and the answer stays the same
                one.covers = self._credentials.is_by_member(one.invite, one.other)
        return any(one.covers for one in alike)

    def shown(self, id: str, now: float) -> list[Action]:
        """Note that the question is on the screen: it rings from now on."""
        theirs = self._ledger.get(id)
        if theirs is None or theirs.state is not State.ASKED:
            return []
        theirs.state = State.RINGING
        return self._ring(theirs, now)

    def _ring(self, theirs: Invitation, now: float) -> list[Action]:
        theirs.word = Ringing(theirs.id)
        theirs.last(min(theirs.invite.expires_in, RING_SECONDS), now)
        return [Send(theirs.other, theirs.word)]

    # --- Ending ---

    def close(
        self, theirs: Invitation, why: Why, now: float, word: Message | None = None
    ) -> list[Action]:
        """End theirs without the user; another member's question may take its place."""
        seen = theirs.state in QUESTION or theirs.state is State.ACCEPTED
        self._ledger.finish(theirs, State.OVER, now, word or Gone(theirs.id))
        if not seen:
            return []
        closed = Closed(theirs.id, theirs.other, why, theirs.room)
        if why is Why.MISSED:
            return [closed, *self.say_last_to_sharers(theirs, Timeout, now)]
        return [closed, *self.ask_next_sharer(theirs, now)]

    def say_last(self, theirs: Invitation, word: Message, now: float) -> list[Action]:
        """End theirs with a word to the inviter."""
        self._ledger.finish(theirs, State.OVER, now, word)
        return [Send(theirs.other, word)]

    # --- Several members who ask the same ---

    def say_last_to_all(
        self, question: Invitation, word: Callable[[str], Message], now: float
    ) -> list[Action]:
        """End a question with a word to its inviter and to all whose question it covers."""
        said = self.say_last(question, word(question.id), now)
        return [*said, *self.say_last_to_sharers(question, word, now)]

    def say_last_to_sharers(
        self, question: Invitation, word: Callable[[str], Message], now: float
    ) -> list[Action]:
        sharers = self._sharers(question)
        return [action for i in sharers for action in self.say_last(i, word(i.id), now)]

    def ask_next_sharer(self, question: Invitation, now: float) -> list[Action]:
        """Ask the next of those whose question it covered; the next one may cover the rest."""
        actions: list[Action] = []
        for one in self._sharers(question):
            if not self._is_covered(one):
                actions += self._put(one, now)
        return actions

    def _sharers(self, question: Invitation) -> list[Invitation]:
        if not question.covers:
            return []
        same = question.invite.conversation
        return [i for i in self._ledger.all(State.SHARED) if i.invite.conversation == same]
