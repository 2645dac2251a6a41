"""One peer's invitations, in and out: SIP's INVITE between two programs (RFC 3261, 5407).

`InvitationMachine` decides and does nothing itself: every call returns the actions
that a shell performs in their order.  The shell may drop a `Send` for which there is no
link.  Times are seconds of any clock that only goes forward.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from msgspec import Struct

from shared.messages.common import Message
from shared.messages.peers import (
    Accept,
    Busy,
    Cancel,
    Cancelled,
    Confirm,
    Decline,
    Gone,
    Invite,
    Joined,
    Leave,
    Ringing,
    Timeout,
)
from shared.names import fold

DIAL_SECONDS = 15.0  # a backstop: dialling ends by itself after 10
RINGING_SECONDS = 10.0  # to put a question on a screen; after that nobody was reached
RING_SECONDS = 60.0  # to walk to the keyboard
SPARE_SECONDS = 5.0  # the inviter waits longer than the callee rings: the TIMEOUT tells more
CONFIRM_SECONDS = 10.0  # from ACCEPT, or from the link that broke after it, to CONFIRM
LIFE_SECONDS = 80.0  # no invitation lives longer on either side, whatever is lost (V2)
REMEMBER_SECONDS = 300.0  # late and repeated messages find their invitation for this long
REMEMBER_EACH = 16  # finished ids per user: a flood pushes out only its own sender's
REMEMBER_ALL = 500  # finished ids in all, 2 MB at worst: a crowd cannot fill the memory
OPEN_QUESTIONS = 3  # more on one screen are a nuisance, and nobody can answer them in time
STRANGERS_A_MINUTE = 6  # questions of users I have never answered; others do not wait


class State(Enum):
    """The state of one invitation, seen from here."""

    DIALLING = auto()  #: mine: looking for a way to the callee, nothing sent yet
    INVITED = auto()  #: mine: the INVITE is out (and again on each new link), no reply yet
    WAITING = auto()  #: mine: the question is on the callee's screen
    ASKED = auto()  #: theirs: given to the screen, not shown yet
    RINGING = auto()  #: theirs: the question is on the screen
    SHARED = auto()  #: theirs: another member's question, into the same conversation, covers it
    IGNORED = auto()  #: theirs: it seems to ring to the inviter, but nothing is shown here
    CROSSED = auto()  #: theirs: ours, with the smaller id, is out and should be accepted instead
    ACCEPTED = auto()  #: theirs: our ACCEPT is out; the conversation begins with the CONFIRM
    OPENED = auto()  #: over: the conversation began
    TAKEN_BACK = auto()  #: over: mine, our CANCEL may have crossed an ACCEPT
    LOST = auto()  #: over: mine, the link broke; the callee is told GONE on the next one
    LEFT = auto()  #: over: the other side may believe it began, and is told LEAVE
    OVER = auto()  #: over in any other way


_MINE = frozenset({State.DIALLING, State.INVITED, State.WAITING})
_QUESTION = frozenset({State.ASKED, State.RINGING})
_RINGS = frozenset({*_QUESTION, State.SHARED, State.IGNORED})
_THEIRS = frozenset({*_RINGS, State.CROSSED, State.ACCEPTED})
_LIVE = _MINE | _THEIRS
_FINISHED = frozenset(State) - _LIVE


class Why(Enum):
    """Why an incoming invitation is over without the user's answer."""

    CANCELLED = auto()  #: the inviter took it back
    MISSED = auto()  #: nobody answered for RING_SECONDS
    GONE = auto()  #: the inviter is gone, or has not confirmed our ACCEPT


class End(Enum):
    """How an outgoing invitation ended without a conversation."""

    DECLINED = auto()  #: the callee said no
    NO_ANSWER = auto()  #: the question was shown, and nobody answered
    TAKEN_BACK = auto()  #: by our user, by command or by entering another conversation
    UNREACHABLE = auto()  #: `reason` tells why
    BUSY = auto()  #: the callee is busy and cannot be interrupted
    INTERRUPTIBLE = auto()  #: the callee is busy; an urgent invitation would be shown
    JOINED = auto()  #: the callee is a member of that conversation already
    GONE = auto()  #: the link broke, or the callee knows nothing of it


class Dial(Struct, frozen=True):
    """Make sure that there is a link; then call `linked` or `unreachable`."""

    to: str


class Send(Struct, frozen=True):
    to: str
    message: Message


class Ask(Struct, frozen=True):
    """Put the question on the screen, then call `shown`."""

    id: str
    inviter: str
    members: tuple[str, ...]  # the inviter first


class Waiting(Struct, frozen=True):
    """The question is on the callee's screen; reported once."""

    callee: str
    id: str


class Closed(Struct, frozen=True):
    """An incoming invitation is over without the user, or the user's yes led to nothing.

    After crossed invitations, no question with this id may ever have been shown.
    """

    id: str
    inviter: str
    why: Why


class Open(Struct, frozen=True):
    """The conversation begins.  `members`: those in it at the INVITE, the inviter first."""

    id: str
    conversation: str
    other: str
    members: tuple[str, ...]


class Ended(Struct, frozen=True):
    """An outgoing invitation is over without a conversation."""

    id: str
    callee: str
    end: End
    reason: str = ""  # a sentence fragment, only with UNREACHABLE


Action = Dial | Send | Ask | Waiting | Closed | Open | Ended


class Question(Struct, frozen=True):
    """An incoming invitation that waits for the user's answer."""

    id: str
    inviter: str
    members: tuple[str, ...]
    conversation: str


class Pending(Struct, frozen=True):
    """An outgoing invitation that waits for the callee, or an accepted one for its CONFIRM."""

    id: str
    other: str
    conversation: str


class _Invitation(Struct):
    invite: Invite
    other: str
    state: State
    begun: float
    deadline: float = 0.0
    word: Message | None = None  # our last reply: sent again to a repeated INVITE

    @property
    def id(self) -> str:
        return self.invite.id

    @property
    def alone(self) -> bool:
        """Whether it founds a conversation of two; else it adds the callee to one."""
        return len(self.invite.members) == 1

    def is_with(self, other: str) -> bool:
        return fold(self.other) == fold(other)

    def last(self, seconds: float, now: float) -> None:
        self.deadline = min(now + seconds, self.begun + LIFE_SECONDS)


class InvitationMachine:
    """All invitations of one peer, incoming and outgoing.

    The shell keeps `busy` (BUSY by hand or in a conversation), `ignored` and `answered`
    (folded names; `answered`: users whom I have answered before) and `conversations` (ids;
    `Open` has added its own already, the shell removes those that are left).  An id belongs
    to one other user: from anybody else it is an unknown id.  What one user can make this
    object remember is bounded: one live invitation, one more for each of ours that it
    crossed, and REMEMBER_EACH finished ones.
    """

    def __init__(self, me: str, new_id: Callable[[], str]) -> None:
        self.busy = False
        self.ignored: set[str] = set()
        self.answered: set[str] = set()
        self.conversations: set[str] = set()
        self._me = me
        self._new_id = new_id
        self._known: dict[str, _Invitation] = {}
        self._strangers_asked: deque[float] = deque(maxlen=STRANGERS_A_MINUTE)  # when

    # --- What the shell may look at ---

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions that wait for the user's answer, in the order of arrival."""
        return tuple(
            Question(i.id, i.other, i.invite.members, i.invite.conversation)
            for i in self._all(*_QUESTION)
        )

    @property
    def outgoing(self) -> tuple[Pending, ...]:
        return tuple(Pending(i.id, i.other, i.invite.conversation) for i in self._all(*_MINE))

    @property
    def accepted(self) -> tuple[Pending, ...]:
        """Invitations accepted here that wait for CONFIRM; `take_back` ends these too."""
        accepted = self._all(State.ACCEPTED)
        return tuple(Pending(i.id, i.other, i.invite.conversation) for i in accepted)

    def is_live_with(self, other: str) -> bool:
        """Whether an invitation between us two is open, even one that is ignored here."""
        return bool(self._all(*_LIVE, other=other))

    def knows(self, other: str, id: str) -> bool:
        """Whether there is, or was a moment ago, an invitation with this id between us two."""
        known = self._known.get(id)
        return known is not None and known.is_with(other)

    def next_deadline(self) -> float | None:
        """Return when `tick` is due; None for never."""
        return min((i.deadline for i in self._known.values()), default=None)

    # --- What the user here does ---

    def invite(
        self,
        callee: str,
        *,
        conversation: str,
        members: tuple[str, ...],
        urgent: bool,
        now: float,
    ) -> list[Action]:
        """Ask `callee` into a conversation of `members`, this user first.

        With this user alone it becomes a conversation of two.  Then an open invitation
        from `callee` is accepted instead.  Do nothing while another invitation to
        `callee` is out (V4; it would be answered BUSY).
        """
        members = _with_first(self._me, members)
        theirs = self._all(*_QUESTION, State.IGNORED, State.ACCEPTED, other=callee)
        if theirs and len(members) == 1:
            return [] if theirs[0].state is State.ACCEPTED else self._accept(theirs[0], now)
        if self._all(*_MINE, other=callee):
            return []
        invite = Invite(self._new_id(), conversation, members, RING_SECONDS, urgent)
        self._begin(invite, callee, State.DIALLING, now).last(DIAL_SECONDS, now)
        return [Dial(callee)]

    def answer(self, id: str, yes: bool, now: float) -> list[Action]:
        """Take the user's answer to a question; a late answer changes nothing."""
        invitation = self._known.get(id)
        if invitation is None or invitation.state not in _QUESTION:
            return []
        if yes:
            return self._accept(invitation, now)
        return [
            *self._say_last(invitation, Decline(id), now),
            *self._say_last_to_sharers(invitation, Decline, now),
        ]

    def shown(self, id: str, now: float) -> list[Action]:
        """Note that the question is on the screen: it rings from now on."""
        invitation = self._known.get(id)
        if invitation is None or invitation.state is not State.ASKED:
            return []
        invitation.state = State.RINGING
        return self._ring(invitation, now)

    def take_back(self, id: str, now: float) -> list[Action]:
        """Stop waiting for an answer, or for the CONFIRM of the user's own yes."""
        invitation = self._known.get(id)
        if invitation is not None and invitation.state in _MINE:
            return self._cancel(invitation, End.TAKEN_BACK, now)
        if invitation is not None and invitation.state is State.ACCEPTED:
            leave = self._give_up(invitation, now)
            return [*leave, *self._say_last_to_sharers(invitation, Decline, now)]
        return []

    # --- What happens to the links ---

    def linked(self, other: str, now: float) -> list[Action]:
        """Note that a link to `other` is up, for the first time or again; send what is owed.

        Each side repeats its last message on what is not over, for the link before may
        have lost it, or the reply.
        """
        actions: list[Action] = []
        for invitation in self._all(*State, other=other):
            match invitation.state:
                case State.DIALLING:
                    invitation.state = State.INVITED
                    invitation.last(RINGING_SECONDS, now)
                    actions.append(Send(invitation.other, invitation.invite))
                case State.INVITED | State.WAITING:
                    actions.append(Send(invitation.other, invitation.invite))
                case State.LOST:
                    invitation.state = State.OVER
                    actions.append(Send(invitation.other, Gone(invitation.id)))
                case State.LEFT:
                    actions += self._leave(invitation)
                case state if state in _THEIRS and invitation.word is not None:
                    actions.append(Send(invitation.other, invitation.word))
        return actions

    def unreachable(self, other: str, reason: str, now: float) -> list[Action]:
        """Note that dialling failed.  An ACCEPT still waits, for the inviter may dial us."""
        dialled = self._all(State.DIALLING, State.INVITED, other=other)
        return [action for i in dialled for action in self._end(i, End.UNREACHABLE, now, reason)]

    def link_lost(self, other: str, now: float) -> list[Action]:
        """Note that the last link to `other` broke."""
        actions: list[Action] = []
        for invitation in self._all(*_LIVE - {State.DIALLING}, other=other):
            if invitation.state is State.INVITED:
                # No reply yet: the link may have been closed, as idle, while the INVITE
                # was on its way.  We repeat it on a new link.
                invitation.last(DIAL_SECONDS, now)
                actions.append(Dial(invitation.other))
            elif invitation.state in _MINE:
                actions += self._end(invitation, End.GONE, now, state=State.LOST)
            elif invitation.state is State.ACCEPTED:
                invitation.last(CONFIRM_SECONDS, now)
                actions.append(Dial(invitation.other))
            else:
                actions += self._close(invitation, Why.GONE, now)
        return actions

    # --- What the other side sends ---

    def receive(self, sender: str, message: Message, now: float) -> list[Action]:
        """Take any message; ignore those that concern no invitation.

        Replies to unknown and finished ids are chosen so that two programs never reply to
        each other for ever: GONE, CANCELLED and CONFIRM get none.
        """
        match message:
            case Invite():
                return self._invited(sender, message, now)
            case (
                Ringing(id) | Accept(id) | Confirm(id) | Decline(id) | Busy(id) | Cancel(id)
                | Timeout(id) | Gone(id) | Joined(id)
            ):  # fmt: skip
                invitation = self._known.get(id)
                if invitation is not None and invitation.is_with(sender):
                    return self._heard(invitation, message, now)
                if isinstance(message, Ringing | Accept | Cancel):
                    return [Send(sender, Gone(id))]  # so that no question stays open there
        return []

    def _heard(self, invitation: _Invitation, message: Message, now: float) -> list[Action]:
        state, to, id = invitation.state, invitation.other, invitation.id
        match state, message:
            case State.INVITED, Ringing():
                self._drop_crossed(to, now)  # a peer that asks its user has no invitation out to us
                invitation.state = State.WAITING
                invitation.last(RING_SECONDS + SPARE_SECONDS, now)
                return [Waiting(to, id)]
            case State.INVITED | State.WAITING, Accept():
                self._drop_crossed(to, now)
                taken_back = self._take_back_others(invitation, now)
                return [*taken_back, Send(to, Confirm(id)), self._open(invitation, now)]
            case State.INVITED | State.WAITING, Decline():
                return self._end(invitation, End.DECLINED, now)
            case State.INVITED | State.WAITING, Busy(interruptible=interruptible):
                end = End.INTERRUPTIBLE if interruptible else End.BUSY
                return self._end(invitation, end, now)
            case State.INVITED | State.WAITING, Timeout():
                return self._end(invitation, End.NO_ANSWER, now)
            case State.INVITED | State.WAITING, Joined():
                return self._end(invitation, End.JOINED, now)
            case State.INVITED | State.WAITING, Gone():
                return self._end(invitation, End.GONE, now)

            case State.ACCEPTED, Confirm():
                joined = self._say_last_to_sharers(invitation, Joined, now)
                return [self._open(invitation, now), *joined]
            case _, Cancel() if state in _THEIRS:
                # Also after our ACCEPT: nothing has begun before the CONFIRM.
                closed = self._close(invitation, Why.CANCELLED, now, Cancelled(id))
                return [Send(to, Cancelled(id)), *closed]
            case _, Gone() if state in _THEIRS:
                return self._close(invitation, Why.GONE, now)

            case State.OPENED, Accept():
                return [Send(to, Confirm(id)), *self._leave(invitation)]  # CONFIRM was lost
            case State.TAKEN_BACK, Accept() if invitation.alone:
                # It crossed our CANCEL: the callee believes that a conversation began.
                invitation.state = State.LEFT
                return [Send(to, Confirm(id)), *self._leave(invitation)]
            case State.TAKEN_BACK, Ringing():
                return [Send(to, Cancel(id))]  # the first CANCEL was lost, or is under way
            case State.TAKEN_BACK | State.LOST | State.LEFT | State.OVER, Ringing() | Accept():
                return [Send(to, Gone(id))]
            case State.LEFT, Confirm():
                return self._leave(invitation)
            case _, Cancel() if state not in _LIVE:
                return [Send(to, Cancelled(id))]
        return []  # late or repeated: nothing changes (V5)

    def _invited(self, sender: str, invite: Invite, now: float) -> list[Action]:
        known = self._known.get(invite.id)
        if known is not None and not known.is_with(sender):
            return [Send(sender, Gone(invite.id))]
        if known is not None:
            return [] if known.word is None else [Send(sender, known.word)]
        theirs = self._begin(_tidy(sender, self._me, invite), sender, State.ASKED, now)
        if invite.conversation in self.conversations:
            return self._say_last(theirs, Joined(invite.id), now)
        for mine in self._all(*_MINE, other=sender):
            if mine.alone and theirs.alone:
                return self._glare(mine, theirs, now)
        if refusal := self._too_busy(theirs, now):
            return self._say_last(theirs, refusal, now)
        return self._ask(theirs, now)

    def _glare(self, mine: _Invitation, theirs: _Invitation, now: float) -> list[Action]:
        """Take crossed invitations as consent: keep the smaller id, end the other silently."""
        self._drop_crossed(theirs.other, now)
        if mine.state is State.DIALLING or theirs.id < mine.id:
            self._finish(mine, State.OVER, now)
            return self._accept(theirs, now)
        theirs.state = State.CROSSED
        theirs.last(LIFE_SECONDS, now)  # in fact not longer than mine
        return []  # the ACCEPT of mine is under way

    def _drop_crossed(self, other: str, now: float) -> list[_Invitation]:
        """End theirs that crossed mine, because mine is decided now; return those."""
        crossed = self._all(State.CROSSED, other=other)
        for theirs in crossed:
            self._finish(theirs, State.OVER, now)
        return crossed

    def _too_busy(self, theirs: _Invitation, now: float) -> Busy | None:
        """Return BUSY if so; ignored users get it too, or they would notice the difference."""
        is_known = self._is_known(theirs)
        alike = [i for i in self._all(*_QUESTION, State.SHARED) if self._is_known(i) is is_known]
        asked = [time for time in self._strangers_asked if time > now - 60.0]
        too_many = len(alike) - 1 >= OPEN_QUESTIONS  # without this one
        too_fast = not is_known and len(asked) >= STRANGERS_A_MINUTE
        if len(self._all(*_THEIRS, other=theirs.other)) > 1 or too_many or too_fast:
            return Busy(theirs.id, interruptible=False)
        if self.busy and not theirs.invite.urgent:
            return Busy(theirs.id, interruptible=True)
        return None

    def _is_known(self, theirs: _Invitation) -> bool:
        return fold(theirs.other) in self.answered

    def _ask(self, theirs: _Invitation, now: float) -> list[Action]:
        others = [i for i in self._all(*_QUESTION, State.ACCEPTED) if i is not theirs]
        same = theirs.invite.conversation
        if fold(theirs.other) in self.ignored:
            theirs.state = State.IGNORED
        elif any(i.invite.conversation == same for i in others):
            theirs.state = State.SHARED
        else:
            theirs.state = State.ASKED
            theirs.last(RINGING_SECONDS, now)
            if not self._is_known(theirs):
                self._strangers_asked.append(now)
            return [Ask(theirs.id, theirs.other, theirs.invite.members)]
        return self._ring(theirs, now)

    def _ring(self, theirs: _Invitation, now: float) -> list[Action]:
        theirs.word = Ringing(theirs.id)
        theirs.last(min(theirs.invite.expires_in, RING_SECONDS), now)
        return [Send(theirs.other, theirs.word)]

    # --- Time ---

    def tick(self, now: float) -> list[Action]:
        """Do what is due at `now`."""
        actions: list[Action] = []
        for invitation in list(self._known.values()):
            if invitation.deadline <= now:
                actions += self._expire(invitation, now)
        return actions

    def _expire(self, invitation: _Invitation, now: float) -> list[Action]:
        callee = invitation.other
        match invitation.state:
            case State.DIALLING:
                reason = f"no link to {callee} could be made in time"
                return self._cancel(invitation, End.UNREACHABLE, now, reason)
            case State.INVITED:
                reason = f"{callee}'s program does not answer"
                return self._cancel(invitation, End.UNREACHABLE, now, reason)
            case State.WAITING:
                return self._cancel(invitation, End.NO_ANSWER, now)
            case State.ACCEPTED:
                leave = self._give_up(invitation, now)
                closed = Closed(invitation.id, invitation.other, Why.GONE)
                return [*leave, closed, *self._ask_next_sharer(invitation, now)]
            case state if state in _RINGS:
                word = Timeout(invitation.id)
                closing = self._close(invitation, Why.MISSED, now, word)
                return [Send(invitation.other, word), *closing]
        self._known.pop(invitation.id, None)  # over, and remembered long enough
        return []

    # --- The steps that are shared ---

    def _all(self, *states: State, other: str | None = None) -> list[_Invitation]:
        """Return those in one of these states, in the order of arrival, or of their end."""
        known = self._known.values()
        return [i for i in known if i.state in states and (other is None or i.is_with(other))]

    def _begin(self, invite: Invite, other: str, state: State, now: float) -> _Invitation:
        begun = self._known[invite.id] = _Invitation(invite, other, state, now)
        return begun

    def _accept(self, theirs: _Invitation, now: float) -> list[Action]:
        taken_back = self._take_back_others(theirs, now)
        theirs.state, theirs.word = State.ACCEPTED, Accept(theirs.id)
        theirs.last(CONFIRM_SECONDS, now)
        return [*taken_back, Send(theirs.other, theirs.word)]

    def _take_back_others(self, kept: _Invitation, now: float) -> list[Action]:
        """Cancel our other invitations to a talk of two: nobody founds two at once."""
        others = [i for i in self._all(*_MINE) if i.alone and i is not kept]
        return [action for i in others for action in self._cancel(i, End.TAKEN_BACK, now)]

    def _cancel(self, mine: _Invitation, end: End, now: float, reason: str = "") -> list[Action]:
        sent = mine.state is not State.DIALLING
        state = State.TAKEN_BACK if end is End.TAKEN_BACK else State.OVER
        ended = self._end(mine, end, now, reason, state)
        return [Send(mine.other, Cancel(mine.id)), *ended] if sent else ended

    def _end(
        self, mine: _Invitation, end: End, now: float, reason: str = "", state: State = State.OVER
    ) -> list[Action]:
        """End mine without a conversation, unless theirs crossed it and may still lead to one."""
        self._finish(mine, state, now)
        crossed = self._drop_crossed(mine.other, now)
        if crossed and state is State.OVER:
            return self._accept(crossed[0], now)  # the refusal meant that invitation, not the user
        ended = Ended(mine.id, mine.other, end, reason)
        if crossed and state is State.TAKEN_BACK:
            return [ended, *self._say_last(crossed[0], Decline(crossed[0].id), now)]
        return [ended]

    def _open(self, invitation: _Invitation, now: float) -> Open:
        invite = invitation.invite
        self._finish(invitation, State.OPENED, now, invitation.word)
        self.conversations.add(invite.conversation)
        return Open(invite.id, invite.conversation, invitation.other, invite.members)

    def _close(
        self, theirs: _Invitation, why: Why, now: float, word: Message | None = None
    ) -> list[Action]:
        """End theirs without the user; another member's question may take its place."""
        seen = theirs.state in _QUESTION or theirs.state is State.ACCEPTED
        self._finish(theirs, State.OVER, now, word or Gone(theirs.id))
        if not seen:
            return []
        closed = Closed(theirs.id, theirs.other, why)
        if why is Why.MISSED:
            return [closed, *self._say_last_to_sharers(theirs, Timeout, now)]
        return [closed, *self._ask_next_sharer(theirs, now)]

    def _give_up(self, accepted: _Invitation, now: float) -> list[Action]:
        """End without CONFIRM: if the inviter has opened the conversation, it must end there."""
        self._finish(accepted, State.LEFT, now, Gone(accepted.id))
        return self._leave(accepted)

    def _leave(self, invitation: _Invitation) -> list[Action]:
        """Send LEAVE, unless this user is in that conversation, or entering it, by other means."""
        conversation = invitation.invite.conversation
        entering = [i.invite.conversation for i in self._all(State.ACCEPTED)]
        if conversation in self.conversations or conversation in entering:
            return []
        return [Send(invitation.other, Leave(conversation))]

    def _sharers(self, question: _Invitation) -> list[_Invitation]:
        same = question.invite.conversation
        return [i for i in self._all(State.SHARED) if i.invite.conversation == same]

    def _ask_next_sharer(self, question: _Invitation, now: float) -> list[Action]:
        sharers = self._sharers(question)
        return self._ask(sharers[0], now) if sharers else []

    def _say_last_to_sharers(
        self, question: _Invitation, word: Callable[[str], Message], now: float
    ) -> list[Action]:
        sharers = self._sharers(question)
        return [action for i in sharers for action in self._say_last(i, word(i.id), now)]

    def _say_last(self, theirs: _Invitation, word: Message, now: float) -> list[Action]:
        self._finish(theirs, State.OVER, now, word)
        return [Send(theirs.other, word)]

    def _finish(
        self, invitation: _Invitation, state: State, now: float, word: Message | None = None
    ) -> None:
        """End an invitation and remember it as the latest; forget the oldest beyond the bounds."""
        invitation.state, invitation.word = state, word
        invitation.deadline = now + REMEMBER_SECONDS
        self._known[invitation.id] = self._known.pop(invitation.id)
        over = self._all(*_FINISHED)
        his = [i for i in over if i.is_with(invitation.other)]
        for oldest in his[:-REMEMBER_EACH] or over[:-REMEMBER_ALL]:
            del self._known[oldest.id]


def _with_first(first: str, members: tuple[str, ...]) -> tuple[str, ...]:
    others = {fold(name): name for name in members if fold(name) != fold(first)}
    return (first, *others.values())


def _tidy(inviter: str, me: str, invite: Invite) -> Invite:
    """Return it as honest programs send it: the inviter first, each member once, without me."""
    members = tuple(name for name in invite.members if fold(name) != fold(me))
    members = _with_first(inviter, members)
    return Invite(invite.id, invite.conversation, members, invite.expires_in, invite.urgent)
