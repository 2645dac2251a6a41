"""Ask others into a conversation, and put their invitations to the user.

The shell of `peer.core.invitation.machine`.
"""

import contextlib
from enum import Enum, auto
from typing import Final, TypeVar

import msgspec
import trio
from msgspec import Struct

from peer import events
from peer.core import membership
from peer.core.conversation.conversation import Conversation
from peer.core.invitation.actions import (
    Action,
    Ask,
    Closed,
    Dial,
    End,
    Ended,
    Open,
    Question,
    Send,
    Waiting,
    Why,
)
from peer.core.invitation.machine import InvitationMachine
from peer.core.membership import Roll, member_id
from peer.core.myself import Myself
from peer.core.reach.contacts import Callee
from peer.events import Tell
from peer.runtime.conversation.conversations import Conversations
from peer.runtime.finder import Finder
from peer.runtime.known_keys import KnownKeys
from peer.runtime.linked_names import LinkedNames
from peer.runtime.links import Links
from peer.runtime.name_judge import NameJudge
from peer.runtime.tasks import Tasks
from peer.runtime.timer import Timer
from peer.storage.known_users import KnownUsers
from shared.codec import encode
from shared.errors import ProtocolError, Refused
from shared.messages.common import Message
from shared.messages.peers import (
    MEMBERS,
    SALT_BYTES,
    STAYS,
    Accept,
    Adding,
    Busy,
    Confirm,
    Entry,
    Invite,
    Leave,
    Members,
    Membership,
)
from shared.names import fold
from shared.world import World

LINE_ROOM: Final = 62 * 1024  # a little less than one line may hold
REMEMBERED: Final = 200  # invitations of mine about which we keep more than the core

M = TypeVar("M", Invite, Accept, Confirm)
K = TypeVar("K")
V = TypeVar("V")


class Outcome(Enum):
    """The outcome of an invitation."""

    CONNECTED = auto()  #: the conversation has begun
    OFFLINE = auto()  #: the callee is not registered at this moment
    INTERRUPTIBLE = auto()  #: busy; ask again with `urgent`
    BUSY = auto()  #: busy, and not to be asked now
    DECLINED = auto()  #: the callee said no
    NO_ANSWER = auto()  #: the callee did not answer
    TAKEN_BACK = auto()  #: by `take_back`
    UNREACHABLE = auto()  #: no link; `reason` says why
    GONE = auto()  #: the callee went away while asked


class Result(Struct, frozen=True):
    """A decided invitation.  `name`: of the callee, as registered.

    `reason`: a fragment, when UNREACHABLE.
    """

    name: str
    outcome: Outcome
    reason: str = ""


class _Asking:
    """An invitation of mine that is not decided yet."""

    def __init__(self, callee: str) -> None:
        self.callee = callee
        self.over = trio.Event()
        self.result = Result(callee, Outcome.GONE)


class _Allowed(Struct):
    """A permission of mine: the conversation, its new member, and my signature for it."""

    conversation: str
    member: str
    counter: int
    adding: Adding


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
        *,
        finder: Finder,
        linked_names: LinkedNames,
        name_judge: NameJudge,
        known_keys: KnownKeys,
        ignored: set[str],
        answers: bool,
        known_users: KnownUsers,
    ) -> None:
        """`answers`: whether somebody is there who can be asked."""
        self._linked_names, self._known_keys = linked_names, known_keys
        self._known_users = known_users
        self._world, self._links, self._conversations, self._tell = (
            world,
            links,
            conversations,
            tell,
        )
        self._myself, self._tasks = myself, tasks
        self._finder, self._name_judge = finder, name_judge
        self._answers = answers
        self._core = InvitationMachine(myself.name, world.new_id)
        self._core.situation.ignored = ignored
        self._core.situation.answered = known_users.names
        self._asking: dict[str, _Asking] = {}  # by folded callee
        self._closed = False
        self._salts: dict[str, bytes] = {}  # of conversations that I would found
        self._addings: dict[tuple[str, str], _Allowed] = {}  # conversation, callee
        self._sent: dict[tuple[str, str], _Allowed] = {}  # callee and id
        self._confirmed: dict[tuple[str, str], Confirm] = {}  # callee and id
        self._heard: dict[tuple[type, str, str], Invite | Accept | Confirm] = {}
        self._tidy_at = REMEMBERED  # at this size, drop what the core has forgotten
        self._timer = Timer()

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions that wait for my answer, in the order of arrival."""
        return self._core.questions

    @property
    def waits_for(self) -> tuple[str, ...]:
        return tuple(asking.callee for asking in self._asking.values())

    def is_live_with(self, name: str) -> bool:
        return self._core.is_live_with(name)

    def will_open(self, conversation: str) -> bool:
        """Whether I said yes to it, and its CONFIRM may have gone over a link that broke."""
        return any(one.conversation == conversation for one in self._core.accepted)

    def situation(self, *, busy: bool) -> None:
        """Set what others are told when they invite me."""
        self._core.situation.busy = busy
        current = self._conversations.conversation
        self._core.situation.conversations = {current.id} if current else set()

    # --- What I do ---

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
            return await self._ask(name, "", (self._myself.name,), urgent=True)
        contact = await self._finder.callee(name)
        self._known_users.answer(contact.name)
        if self._conversations.is_with(name):
            return Result(contact.name, Outcome.CONNECTED)  # they were faster
        self._refuse_while_talking(name)
        if contact.is_offline:
            return Result(contact.name, Outcome.OFFLINE)
        # They say themselves whether they are BUSY: the directory's word may be stale.
        salt = self._world.chance.randbytes(SALT_BYTES)
        fresh = membership.conversation_id(self._myself.key, salt)
        self._salts[fresh] = salt
        self._allow(fresh, contact, mine=membership.found(self._myself.me, salt), theirs=1)
        try:
            return await self._ask(contact.name, fresh, (self._myself.name,), urgent=urgent)
        finally:
            del self._salts[fresh], self._addings[fresh, contact.name]

    async def add(self, name: str, *, urgent: bool) -> Result:
        """Invite a user into the conversation that I am in; like `invite`."""
        if self._myself.is_called(name):
            raise Refused("You can't connect with yourself.", "SELF")
        self._conversation_to_add(name)
        contact = await self._finder.callee(name)
        self._known_users.answer(contact.name)
        current = self._conversation_to_add(name)
        if contact.is_offline:
            return Result(contact.name, Outcome.OFFLINE)
        mine = current.roll.of(self._myself.id)
        assert mine is not None
        theirs = current.roll.counter(member_id(contact.name, contact.key))
        if theirs % 2:  # they are a member, but out of reach
            raise Refused(f"User {contact.name} is in the conversation already.")
        too_often = theirs > 2 * STAYS + 1
        if too_often or not current.roll.has_room(self._myself.id):
            raise Refused("Too many came and went in this conversation: begin a new one.")
        self._allow(current.id, contact, mine=mine, theirs=theirs + 1)
        try:
            members = (self._myself.name, *self._conversations.names)
            return await self._ask(contact.name, current.id, members, urgent=urgent)
        finally:
            del self._addings[current.id, contact.name]

    def _conversation_to_add(self, name: str) -> Conversation:
        current = self._conversations.conversation
        if current is None:
            raise Refused(f"You are in no conversation: CHAT {name} begins one.")
        if self._conversations.is_with(name):
            raise Refused(f"User {name} is in the conversation already.")
        if fold(name) in self._asking:
            raise Refused(f"You are waiting for {name}'s response already.")
        if len(current.roll.members()) >= MEMBERS:
            raise Refused(f"A conversation has at most {MEMBERS} members.")
        return current

    def _allow(self, conversation: str, contact: Callee, *, mine: Membership, theirs: int) -> None:
        """Sign that this user may become a member."""
        member = member_id(contact.name, contact.key)
        adding = membership.add(self._myself.me, conversation, mine, member, theirs)
        allowed = _Allowed(conversation, member, theirs, adding)
        self._addings[conversation, contact.name] = allowed

    def _asks_me(self, name: str) -> bool:
        """Whether they invite me; also when I said yes and the conversation is about to begin."""
        asking = [question.inviter for question in self._core.questions]
        asking += [one.other for one in self._core.accepted]
        return fold(name) in map(fold, asking)

    def _refuse_while_talking(self, name: str) -> None:
        if self._conversations.is_with(name):
            raise Refused(f"You are connected with {name} already.")
        if others := ", ".join(self._conversations.others):
            raise Refused(
                f"You are in a conversation with {others}: QUIT CONVERSATION first, or ADD {name}."
            )
        for callee in self.waits_for:
            raise Refused(f"You are waiting for {callee}'s response: QUIT CONVERSATION first.")

    async def _ask(
        self, callee: str, conversation: str, members: tuple[str, ...], *, urgent: bool
    ) -> Result:
        if self._closed:
            return Result(callee, Outcome.TAKEN_BACK)  # by our quitting, during the lookup
        asking = self._asking[fold(callee)] = _Asking(callee)
        try:
            self._perform(
                self._core.invite(
                    callee,
                    conversation=conversation,
                    members=members,
                    urgent=urgent,
                    now=trio.current_time(),
                )
            )
            await asking.over.wait()
            return asking.result
        finally:
            self._asking.pop(fold(callee), None)
            self._withdraw(callee, conversation)

    def _withdraw(self, callee: str, conversation: str) -> None:
        """Take back my invitation when something else decided it, such as their own."""
        for one in self._core.outgoing:
            if (one.other, one.conversation) == (callee, conversation):
                self._perform(self._core.take_back(one.id, trio.current_time()))

    def take_back(self) -> bool:
        """Stop waiting for an answer; return False when none was awaited."""
        pending = (*self._core.outgoing, *self._core.accepted)
        for one in pending:
            self._perform(self._core.take_back(one.id, trio.current_time()))
            self._decided(one.other, Outcome.TAKEN_BACK)
        return bool(pending)

    def close(self) -> None:
        """Take back what is pending, ask nobody any more, and enter nothing."""
        self._closed = True
        self.take_back()

    def answer(self, id: str, *, yes: bool) -> bool:
        """Answer a question; return False when it is over already.

        A yes leaves the conversation that I am in.
        """
        asked = [question for question in self._core.questions if question.id == id]
        if self._closed or not asked:
            return False
        if yes:
            self._known_users.answer(*self._whom_yes_answers(asked[0]))
            self._conversations.leave_now()
        self._perform(self._core.answer(id, yes, trio.current_time()))
        return True

    def _whom_yes_answers(self, question: Question) -> list[str]:
        """Return the inviter, and the members whom the question proved."""
        others = self._proven(question.id, question.members)
        real = [name for one, name in others if self._known_keys.called(one, name) == name]
        return [question.inviter, *real]

    # --- What the links do ---

    def linked(self, name: str) -> None:
        self._perform(self._core.linked(name, trio.current_time()))

    def link_lost(self, name: str) -> None:
        self._perform(self._core.link_lost(name, trio.current_time()))

    def unreachable(self, name: str, reason: str) -> None:
        self._perform(self._core.unreachable(name, reason, trio.current_time()))

    def hear(self, name: str, message: Message) -> None:
        """Pass a message to the core, and do what it decides.  Raises ProtocolError."""
        match message:
            case Invite() if message.adding is None:
                raise ProtocolError("an invitation lets nobody in")
            case Accept():
                self._check_accept(name, message)
        actions = self._core.receive(name, message, trio.current_time())
        if isinstance(message, Invite) and _is_refused(actions):
            message = msgspec.structs.replace(message, proof=())  # the long part
        if isinstance(message, Invite | Accept | Confirm) and self._core.knows(name, message.id):
            self._remember(name, message)
        self._perform(actions)

    # --- What the clock does ---

    async def run(self) -> None:
        """Run until cancelled."""
        await self._timer.run(self)

    def next_deadline(self) -> float | None:
        return self._core.next_deadline()

    def tick(self) -> None:
        self._perform(self._core.tick(trio.current_time()))

    # --- Doing what the core decides ---

    def _perform(self, actions: list[Action]) -> None:
        """Perform actions in order, each with all that it sets off before the next one."""
        for action in actions:
            match action:
                case Send(to, message):
                    self._links.post(to, self._signed(to, message))
                case Dial(to):
                    self._dial(to)
                case Ask(id, inviter, members):
                    self._put_question(id, inviter, members)
                case Waiting(callee):
                    self._tell(events.Waiting(callee), events.nothing)
                case Closed():
                    self._close_question(action)
                case Open(id, conversation, other):
                    self._open(id, conversation, other)
                    if self._closed:
                        self._conversations.leave_now()  # they let us in while we were quitting
                case Ended(_, callee, end, reason):
                    self._decided(callee, _OUTCOMES[end], reason)
        self._timer.look(self.next_deadline())

    # --- Signatures about invitations ---

    def _remember(self, name: str, message: Invite | Accept | Confirm) -> None:
        """Keep a message for its signed parts, which are needed when the core has decided.

        Only invitations that the core knows are kept.  It remembers a limited number for each
        user, so nobody can push out those of others.
        """
        key = (type(message), fold(name), message.id)
        if not (isinstance(message, Invite) and key in self._heard):
            self._heard[key] = message
        if len(self._heard) > self._tidy_at:
            self._heard = {key: of for key, of in self._heard.items() if self._core.knows(*key[1:])}
            self._tidy_at = max(REMEMBERED, 2 * len(self._heard))

    def _recall(self, kind: type[M], name: str, id: str) -> M | None:
        heard = self._heard.get((kind, fold(name), id))
        return heard if isinstance(heard, kind) else None

    def _check_accept(self, name: str, accept: Accept) -> None:
        """Raise ProtocolError unless they have signed to be a member."""
        allowed = self._sent.get((fold(name), accept.id))
        if allowed is None:
            return  # to no invitation of mine: the core knows the answer
        if accept.membership is None:
            raise ProtocolError("an ACCEPT makes nobody a member")
        roll = self._roll_for(allowed.conversation)
        if roll is not None:
            roll.merge([accept.membership])
            if not roll.counter(allowed.member) % 2:
                raise ProtocolError("an ACCEPT makes nobody a member")

    def _has_room(self, allowed: "_Allowed", accept: Accept) -> bool:
        """Whether they can still become a member: others may have filled the places meanwhile."""
        roll = self._roll_for(allowed.conversation)
        if roll is not None and accept.membership is not None:
            roll.merge([accept.membership])
        return roll is not None and roll.is_in(allowed.member)

    def _roll_for(self, conversation: str) -> Roll | None:
        """Return a copy of the roll of a conversation that I found or am in, else None."""
        roll = Roll(conversation, self._known_keys.authority)
        current = self._conversations.conversation
        if conversation in self._salts:
            roll.merge([membership.found(self._myself.me, self._salts[conversation])])
        elif current is not None and current.id == conversation:
            return current.roll.copy()
        else:
            return None
        return roll

    def _signed(self, to: str, message: Message) -> Message:
        match message:
            case Invite(id=id, conversation=conversation) if (conversation, to) in self._addings:
                allowed = self._addings[conversation, to]
                _put(self._sent, (fold(to), id), allowed)
                return self._with_proof(
                    msgspec.structs.replace(message, counter=allowed.counter, adding=allowed.adding)
                )
            case Accept(id=id):
                return Accept(id, self._membership(to, id))
            case Confirm(id=id):
                return self._confirm(to, id)
            case Leave(conversation=conversation):
                return self._disowned(to, conversation) or message
        return message

    def _with_proof(self, invite: Invite) -> Invite:
        """Add proofs of who is in my conversation, as far as they fit into one line."""
        current = self._conversations.conversation
        if current is None or current.id != invite.conversation:
            return invite
        room = LINE_ROOM - len(encode(invite))
        first, *_ = membership.pages(current.roll.essential(first=self._myself.id), room)
        return msgspec.structs.replace(invite, proof=first)

    def _disowned(self, inviter: str, conversation: str) -> Members | None:
        """Return my signed leaving: my yes is taken back, and they may have let me in already."""
        for invite in self._heard.values():
            if isinstance(invite, Invite) and invite.conversation == conversation:
                mine = self._membership(inviter, invite.id)
                if mine is not None:
                    gone = membership.leave(self._myself.me, conversation, mine)
                    return Members(conversation, (gone,))
        return None

    def _membership(self, inviter: str, id: str) -> Membership | None:
        """Return my membership in the conversation that they have asked me into."""
        invite = self._recall(Invite, inviter, id)
        if invite is None or invite.adding is None:
            return None
        return membership.join(self._myself.me, invite.conversation, invite.counter, invite.adding)

    def _confirm(self, callee: str, id: str) -> Confirm:
        """Let them in, and tell them who else is a member."""
        allowed = self._sent.get((fold(callee), id))
        accept = self._recall(Accept, callee, id)
        current = self._conversations.conversation
        if allowed is None or accept is None or accept.membership is None:
            return Confirm(id)
        conversation = allowed.conversation
        if conversation in self._salts and (current is None or current.id != conversation):
            mine = membership.found(self._myself.me, self._salts[conversation])
            current = self._conversations.enter(conversation, (mine, accept.membership), ())
            entry = current.entry_for(allowed.member, ())
            confirm = Confirm(id, current.memberships(), (), 0, entry.epochs, entry.signature)
            return self._note_confirm(callee, confirm)
        if current is None or current.id != conversation:
            return Confirm(id)
        said = self._confirmed.get((fold(callee), id))
        if said is not None:
            return said  # texts written since the first one are for them
        if not self._has_room(allowed, accept):
            return Confirm(id)
        since, lamport = self._conversations.before(current)
        self._conversations.admit(current, allowed.member, accept.membership)
        entry = current.entry_for(allowed.member, since)
        confirm = Confirm(id, (), since, lamport, entry.epochs, entry.signature)
        room = LINE_ROOM - len(encode(confirm))
        first, *_ = membership.pages(current.roll.essential(first=allowed.member), room)
        # HELLO brings the rest.
        return self._note_confirm(callee, msgspec.structs.replace(confirm, members=first))

    def _note_confirm(self, callee: str, confirm: Confirm) -> Confirm:
        _put(self._confirmed, (fold(callee), confirm.id), confirm)
        return confirm

    def _open(self, id: str, conversation: str, other: str) -> None:
        current = self._conversations.conversation
        if (fold(other), id) in self._sent:
            if current is not None and current.id == conversation:
                self._opened(current, other)
            self._decided(other, Outcome.CONNECTED)
            return
        confirm, mine = self._recall(Confirm, other, id), self._membership(other, id)
        if confirm is None or mine is None or not confirm.members:
            self._fail_to_open(conversation, other)
            return
        try:
            begun = self._conversations.enter(
                conversation, (*confirm.members, mine), confirm.since, confirm.lamport,
                Entry(
                    conversation, self._myself.id, mine.counter, confirm.since, confirm.epochs,
                    confirm.signature,
                ),
            )  # fmt: skip
        except ProtocolError:
            self._fail_to_open(conversation, other)
            raise
        self._conversations.begin(begun)
        self._decided(other, Outcome.CONNECTED)

    def _opened(self, current: Conversation, other: str) -> None:
        if current.id in self._salts:
            self._conversations.begin(current)
        else:
            self._tell(events.Connected((other,)), events.nothing)

    def _fail_to_open(self, conversation: str, other: str) -> None:
        """Give up entering: their CONFIRM lets nobody in, or they have left meanwhile."""
        self._core.situation.conversations.discard(conversation)
        if fold(other) in self._asking:
            self._decided(other, Outcome.GONE)
        else:
            self._tell(events.Notice(_closing_words(other, Why.GONE)), events.nothing)

    # --- Dials, questions and results ---

    def _dial(self, to: str) -> None:
        if self._links.to(to) is not None:
            self.linked(to)
        else:
            self._links.dial(to)

    def _put_question(self, id: str, inviter: str, members: tuple[str, ...]) -> None:
        if not self._answers:
            self._perform(self._core.answer(id, False, trio.current_time()))
            return
        others = self._proven(id, members)
        if all(self._known_keys.is_judged(name) for _, name in others):
            self._show_question(id, inviter, others)
        else:
            self._tasks.linger(self._judge_and_show, id, inviter, others)

    async def _judge_and_show(self, id: str, inviter: str, others: list[tuple[str, str]]) -> None:
        """Ask whose names these are, then show the question unless it was taken back meanwhile."""
        await self._name_judge.judge(name for _, name in others)
        if any(question.id == id for question in self._core.questions):
            self._show_question(id, inviter, others)

    def _show_question(self, id: str, inviter: str, others: list[tuple[str, str]]) -> None:
        called = self._linked_names.called(inviter)
        talkers = (called, *(self._known_keys.called(*one) for one in others))
        self._tell(
            events.Invited(id, called, talkers, self._conversations.others),
            lambda: self._perform(self._core.shown(id, trio.current_time())),
        )

    def _proven(self, id: str, inviter_first: tuple[str, ...]) -> list[tuple[str, str]]:
        """Return id and name of the other members whom the inviter has proved to be in.

        Names without a proof do not count: anybody can be named.
        """
        inviter, *named = inviter_first
        invite = self._recall(Invite, inviter, id)
        if invite is None or not named:
            return []
        roll = Roll(invite.conversation, self._known_keys.authority)
        with contextlib.suppress(ProtocolError):  # a forged proof proves nothing
            membership.check_size(invite.proof)
            roll.merge(invite.proof)
        others = set(map(fold, named))
        members = [(one, roll.name(one)) for one in roll.members()]
        return [(one, name) for one, name in members if fold(name) in others]

    def _close_question(self, closed: Closed) -> None:
        if fold(closed.inviter) in self._asking:
            self._decided(closed.inviter, Outcome.GONE)  # I asked the same, which was my yes
        else:
            inviter = self._linked_names.called(closed.inviter)
            words = _closing_words(inviter, closed.why)
            self._tell(events.InvitationOver(closed.id, inviter, words), events.nothing)

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


def _is_refused(actions: list[Action]) -> bool:
    return any(isinstance(one, Send) and isinstance(one.message, Busy) for one in actions)


def _put(remembered: dict[K, V], key: K, value: V) -> None:
    """Remember a value; past REMEMBERED the oldest makes room."""
    remembered[key] = value
    if len(remembered) > REMEMBERED:
        del remembered[next(iter(remembered))]


def _closing_words(inviter: str, why: Why) -> str:
    match why:
        case Why.CANCELLED:
            return f"User {inviter} took the invitation back."
        case Why.MISSED:
            return f"You missed an invitation from {inviter}."
        case Why.GONE:
            return f"User {inviter} is gone."
