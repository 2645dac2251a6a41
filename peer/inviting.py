"""Asking others into a conversation, and being asked: the shell of `peer.invitation`."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

import trio

from peer import events, invitation
from peer.events import Tell
from peer.invitation import Action, End, Invitations, Question, Why
from peer.network import Links
from peer.talking import Talking
from peer.timer import Timer
from shared.errors import Refused
from shared.messages import Contact, Message, Status
from shared.names import fold
from shared.world import World


class Outcome(Enum):
    """What came of an invitation."""

    CONNECTED = auto()  #: the conversation has begun
    OFFLINE = auto()  #: the callee is not registered at this moment
    INTERRUPTIBLE = auto()  #: busy; ask again with `urgent`
    BUSY = auto()  #: busy, and not to be asked now
    DECLINED = auto()  #: the callee said no
    NO_ANSWER = auto()  #: the callee did not answer
    TAKEN_BACK = auto()  #: by `take_back`
    UNREACHABLE = auto()  #: no link; `reason` says why
    GONE = auto()  #: the callee went away while asked


@dataclass(frozen=True)
class Result:
    """`name`: of the callee, as registered.  `reason`: a fragment, when UNREACHABLE."""

    name: str
    outcome: Outcome
    reason: str = ""


class _Asking:
    """An invitation of mine that is not decided."""

    def __init__(self, callee: str) -> None:
        self.callee = callee
        self.over = trio.Event()
        self.result = Result(callee, Outcome.GONE)


class Inviting:
    """All invitations of one peer."""

    def __init__(
        self,
        world: World,
        links: Links,
        talking: Talking,
        tell: Tell,
        *,
        name: Callable[[], str],
        contact: Callable[[str], Awaitable[Contact]],
        public_key: bytes,
        ignored: set[str],
        answers: bool,
    ) -> None:
        """`answers`: somebody is there who can be asked."""
        self._world, self._links, self._talking, self._tell = world, links, talking, tell
        self._name, self._contact, self._public_key = name, contact, public_key
        self._answers = answers
        self._core = Invitations(name(), world.new_id)
        self._core.ignored = ignored
        self._asking: dict[str, _Asking] = {}  # folded callee -> who waits for the outcome
        self._closed = False
        self._timer = Timer(self._core.next_deadline, self._tick)

    @property
    def questions(self) -> tuple[Question, ...]:
        """What waits for my answer, in the order of arrival."""
        return self._core.questions

    @property
    def waits_for(self) -> tuple[str, ...]:
        return tuple(asking.callee for asking in self._asking.values())

    def is_live_with(self, name: str) -> bool:
        return self._core.is_live_with(name)

    def will_open(self, conversation: str) -> bool:
        """I said yes to it, and its CONFIRM may have gone over a link that broke."""
        return any(one.conversation == conversation for one in self._core.accepted)

    def situation(self, *, busy: bool) -> None:
        """How I stand: what others are told when they ask."""
        self._core.busy = busy
        current = self._talking.conversation
        self._core.conversations = {current.id} if current else set()

    # --- What I do ---

    async def invite(self, name: str, *, urgent: bool) -> Result:
        """Returns when it is decided.

        Raises Refused for oneself, an unknown user, or when one is in a
        conversation already or waits for somebody else.
        """
        if fold(name) == fold(self._name()):
            raise Refused("You can't connect with yourself.", "SELF")
        self._refuse_while_talking(name)
        if self._asks_me(name):
            return await self._ask(name, urgent=True)
        contact = await self._contact(name)
        if self._talking.is_with(name):
            return Result(contact.name, Outcome.CONNECTED)  # they were faster
        self._refuse_while_talking(name)
        if contact.status is Status.OFFLINE:
            return Result(contact.name, Outcome.OFFLINE)
        # Whether they are BUSY they say themselves: the directory's word may be stale.
        return await self._ask(contact.name, urgent=urgent)

    def _asks_me(self, name: str) -> bool:
        """Also when I have said yes, and the conversation is about to begin."""
        asking = [question.inviter for question in self._core.questions]
        asking += [one.other for one in self._core.accepted]
        return fold(name) in map(fold, asking)

    def _refuse_while_talking(self, name: str) -> None:
        if self._talking.is_with(name):
            raise Refused(f"You are connected with {name} already.")
        if others := ", ".join(self._talking.others):
            raise Refused(
                f"You are in a conversation with {others}: QUIT CONVERSATION first, or ADD {name}."
            )
        for callee in self.waits_for:
            raise Refused(f"You are waiting for {callee}'s response: QUIT CONVERSATION first.")

    async def _ask(self, callee: str, *, urgent: bool) -> Result:
        if self._closed:
            return Result(callee, Outcome.TAKEN_BACK)  # by good bye, while we looked it up
        asking = self._asking[fold(callee)] = _Asking(callee)
        fresh = hashlib.sha256(self._public_key + self._world.chance.randbytes(16))
        try:
            self._perform(
                self._core.invite(
                    callee,
                    conversation=fresh.hexdigest()[:32],
                    members=(self._name(),),
                    urgent=urgent,
                    now=trio.current_time(),
                )
            )
            await asking.over.wait()
            return asking.result
        finally:
            self._asking.pop(fold(callee), None)

    def take_back(self) -> bool:
        """Stop waiting for an answer; False when none was awaited."""
        pending = (*self._core.outgoing, *self._core.accepted)
        for one in pending:
            self._perform(self._core.take_back(one.id, trio.current_time()))
            self._decided(one.other, Outcome.TAKEN_BACK)
        return bool(pending)

    def close(self) -> None:
        """Take back what is pending, and ask nobody any more."""
        self._closed = True
        self.take_back()

    def answer(self, id: str, *, yes: bool) -> bool:
        """False when it is over already.  Yes leaves the conversation that I am in."""
        if all(question.id != id for question in self._core.questions):
            return False
        if yes:
            self._talking.leave_now()
        self._perform(self._core.answer(id, yes, trio.current_time()))
        return True

    # --- What the links do ---

    def linked(self, name: str) -> None:
        self._perform(self._core.linked(name, trio.current_time()))

    def link_lost(self, name: str) -> None:
        self._perform(self._core.link_lost(name, trio.current_time()))

    def unreachable(self, name: str, reason: str) -> None:
        self._perform(self._core.unreachable(name, reason, trio.current_time()))

    def hear(self, name: str, message: Message) -> None:
        self._perform(self._core.receive(name, message, trio.current_time()))

    # --- What the clock does ---

    async def run(self) -> None:
        """Until cancelled."""
        await self._timer.run()

    def _tick(self) -> None:
        self._perform(self._core.tick(trio.current_time()))

    # --- Doing what the core decides ---

    def _perform(self, actions: list[Action]) -> None:
        """In their order; what an action sets off is done before the next one."""
        for action in actions:
            match action:
                case invitation.Send(to, message):
                    self._links.post(to, message)
                case invitation.Dial(to):
                    self._dial(to)
                case invitation.Ask(id, inviter, members):
                    self._put_question(id, inviter, members)
                case invitation.Waiting(callee):
                    self._tell(events.Waiting(callee), events.nothing)
                case invitation.Closed():
                    self._close_question(action)
                case invitation.Open(_, conversation, other):
                    self._talking.begin(conversation, other)
                    self._decided(other, Outcome.CONNECTED)
                case invitation.Ended(_, callee, end, reason):
                    self._decided(callee, _OUTCOMES[end], reason)
        self._timer.look()

    def _dial(self, to: str) -> None:
        if self._links.to(to) is not None:
            self.linked(to)
        else:
            self._links.dial(to)

    def _put_question(self, id: str, inviter: str, members: tuple[str, ...]) -> None:
        now = trio.current_time
        if not self._answers:
            self._perform(self._core.answer(id, False, now()))
            return
        self._tell(
            events.Invited(id, inviter, members, self._talking.others),
            lambda: self._perform(self._core.shown(id, now())),
        )

    def _close_question(self, closed: invitation.Closed) -> None:
        if fold(closed.inviter) in self._asking:
            self._decided(closed.inviter, Outcome.GONE)  # I asked the same, which is how I said yes
        else:
            words = _closing_words(closed.inviter, closed.why)
            self._tell(events.InvitationOver(closed.id, closed.inviter, words), events.nothing)

    def _decided(self, other: str, outcome: Outcome, reason: str = "") -> None:
        if (asking := self._asking.get(fold(other))) is not None:
            asking.result = Result(asking.callee, outcome, reason)
            asking.over.set()


_OUTCOMES = {
    End.DECLINED: Outcome.DECLINED,
    End.NO_ANSWER: Outcome.NO_ANSWER,
    End.TAKEN_BACK: Outcome.TAKEN_BACK,
    End.UNREACHABLE: Outcome.UNREACHABLE,
    End.BUSY: Outcome.BUSY,
    End.INTERRUPTIBLE: Outcome.INTERRUPTIBLE,
    End.JOINED: Outcome.CONNECTED,
    End.GONE: Outcome.GONE,
}


def _closing_words(inviter: str, why: Why) -> str:
    match why:
        case Why.CANCELLED:
            return f"User {inviter} took the invitation back."
        case Why.MISSED:
            return f"You missed an invitation from {inviter}."
        case Why.GONE:
            return f"User {inviter} is gone."
