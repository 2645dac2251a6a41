"""One peer's invitations, in and out: SIP's INVITE between two programs (RFC 3261, 5407).

`InvitationMachine` decides and does nothing itself: every call returns the actions
that a shell performs in their order.  The shell may drop a `Send` for which there is no
link.  Times are seconds of any clock that only goes forward.
"""

from typing import Final, Protocol

from msgspec.structs import replace

from peer.core.invitation.actions import (
    Action,
    Closed,
    Dial,
    End,
    Ended,
    Pending,
    Question,
    Send,
    Waiting,
    Why,
)
from peer.core.invitation.admissions import CONFIRM_SECONDS, Admissions
from peer.core.invitation.credentials import Credentials, Permission
from peer.core.invitation.ledger import (
    LIFE_SECONDS,
    LIVE,
    MINE,
    QUESTION,
    RINGS,
    THEIRS,
    Invitation,
    Ledger,
    State,
)
from peer.core.invitation.questions import RING_SECONDS, RINGING_SECONDS, Questions, Situation
from shared.messages.common import Message
from shared.messages.peers import (
    Accept,
    Busy,
    Cancel,
    Cancelled,
    Charter,
    Confirm,
    Decline,
    Gone,
    Invite,
    Joined,
    Position,
    Ringing,
    Timeout,
)
from shared.names import fold

DIAL_SECONDS: Final = 15.0  # a backstop: dialling ends by itself after 10
SPARE_SECONDS: Final = 5.0  # the inviter waits longer than the callee rings: TIMEOUT tells more


class Ids(Protocol):
    """The source of the ids of invitations."""

    def new_id(self) -> str:
        """Return an id that nobody else has or can guess."""


class InvitationMachine:
    """All invitations of one peer, incoming and outgoing: which message follows which.

    An id belongs to one other user: from anybody else it is an unknown id.
    """

    def __init__(
        self, me: str, ids: Ids, credentials: Credentials, situation: Situation | None = None
    ) -> None:
        self.situation = situation or Situation()
        self._me, self._ids, self._credentials = me, ids, credentials
        self._ledger = Ledger()
        self._questions = Questions(self._ledger, credentials, self.situation)
        self._admissions = Admissions(self._ledger, self._questions, credentials, self.situation)

    # --- What the shell may look at ---

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions that wait for the user's answer, in the order of arrival."""
        return self._questions.waiting

    @property
    def outgoing(self) -> tuple[Pending, ...]:
        return tuple(map(_pending, self._ledger.all(*MINE)))

    @property
    def accepted(self) -> tuple[Pending, ...]:
        """Invitations accepted here that wait for CONFIRM; `take_back` ends these too."""
        return tuple(map(_pending, self._ledger.all(State.ACCEPTED)))

    def is_live_with(self, other: str) -> bool:
        """Whether an invitation between us two is open, even one that is ignored here."""
        return bool(self._ledger.all(*LIVE, other=other))

    def proven(self, id: str) -> list[tuple[str, str]]:
        """Return id and name of the other members whom a question has proved to be in."""
        invitation = self._ledger.get(id)
        return [] if invitation is None else self._credentials.proven(invitation.invite)

    def next_deadline(self) -> float | None:
        """Return when `tick` is due; None for never."""
        return self._ledger.next_deadline()

    # --- What the user here does ---

    def invite(
        self,
        callee: str,
        permission: Permission | None,
        *,
        members: tuple[str, ...],
        urgent: bool,
        now: float,
        room: Charter | None = None,
    ) -> list[Action]:
        """Ask `callee` into a conversation of `members`, this user first.

        With this user alone it becomes a conversation of two, unless it is a `room`.  Then an
        open invitation from `callee` is accepted instead.  Do nothing while another invitation to
        `callee` is out (V4; it would be answered BUSY), nor without a permission for them.
        """
        members = _with_first(self._me, members)
        theirs = self._ledger.all(*QUESTION, State.IGNORED, State.ACCEPTED, other=callee)
        theirs = [one for one in theirs if one.invite.room is None]
        if theirs and len(members) == 1 and room is None:
            # A yes that waits is repeated: their next program says that it knows nothing of it.
            is_said = theirs[-1].state is State.ACCEPTED
            return [Dial(callee)] if is_said else self._accept(theirs[-1], now)
        if permission is None or self._ledger.all(*MINE, other=callee):
            return []
        id, conversation = self._ids.new_id(), permission.conversation
        invite = Invite(id, conversation, members, RING_SECONDS, urgent, room=room)
        mine = self._ledger.begin(invite, callee, State.DIALLING, now)
        mine.permission = permission
        mine.last(DIAL_SECONDS, now)
        return [Dial(callee)]

    def let_in(self, id: str, since: tuple[Position, ...], lamport: int) -> list[Action]:
        """Confirm that the callee is a member now.  `since`: what was said before them."""
        return self._admissions.confirm(id, since, lamport)

    def answer(self, id: str, yes: bool, now: float) -> list[Action]:
        """Take the user's answer to a question; a late answer changes nothing."""
        invitation = self._ledger.get(id)
        if invitation is None or invitation.state not in QUESTION:
            return []
        if not yes:
            return self._questions.say_last_to_all(invitation, Decline, now)
        if invitation.invite.conversation in self.situation.conversations:
            return self._questions.say_last_to_all(invitation, Joined, now)
        return self._accept(invitation, now)

    def shown(self, id: str, now: float) -> list[Action]:
        """Note that the question is on the screen: it rings from now on."""
        return self._questions.shown(id, now)

    def take_back(self, id: str, now: float) -> list[Action]:
        """Stop waiting for an answer, or for the CONFIRM of the user's own yes."""
        invitation = self._ledger.get(id)
        if invitation is not None and invitation.state in MINE:
            return self._cancel(invitation, End.TAKEN_BACK, now)
        if invitation is not None and invitation.state is State.ACCEPTED:
            leave = self._admissions.give_up(invitation, now)
            return [*leave, *self._questions.say_last_to_sharers(invitation, Decline, now)]
        return []

    # --- What happens to the links ---

    def linked(self, other: str, now: float) -> list[Action]:
        """Note that a link to `other` is up, for the first time or again; send what is owed.

        Each side repeats its last message on what is not over, for the link before may
        have lost it, or the reply.
        """
        actions: list[Action] = []
        for invitation in self._ledger.all(*State, other=other):
            match invitation.state:
                case State.DIALLING:
                    invitation.state = State.INVITED
                    invitation.last(RINGING_SECONDS, now)
                    actions.append(self._send(invitation))
                case State.INVITED | State.WAITING:
                    actions.append(self._send(invitation))
                case State.LOST:
                    invitation.state = State.OVER
                    actions.append(Send(invitation.other, Gone(invitation.id)))
                case State.LEFT:
                    actions += self._admissions.leave(invitation)
                case state if state in THEIRS and invitation.word is not None:
                    actions.append(Send(invitation.other, invitation.word))
        return actions

    def _send(self, mine: Invitation) -> Send:
        assert mine.permission is not None
        return Send(mine.other, self._credentials.invite(mine.invite, mine.permission))

    def unreachable(self, other: str, reason: str, now: float) -> list[Action]:
        """Note that dialling failed.  An ACCEPT still waits, for the inviter may dial us."""
        dialled = self._ledger.all(State.DIALLING, State.INVITED, other=other)
        return [action for i in dialled for action in self._end(i, End.UNREACHABLE, now, reason)]

    def link_lost(self, other: str, now: float) -> list[Action]:
        """Note that the last link to `other` broke."""
        actions: list[Action] = []
        for invitation in self._ledger.all(*LIVE - {State.DIALLING}, other=other):
            if invitation.state is State.INVITED:
                # No reply yet: the link may have been closed, as idle, while the INVITE
                # was on its way.  We repeat it on a new link.
                invitation.last(DIAL_SECONDS, now)
                actions.append(Dial(invitation.other))
            elif invitation.state in MINE:
                actions += self._end(invitation, End.GONE, now, state=State.LOST)
            elif invitation.state is State.ACCEPTED:
                invitation.last(CONFIRM_SECONDS, now)
                actions.append(Dial(invitation.other))
            else:
                actions += self._questions.close(invitation, Why.GONE, now)
        return actions

    # --- What the other side sends ---

    def receive(self, sender: str, message: Message, now: float) -> list[Action]:
        """Take any message; ignore those that concern no invitation.  Raises ProtocolError.

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
                invitation = self._ledger.between(sender, id)
                if invitation is not None:
                    return self._heard(invitation, message, now)
                if isinstance(message, Ringing | Accept | Cancel):
                    return [Send(sender, Gone(id))]  # so that no question stays open there
        return []

    def _heard(self, invitation: Invitation, message: Message, now: float) -> list[Action]:
        if invitation.state in MINE:
            return self._heard_from_callee(invitation, message, now)
        if invitation.state in THEIRS:
            return self._heard_from_inviter(invitation, message, now)
        return self._heard_late(invitation, message)

    def _heard_from_callee(self, mine: Invitation, message: Message, now: float) -> list[Action]:
        match mine.state, message:
            case State.INVITED, Ringing():
                # A peer that asks its user has no invitation out to us.
                self._drop_crossed(mine.other, now)
                mine.state = State.WAITING
                mine.last(RING_SECONDS + SPARE_SECONDS, now)
                return [Waiting(mine.other, mine.id)]
            case State.INVITED | State.WAITING, Accept():
                assert mine.permission is not None
                let_in = self._credentials.let_in(mine.id, mine.other, mine.permission, message)
                if let_in is None:
                    gone = Send(mine.other, Gone(mine.id))
                    return [gone, *self._end(mine, End.TAKEN_BACK, now)]
                self._drop_crossed(mine.other, now)
                taken_back = self._take_back_others(mine, now)
                return [*taken_back, let_in, self._admissions.open(mine, now)]
            case State.INVITED | State.WAITING, Decline():
                return self._end(mine, End.DECLINED, now)
            case State.INVITED | State.WAITING, Busy(interruptible=interruptible):
                end = End.INTERRUPTIBLE if interruptible else End.BUSY
                return self._end(mine, end, now)
            case State.INVITED | State.WAITING, Timeout():
                return self._end(mine, End.NO_ANSWER, now)
            case State.INVITED | State.WAITING, Joined():
                return self._end(mine, End.JOINED, now)
            case State.INVITED | State.WAITING, Gone():
                return self._end(mine, End.GONE, now)
        return []  # repeated, or not for a callee to say: nothing changes (V5)

    def _heard_from_inviter(self, theirs: Invitation, message: Message, now: float) -> list[Action]:
        match theirs.state, message:
            case State.ACCEPTED, Confirm():
                return self._admissions.enter(theirs, message, now)
            case _, Cancel():
                # Also after our ACCEPT: nothing has begun before the CONFIRM.
                word = Cancelled(theirs.id)
                closed = self._questions.close(theirs, Why.CANCELLED, now, word)
                return [Send(theirs.other, word), *closed]
            case _, Gone():
                return self._questions.close(theirs, Why.GONE, now)
        return []  # repeated, or not for an inviter to say: nothing changes (V5)

    def _heard_late(self, over: Invitation, message: Message) -> list[Action]:
        to, id = over.other, over.id
        match over.state, message:
            case State.OPENED, Accept():
                return self._admissions.confirm_again(over)
            case State.TAKEN_BACK, Accept() if over.founds:
                # It crossed our CANCEL: the callee believes that a conversation began.
                over.state = State.LEFT
                return [Send(to, Confirm(id)), *self._admissions.leave(over)]
            case State.TAKEN_BACK, Ringing():
                return [Send(to, Cancel(id))]  # the first CANCEL was lost, or is under way
            case State.TAKEN_BACK | State.LOST | State.LEFT | State.OVER, Ringing() | Accept():
                return [Send(to, Gone(id))]
            case State.LEFT, Confirm():
                return self._admissions.leave(over)
            case _, Cancel():
                return [Send(to, Cancelled(id))]
        return []  # nothing changes (V5)

    def _invited(self, sender: str, invite: Invite, now: float) -> list[Action]:
        self._credentials.check_invite(invite)
        known = self._ledger.get(invite.id)
        if known is not None and not known.is_with(sender):
            return [Send(sender, Gone(invite.id))]
        if known is not None:
            return [] if known.word is None else [Send(sender, known.word)]
        theirs = self._ledger.begin(_tidy(sender, self._me, invite), sender, State.ASKED, now)
        if invite.conversation in self.situation.conversations:
            return self._questions.say_last(theirs, Joined(invite.id), now)
        for mine in self._ledger.all(*MINE, other=sender):
            if mine.founds and theirs.founds:
                return self._glare(mine, theirs, now)
        return self._questions.ask(theirs, now)

    def _glare(self, mine: Invitation, theirs: Invitation, now: float) -> list[Action]:
        """Take crossed invitations as consent: keep the smaller id, end the other silently."""
        self._drop_crossed(theirs.other, now)
        if mine.state is State.DIALLING or theirs.id < mine.id:
            self._ledger.finish(mine, State.OVER, now)
            return self._accept(theirs, now)
        theirs.state = State.CROSSED
        theirs.last(LIFE_SECONDS, now)  # in fact not longer than mine
        return []  # the ACCEPT of mine is under way

    def _drop_crossed(self, other: str, now: float) -> list[Invitation]:
        """End theirs that crossed mine, because mine is decided now; return those."""
        crossed = self._ledger.all(State.CROSSED, other=other)
        for theirs in crossed:
            self._ledger.finish(theirs, State.OVER, now)
        return crossed

    # --- Time ---

    def tick(self, now: float) -> list[Action]:
        """Do what is due at `now`."""
        actions: list[Action] = []
        for invitation in self._ledger.all(*State):
            if invitation.deadline <= now:
                actions += self._expire(invitation, now)
        return actions

    def _expire(self, invitation: Invitation, now: float) -> list[Action]:
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
                leave = self._admissions.give_up(invitation, now)
                closed = Closed(invitation.id, callee, Why.GONE, invitation.room)
                return [*leave, closed, *self._questions.ask_next_sharer(invitation, now)]
            case state if state in RINGS:
                word = Timeout(invitation.id)
                closing = self._questions.close(invitation, Why.MISSED, now, word)
                return [Send(invitation.other, word), *closing]
        self._ledger.forget(invitation.id)  # over, and remembered long enough
        return []

    # --- The steps that are shared ---

    def _accept(self, theirs: Invitation, now: float) -> list[Action]:
        taken_back = self._take_back_others(theirs, now)
        return [*taken_back, self._admissions.accept(theirs, now)]

    def _take_back_others(self, kept: Invitation, now: float) -> list[Action]:
        """Cancel our other invitations to a talk of two: nobody founds two at once."""
        if kept.invite.room is not None:
            return []  # who comes into a room, or whom I bring there, ends no talk
        others = [i for i in self._ledger.all(*MINE) if i.founds and i is not kept]
        return [action for i in others for action in self._cancel(i, End.TAKEN_BACK, now)]

    def _cancel(self, mine: Invitation, end: End, now: float, reason: str = "") -> list[Action]:
        sent = mine.state is not State.DIALLING
        state = State.TAKEN_BACK if end is End.TAKEN_BACK else State.OVER
        ended = self._end(mine, end, now, reason, state)
        return [Send(mine.other, Cancel(mine.id)), *ended] if sent else ended

    def _end(
        self, mine: Invitation, end: End, now: float, reason: str = "", state: State = State.OVER
    ) -> list[Action]:
        """End mine without a conversation, unless theirs crossed it and may still lead to one."""
        self._ledger.finish(mine, state, now)
        crossed = self._drop_crossed(mine.other, now)
        if crossed and state is State.OVER:
            return self._accept(crossed[0], now)  # the refusal meant that invitation, not the user
        ended = Ended(mine.id, mine.other, end, reason, mine.room)
        if crossed and state is State.TAKEN_BACK:
            return [ended, *self._questions.say_last(crossed[0], Decline(crossed[0].id), now)]
        return [ended]


def _pending(one: Invitation) -> Pending:
    invite = one.invite
    return Pending(one.id, one.other, invite.conversation, is_room=invite.room is not None)


def _with_first(first: str, members: tuple[str, ...]) -> tuple[str, ...]:
    others = {fold(name): name for name in members if fold(name) != fold(first)}
    return (first, *others.values())


def _tidy(inviter: str, me: str, invite: Invite) -> Invite:
    """Return it as honest programs send it: the inviter first, each member once, without me."""
    members = tuple(name for name in invite.members if fold(name) != fold(me))
    members = _with_first(inviter, members)
    return replace(invite, members=members)
