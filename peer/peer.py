"""One user's program without its screen: it owns the nursery and performs the actions.

Cores decide (`invitation`, `conversation`), shells carry (`directory`, `network`,
`lines`, `journal`); this file ties them together and is what a screen or a bot
talks to.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import trio

from peer import conversation as talk
from peer import events, invitation
from peer.conversation import Conversation
from peer.directory import Directory, Listener, Registration
from peer.invitation import End, Invitations, Why
from peer.journal import Journal
from peer.lines import Delivery, Line, Lines, Seen
from peer.mail import MailRoom
from peer.network import Links
from peer.trust import Trust
from shared.errors import KeyChanged, ParleyError, ProtocolError, Refused
from shared.identity import SEED_BYTES, Identity, verify_words
from shared.messages import (
    Acknowledge,
    Arr,
    Chg,
    Contact,
    Done,
    Err,
    Hello,
    Leave,
    Lft,
    List,
    Lookup,
    Message,
    Presence,
    Private,
    Receipts,
    Say,
    SetStatus,
    Shown,
    Status,
    StatusNow,
    Stir,
    ToAll,
    Unregister,
    Waiting,
    Welcome,
)
from shared.names import fold
from shared.world import Address, World

KEY_FILE: Final = "key"
GENERAL_CHAT_MOST: Final = 100  # users whom one line to all reaches directly
SENDING_AT_ONCE: Final = 20  # lines that may dial or wait for an answer side by side
UNSHOWN_LINES: Final = 64  # of one sender; more come only from a program that ignores SHOWN
LEAVE_SECONDS: Final = 10.0  # for the last texts of a conversation that is left
QUIT_SECONDS: Final = 1.0  # for letters on their way to the screen; then for the last words
STIR_SHARE: Final = 4.0  # a STIR at most every fourth part of the time until INACTIVE

log = logging.getLogger("peer")


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


@dataclass(frozen=True)
class Options:
    listen: int = 0  #: the port to listen on, 0 for a random one
    advertise_host: str = ""  #: told to others instead of what the directory sees
    advertise_port: int = 0
    token: str = ""  #: for a directory with --register-only-with
    directory_key: str | None = None  #: the fingerprint that the user vouches for
    is_passing: bool = False  #: here for one command only: asks nobody, fetches no mail


Tell = Callable[[events.Event, Callable[[], None]], None]
"""Show this, then call the function: only what was shown is acknowledged.  Never blocks."""


class Peer:
    """One user, from registering to good bye.

    The methods may be called from `run`'s start until its end.  Those that ask
    the directory raise Refused with its words, or Unreachable while it is gone.
    """

    def __init__(
        self,
        world: World,
        name: str,
        directory: Address,
        tell: Tell,
        options: Options | None = None,
    ) -> None:
        self._world, self._address, self._tell = world, directory, tell
        self._options = options or Options()
        self._registration = Registration(name)
        self._run_id = world.new_id()
        self._invitations = Invitations(name, world.new_id)
        self._conversation: Conversation | None = None
        self._progress = trio.Event()  # something was acknowledged, or the conversation is over
        self._asking: dict[str, _Asking] = {}  # folded callee -> who waits for the outcome
        self._seen = Seen()
        self._unshown: dict[str, int] = {}  # lines of each sender that wait for the screen
        self._suspected: set[str] = set()  # warnings that were given
        self._chosen: Status | None = None  # by the user's hand
        self._last_stir = float("-inf")
        self._idle_after = 300.0
        self._was_registered = False
        self._timer = trio.Event()
        self._wake_at = float("inf")
        self._finished = trio.Event()
        self._is_quitting = False
        self._tasks = 0  # spawned ones that must end before we do

    # --- Living ---

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Register, reports the name, and live until `quit`.

        Raises what stands in the way of registering: NameTaken, Refused,
        Unreachable, KeyChanged, StorageError.
        """
        self._world.disk.lock()
        try:
            await self._live(task_status)
        finally:
            self._world.disk.unlock()

    async def _live(self, task_status: trio.TaskStatus[str]) -> None:
        """The nursery of everything; ends at `quit`, or when we cannot register."""
        failure: ParleyError | OSError | None = None
        async with trio.open_nursery() as nursery:
            try:
                self._put_together(nursery)
                await nursery.start(self._journal.run)
                bound = await nursery.start(
                    self._world.network.serve, None, self._options.listen, self._links.answer
                )
                self._registration.port = self._options.advertise_port or bound.port
                nursery.start_soon(self._keep_time)
                nursery.start_soon(self._links.sweep)
                if not self._options.is_passing:
                    nursery.start_soon(self._mail.run)
                await nursery.start(self._directory.stay_registered, self._listener())
            except (ParleyError, OSError) as error:
                failure = error
            else:
                task_status.started(self.name)
                await self._finished.wait()
            nursery.cancel_scope.cancel()
        if isinstance(failure, OSError):
            raise Refused(f"cannot listen on port {self._options.listen}: {failure.strerror}")
        if failure is not None:
            raise failure

    def _put_together(self, nursery: trio.Nursery) -> None:
        world, options, self._nursery = self._world, self._options, nursery
        self._identity = self._load_identity()
        self._journal = Journal(world.disk)
        self._trust = Trust(self._journal, world.clock)
        self._registration.host = options.advertise_host
        self._registration.token = options.token
        self._directory = Directory(
            world, self._address, self._identity, self._trust, self._registration, self._journal,
            expected_key=options.directory_key,
        )  # fmt: skip
        self._links = Links(
            world.network, self._trust, name=lambda: self.name, run=self._run_id,
            lookup=self.contact, listener=self, spawn=nursery.start_soon,
        )  # fmt: skip
        self._lines = Lines(self._links, self.spawn, trio.CapacityLimiter(SENDING_AT_ONCE))
        self._mail = MailRoom(
            world, self._identity, self._trust, self._journal, self._directory, self._tell
        )
        self._invitations.ignored = self._journal.ignored

    def _load_identity(self) -> Identity:
        seed = self._world.disk.read(KEY_FILE)
        if seed is None:
            seed = self._world.chance.randbytes(SEED_BYTES)
            self._world.disk.write(KEY_FILE, seed)
        try:
            return Identity(seed)
        except ValueError as error:
            raise Refused(f"the file {KEY_FILE} in the data folder holds {error}") from None

    def spawn(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Start a task that `quit` waits for."""

        async def counted() -> None:
            try:
                await work(*arguments)
            finally:
                self._tasks -= 1
                self._progress.set()

        self._tasks += 1
        self._nursery.start_soon(counted)

    async def quit(self) -> None:
        """Leave the conversation, deliver or store what is on its way, say good bye."""
        if self._finished.is_set():
            return
        self._is_quitting = True
        self.take_back()
        await self.leave_conversation()
        await self._until(lambda: not self._tasks)
        if not self._options.is_passing:
            with trio.move_on_after(QUIT_SECONDS):
                await self._mail.close()
        self._links.hang_up_all()
        self._directory.leave()
        with trio.move_on_after(QUIT_SECONDS):
            await self._links.wait_none()
            await self._directory.wait_gone()
        self.end()

    def end(self) -> None:
        """End at once, whatever is on its way."""
        self._finished.set()

    @property
    def is_over(self) -> bool:
        return self._finished.is_set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            if self._progress.is_set():  # else others wait for this event too
                self._progress = trio.Event()
            await self._progress.wait()

    # --- Who I am, who is there ---

    @property
    def name(self) -> str:
        return self._registration.name

    @property
    def status(self) -> Status:
        return self._registration.status

    @property
    def talks_with(self) -> tuple[str, ...]:
        """The others in my conversation."""
        return (self._conversation.other,) if self._conversation else ()

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Whom I have invited."""
        return tuple(asking.callee for asking in self._asking.values())

    @property
    def questions(self) -> tuple[invitation.Question, ...]:
        """The invitations that wait for my answer, in the order of arrival."""
        return self._invitations.questions

    async def users(self) -> list[Presence]:
        """Everybody registered, in alphabetical order."""
        pages = await self._directory.ask_pages(List)
        return sorted((user for page in pages for user in page.users), key=lambda u: fold(u.name))

    async def contact(self, name: str) -> Contact:
        """Where this user is.  Raises KeyChanged when the key is not the remembered one."""
        contact = await self._lookup(name)
        self._trust.check(contact.name, contact.key)
        return contact

    async def _lookup(self, name: str) -> Contact:
        contact = await self._directory.ask(lambda id: Lookup(id, name), Contact)
        if fold(contact.name) != fold(name):
            raise Refused("the directory gave an answer that does not fit")
        return contact

    async def verify(self, name: str) -> tuple[list[str], bool]:
        """The words that both must see, and whether this accepts a changed key."""
        contact = await self._lookup(name)
        accepted = await self._trust.accept(contact.name, contact.key)
        self._suspected.clear()
        self._mail.fetch()
        return verify_words(self._identity.public, contact.key), accepted

    async def ignore(self, name: str) -> None:
        await self._journal.ignore(name)

    async def unignore(self, name: str) -> None:
        await self._journal.unignore(name)

    async def unregister(self) -> None:
        """Give the name back, with its mailbox; then `quit`."""
        await self._directory.ask(Unregister, Done)
        self._directory.leave()

    # --- My status ---

    async def set_status(self, status: Status) -> None:
        """By the user's hand: a conversation changes it no more, nor does the directory.

        ACTIVE outside of a conversation gives it back into their hands.
        """
        by_hand = status is not Status.ACTIVE or self._conversation is not None
        self._chosen = status if by_hand else None
        self._put_status()
        self.tell(events.StatusIsNow(status))

    def _put_status(self) -> None:
        """BUSY in a conversation, ACTIVE outside, unless chosen by hand."""
        automatic = Status.BUSY if self._conversation else Status.ACTIVE
        status, by_hand = self._chosen or automatic, self._chosen is not None
        self._invitations.busy = status is Status.BUSY or self._conversation is not None
        if (status, by_hand) != (self._registration.status, self._registration.by_hand):
            self._registration.status, self._registration.by_hand = status, by_hand
            self._directory.tell(SetStatus(0, status, by_hand))

    def stir(self) -> None:
        """Somebody touched the keys."""
        now = trio.current_time()
        pause = 0.0 if self.status is Status.INACTIVE else self._idle_after / STIR_SHARE
        if now - self._last_stir >= pause and self._directory.is_there:
            self._last_stir = now
            self._directory.tell(Stir())

    # --- Inviting ---

    async def invite(self, name: str, *, urgent: bool = False) -> Result:
        """Ask somebody into a conversation; returns when it is decided.

        Raises Refused for oneself, an unknown user, or when one is in a
        conversation already or waits for somebody else.
        """
        if fold(name) == fold(self.name):
            raise Refused("You can't connect with yourself.", "SELF")
        self._refuse_while_talking(name)
        if self._asks_me(name):
            return await self._ask(name, urgent=True)
        contact = await self.contact(name)
        if self._conversation and fold(self._conversation.other) == fold(name):
            return Result(contact.name, Outcome.CONNECTED)  # they were faster
        self._refuse_while_talking(name)
        if contact.status is Status.OFFLINE:
            return Result(contact.name, Outcome.OFFLINE)
        if contact.status is Status.BUSY and not urgent and not self._asks_me(name):
            return Result(contact.name, Outcome.INTERRUPTIBLE)
        return await self._ask(contact.name, urgent=urgent)

    def _asks_me(self, name: str) -> bool:
        """Also when I have said yes, and the conversation is about to begin."""
        asking = [question.inviter for question in self.questions]
        asking += [one.other for one in self._invitations.accepted]
        return fold(name) in map(fold, asking)

    def _refuse_while_talking(self, name: str) -> None:
        if self._conversation is not None:
            others = ", ".join(self.talks_with)
            raise Refused(
                f"You are in a conversation with {others}: QUIT CONVERSATION first, or ADD {name}."
            )
        for callee in self.waits_for:
            raise Refused(f"You are waiting for {callee}'s response: QUIT CONVERSATION first.")

    async def _ask(self, callee: str, *, urgent: bool) -> Result:
        if self._is_quitting:
            return Result(callee, Outcome.TAKEN_BACK)  # by good bye, while we looked it up
        asking = self._asking[fold(callee)] = _Asking(callee)
        members = (self.name,)
        fresh = hashlib.sha256(self._identity.public + self._world.chance.randbytes(16))
        try:
            self._perform(
                self._invitations.invite(
                    callee, conversation=fresh.hexdigest()[:32], members=members, urgent=urgent,
                    now=trio.current_time(),
                )
            )  # fmt: skip
            await asking.over.wait()
            return asking.result
        finally:
            self._asking.pop(fold(callee), None)

    def take_back(self) -> bool:
        """Stop waiting for an answer; False when none was awaited."""
        pending = (*self._invitations.outgoing, *self._invitations.accepted)
        for one in pending:
            self._perform(self._invitations.take_back(one.id, trio.current_time()))
            self._decided(one.other, Outcome.TAKEN_BACK)
        return bool(pending)

    def answer(self, id: str, yes: bool) -> bool:
        """Answer an invitation; False when it is over already.

        Yes leaves the conversation that one is in.
        """
        if all(question.id != id for question in self.questions):
            return False
        if yes:
            self._leave_now()
        self._perform(self._invitations.answer(id, yes, trio.current_time()))
        return True

    def _decided(self, other: str, outcome: Outcome, reason: str = "") -> None:
        if (asking := self._asking.get(fold(other))) is not None:
            asking.result = Result(asking.callee, outcome, reason)
            asking.over.set()

    # --- Talking ---

    async def say(self, text: str) -> None:
        """A text for the conversation; waits while too many wait to be delivered.

        Raises Refused when there is no conversation.
        """
        talking = self._conversation
        if talking is None:
            raise Refused("You are in no conversation.")
        self._perform(talking.say(text, self._world.clock.time()))
        await self._until(lambda: talking.has_room or talking.is_over)

    async def leave_conversation(self) -> bool:
        """Leave it, after what was written has arrived; False when there is none."""
        talking = self._conversation
        if talking is None:
            return False
        with trio.move_on_after(LEAVE_SECONDS):
            await self._until(
                lambda: talking.is_delivered or talking.is_over or not talking.is_linked
            )
        if not talking.is_over:
            self._leave_now()
        return True

    def _leave_now(self) -> None:
        if self._conversation is not None:
            self._perform(self._conversation.leave())

    def private(self, name: str, text: str) -> Delivery:
        """One private line; `wait` for it to know what became of it."""
        return self._lines.send(name, Private(self._world.new_id(), self._world.clock.time(), text))

    async def to_all(self, text: str) -> list[Delivery]:
        """One line to everybody online, at most GENERAL_CHAT_MOST of them."""
        users = await self.users()
        online = [user.name for user in users if user.status is not Status.OFFLINE]
        others = [name for name in online if fold(name) != fold(self.name)]
        line = ToAll(self._world.new_id(), self._world.clock.time(), text)
        if len(others) > GENERAL_CHAT_MOST:
            left_out = len(others) - GENERAL_CHAT_MOST
            reason = f"one line reaches {GENERAL_CHAT_MOST} users at most"
            self.tell(events.NotDelivered(f"{left_out} others", reason))
        return [self._lines.send(name, line) for name in others[:GENERAL_CHAT_MOST]]

    async def leave_message(self, name: str, text: str) -> str:
        """Leave a message; returns the receiver's name when the directory has it on disk.

        Raises Refused (no such user, a full mailbox, a full disk), KeyChanged or
        Unreachable.
        """
        if fold(name) == fold(self.name):
            raise Refused("You can't leave a message for yourself.", "SELF")
        contact = await self.contact(name)
        await self._trust.check_and_remember(contact.name, contact.key)
        await self._mail.leave(contact, text)
        return contact.name

    # --- What the links say (peer.network.Listener) ---

    def linked(self, name: str) -> None:
        now = trio.current_time()
        self._lines.link_changed(name)
        self._perform(self._invitations.linked(name, now))
        if self._conversation is not None:
            self._perform(self._conversation.linked(name))

    def link_lost(self, name: str) -> None:
        now = trio.current_time()
        self._lines.link_changed(name)
        self._perform(self._invitations.link_lost(name, now))
        if self._conversation is not None:
            self._perform(self._conversation.link_lost(name, now))
            self._progress.set()

    def unreachable(self, name: str, failure: ParleyError) -> None:
        now = trio.current_time()
        self._perform(self._invitations.unreachable(name, str(failure), now))
        if self._conversation is not None:
            self._perform(self._conversation.unreachable(name, now))

    def suspicious(self, failure: KeyChanged) -> None:
        if str(failure) not in self._suspected:
            self._suspected.add(str(failure))
            self.tell(events.Notice(str(failure)))

    def needs(self, name: str) -> bool:
        """Whether the link to this user is still wanted."""
        return (
            fold(name) in map(fold, self.talks_with)
            or self._invitations.is_live_with(name)
            or self._lines.is_sending_to(name)
        )

    def received(self, name: str, message: Message) -> None:
        match message:
            case Private() | ToAll():
                self._hear_line(name, message)
            case Shown(id=id):
                self._lines.shown(name, id)
            case Say() | Acknowledge() | Hello() | Leave():
                self._hear_talk(name, message)
            case _:
                self._perform(self._invitations.receive(name, message, trio.current_time()))

    def _hear_talk(self, name: str, message: Say | Acknowledge | Hello | Leave) -> None:
        talking = self._conversation
        if talking is not None and talking.id == message.conversation:
            self._perform(talking.receive(name, message, trio.current_time()))
            self._progress.set()
        elif isinstance(message, Say | Hello) and not self._will_open(message.conversation):
            # They believe in a conversation that is over here, or never was.
            self._links.post(name, Leave(message.conversation))

    def _will_open(self, conversation: str) -> bool:
        """Accepted here, and its CONFIRM went over a link that broke."""
        return any(one.conversation == conversation for one in self._invitations.accepted)

    def _hear_line(self, name: str, line: Line) -> None:
        earlier = self._seen.begin(name, line.id)
        if earlier is True:
            self._links.post(name, Shown(line.id))
        if earlier is not None:
            return
        key = fold(name)
        if self._unshown.get(key, 0) >= UNSHOWN_LINES:
            raise ProtocolError("more lines came than can be shown")
        self._unshown[key] = self._unshown.get(key, 0) + 1

        def shown() -> None:
            self._unshown[key] -= 1
            if not self._unshown[key]:
                del self._unshown[key]
            self._seen.shown(name, line.id)
            self._links.post(name, Shown(line.id))

        if key in self._journal.ignored:
            shown()  # he learns nothing of it
        elif isinstance(line, Private):
            self._tell(events.SaidPrivately(name, line.text), shown)
        else:
            self._tell(events.SaidToAll(name, line.text), shown)

    # --- What the directory says ---

    def _listener(self) -> Listener:
        return Listener(
            registered=self._registered,
            heard=self._heard,
            lost=self._directory_lost,
            refused=lambda why: self.tell(events.Notice(why)),
        )

    def _registered(self, welcome: Welcome) -> None:
        self._idle_after = welcome.idle_after
        first, self._was_registered = not self._was_registered, True
        if first:
            self.tell(events.Registered(self.name, str(self._address)))
        else:
            self.tell(events.DirectoryBack())
        self._mail.fetch()

    def _directory_lost(self) -> None:
        self._put_status()  # it may have set us INACTIVE: not what we come back with
        self.tell(events.DirectoryLost())

    def _heard(self, message: Message) -> None:
        match message:
            case Arr(users=users):
                for user in users:
                    if fold(user.name) != fold(self.name):
                        self.tell(events.Came(user.name))
            case Lft(names=names):
                for name in names:
                    if fold(name) != fold(self.name):
                        self.tell(events.Went(name))
            case StatusNow(status=status):
                self._registration.status = status
                self.tell(events.StatusIsNow(status))
            case Waiting():
                self._mail.fetch()
            case Receipts(receipts=receipts):
                self._mail.receipts(receipts)
            case Err(text=text):
                log.info("the directory says: %s", text)
            case Chg():
                pass  # a screen that lists users could follow it

    # --- Doing what the cores decide ---

    def tell(self, event: events.Event) -> None:
        self._tell(event, _nothing)

    def _perform(self, actions: list[Any]) -> None:
        """In their order; what an action sets off is done before the next one."""
        for action in actions:
            match action:
                case invitation.Send(to, message) | talk.Send(to, message):
                    self._links.post(to, message)
                case talk.Show(event, seq):
                    self._show(event, seq)
                case talk.Relink(to):
                    self._links.dial(to)
                case talk.Finished():
                    self._finish_conversation(action)
                case invitation.Dial(to):
                    self._dial(to)
                case invitation.Ask(id, inviter, members):
                    self._put_question(id, inviter, members)
                case invitation.Waiting(callee):
                    self.tell(events.Waiting(callee))
                case invitation.Closed():
                    self._close_question(action)
                case invitation.Open():
                    self._open(action)
                case invitation.Ended(_, callee, end, reason):
                    self._decided(callee, _OUTCOMES[end], reason)
                case _:
                    raise AssertionError(f"no such action: {action}")
        self._set_timer()

    def _dial(self, to: str) -> None:
        if self._links.to(to) is not None:
            self._perform(self._invitations.linked(to, trio.current_time()))
        else:
            self._links.dial(to)

    def _put_question(self, id: str, inviter: str, members: tuple[str, ...]) -> None:
        if self._options.is_passing:
            self._perform(self._invitations.answer(id, False, trio.current_time()))
            return
        leaves = self.talks_with
        self._tell(
            events.Invited(id, inviter, members, leaves),
            lambda: self._perform(self._invitations.shown(id, trio.current_time())),
        )

    def _close_question(self, closed: invitation.Closed) -> None:
        if fold(closed.inviter) in self._asking:
            self._decided(closed.inviter, Outcome.GONE)  # I asked the same, which is how I said yes
        else:
            words = _closing_words(closed.inviter, closed.why)
            self.tell(events.InvitationOver(closed.id, closed.inviter, words))

    def _open(self, opened: invitation.Open) -> None:
        self._leave_now()
        talking = Conversation(opened.conversation, opened.other, self._world.new_id())
        self._conversation = talking
        self._put_status()
        self.tell(events.Connected((opened.other,)))
        self._perform(talking.opened())
        if self._links.to(opened.other) is None:
            self._perform(talking.link_lost(opened.other, trio.current_time()))
        self._decided(opened.other, Outcome.CONNECTED)

    def _show(self, event: events.Event, seq: int) -> None:
        """A text of the conversation is acknowledged once it was shown."""
        talking = self._conversation

        def shown() -> None:
            if talking is not None and seq:
                self._perform(talking.shown(seq, trio.current_time()))

        if isinstance(event, events.Said) and fold(event.sender) in self._journal.ignored:
            shown()
        else:
            self._tell(event, shown)

    def _finish_conversation(self, finished: talk.Finished) -> None:
        assert self._conversation is not None
        self._invitations.conversations.discard(self._conversation.id)
        self._conversation = None
        if self._chosen is Status.ACTIVE:
            self._chosen = None  # it was chosen for this conversation
        self._put_status()
        self._progress.set()
        if finished.undelivered:
            self.spawn(self._leave_undelivered, finished)

    async def _leave_undelivered(self, finished: talk.Finished) -> None:
        """What never reached the other goes to the mailbox instead: nothing is lost."""
        for say in finished.undelivered:
            try:
                self.tell(events.LetterLeft(await self.leave_message(finished.to, say.text)))
            except ParleyError as failure:
                self.tell(events.NotDelivered(finished.to, f"{failure} ({say.text})"))

    # --- Time ---

    def _set_timer(self) -> None:
        deadline = self._next_deadline()
        if deadline < self._wake_at:
            self._wake_at = deadline
            self._timer.set()

    def _next_deadline(self) -> float:
        times = [self._invitations.next_deadline()]
        if self._conversation is not None:
            times.append(self._conversation.next_deadline())
        return min((time for time in times if time is not None), default=float("inf"))

    async def _keep_time(self) -> None:
        """Call the cores when something is due; until cancelled."""
        while True:
            self._timer = trio.Event()
            self._wake_at = self._next_deadline()
            with trio.move_on_at(self._wake_at):
                await self._timer.wait()
                continue
            now = trio.current_time()
            self._perform(self._invitations.tick(now))
            if self._conversation is not None:
                self._perform(self._conversation.tick(now))


class _Asking:
    """An invitation of mine that is not decided."""

    def __init__(self, callee: str) -> None:
        self.callee = callee
        self.over = trio.Event()
        self.result = Result(callee, Outcome.GONE)


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


def _nothing() -> None:
    pass
