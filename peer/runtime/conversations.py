"""Run my conversations: the shell of `peer.core.conversation.conversation`.

I am in one at most.  Others may settle: they are over, and texts on their way in them
are still acknowledged; and one may sleep: it was interrupted, and goes on when a member
is in reach again.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from typing import Final

import trio

from peer import events
from peer.core import membership
from peer.core.allowance import day_of
from peer.core.conversation import actions as talk
from peer.core.conversation.check_budget import CheckBudget
from peer.core.conversation.conversation import Conversation, Kept
from peer.core.conversation.entrances import Entrance
from peer.core.conversation.sent_text import SentText, Times
from peer.core.conversation.texts import WINDOW_TEXTS, Stream, check_stream, last, stream
from peer.core.display_gate import DisplayGate
from peer.core.keys.name_marks import bare, variants
from peer.core.lateness import late
from peer.core.membership import Roll, member_id
from peer.core.myself import Myself
from peer.core.reach.absence import BEAT, Heartbeat
from peer.events import Tell, as_called
from peer.runtime.answer_queue import ANSWER_BYTES, AnswerQueue
from peer.runtime.disk_shares import DiskShares
from peer.runtime.known_keys import KnownKeys
from peer.runtime.links import Links
from peer.runtime.name_judge import NameJudge
from peer.runtime.recorder import KEEP_AGAIN_SECONDS
from peer.runtime.timer import Timer
from peer.storage.journal import Batch, Journal
from peer.storage.known_users import KnownUsers
from peer.storage.texts import Place
from shared.codec import encode
from shared.errors import ProtocolError, Refused, StorageError
from shared.messages.common import Bye, Err
from shared.messages.peers import (
    Acknowledge,
    Entry,
    Hello,
    Leave,
    Members,
    Membership,
    Position,
    Text,
    Want,
)
from shared.names import fold
from shared.sealing import About, copy_id
from shared.wording import sentence
from shared.world import World

LEAVE_SECONDS: Final = 10.0  # for the last texts of a conversation that is left
KEEP_PAUSE: Final = 0.02  # texts within it share a commit; an ACK waits longer anyway,
KEEP_AT_ONCE: Final = 64  # unless this many wait: the window must not run dry
TOGETHER_SECONDS: Final = 0.001  # texts that are written faster than this go out together
ANSWER_TURNS: Final = 3  # of all tasks, so that a program's answer to a text goes out

TalkMessage = Text | Acknowledge | Hello | Members | Entry | Want | Leave


class Why(Enum):
    """A reason to show nothing of a conversation yet; names not judged yet are another."""

    DISK = auto()  #: it is not on disk yet


class Conversations:
    def __init__(
        self,
        world: World,
        links: Links,
        journal: Journal,
        tell: Tell,
        myself: Myself,
        *,
        known_keys: KnownKeys,
        name_judge: NameJudge,
        changed: Callable[[], None],
        leave_for: Callable[[Conversation, str, Position, int], None],
        settled: Callable[[Conversation], None],
        known_users: KnownUsers,
        disk_shares: DiskShares,
    ) -> None:
        """`changed` is called when a conversation begins or ends, `leave_for` with texts that
        a member can get only through the directory's mailbox, `settled` when a conversation
        is done for good.
        """
        self._world, self._links, self._journal, self._tell = world, links, journal, tell
        self._myself, self._known_keys, self._name_judge = myself, known_keys, name_judge
        self._changed, self._leave_for, self._settled = changed, leave_for, settled
        self._known_users, self._disk_shares = known_users, disk_shares
        self.conversation: Conversation | None = None
        self.last: SentText | None = None  #: my last text
        self._times = Times()
        self._linked: dict[str, str] = {}  # folded name -> which member that is
        self._check_budget = CheckBudget()
        self._asleep: Conversation | None = None
        self._settling: list[Conversation] = []
        self._progress = trio.Event()  # something was acknowledged, or all is over
        self._drafted = trio.Event()  # something was said that is not signed
        self._shown: list[tuple[Conversation, Text]] = []  # to the user; the core does not know yet
        self._to_check = trio.Event()
        self._flushed_at = float("-inf")
        self._texts: list[tuple[Conversation, Text]] = []  # for the disk
        self._passed: list[tuple[Conversation, Text]] = []  # of which only the place is kept
        self._waiting: dict[str, list[tuple[Conversation, Text]]] = {}  # by author, for my yes
        self._waiting_day = 0  # when the last of them began to wait
        self._unkept: dict[Place, Text] = {}  # of others: given to the screen, not on disk
        self._members: list[tuple[str, str, str, Membership]] = []
        self._acknowledged: dict[tuple[str, str, str], int] = {}
        self._entrances: dict[tuple[str, str, int], Entrance] = {}
        self._begun: list[tuple[str, tuple[Position, ...], int]] = []
        self._ended: list[str] = []
        self._left: list[Conversation] = []  # by me, since the last commit
        self._received: dict[tuple[str, str, str], int] = {}  # acknowledged after the end
        self._to_keep = trio.Event()
        self._many_to_keep = trio.Event()
        self._is_committing = False
        self._gate = DisplayGate(self._tell_called)
        self._depth = 0  # of actions that set off others: nested `_perform`s
        self._heartbeat = Heartbeat()
        self._timer = Timer(self._next_deadline, self._tick)
        self._nursery: trio.Nursery  # while it runs
        self._answer_queue = AnswerQueue(links, self._start_soon)

    @property
    def others(self) -> tuple[str, ...]:
        """What the user reads for the others in my conversation."""
        current = self.conversation
        return tuple(map(current.called, current.others)) if current else ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the others in my conversation, each once."""
        current = self.conversation
        return tuple(dict.fromkeys(map(current.roll.name, current.others))) if current else ()

    def is_with(self, name: str) -> bool:
        """Whether I talk with the owner of this name: another key of it is somebody else."""
        return any(fold(other) == fold(name) for other in self.others)

    def needs(self, name: str) -> bool:
        """Whether the link to this user is wanted."""
        member = self._linked.get(fold(name), "")
        return any(current.concerns(member) for current in self._all())

    @property
    def authority(self) -> bytes:
        """The authority of the community, which vouches for the members."""
        return self._known_keys.authority

    # --- Beginning ---

    def enter(
        self, id: str, members: tuple[Membership, ...], since: tuple[Position, ...],
        lamport: int = 0, entry: Entry | None = None,
    ) -> Conversation:  # fmt: skip
        """Enter this conversation, and leave any other.  `entry`: of the member who let me in.

        Raises ProtocolError, before anything has changed, when the memberships are
        forged, or mine is not among them.
        """
        me = self._myself.me
        membership.check_size(members)
        roll = Roll(id, self.authority)
        roll.merge(members)
        if not roll.is_in(me.id):
            raise ProtocolError("nobody has added me to this conversation")
        for one in since:
            check_stream((one.author, one.epoch))
        self.leave_now()
        since, lamport = self._furthest(id, since, lamport)
        begun = self.conversation = self._conversation(
            id, roll, since=since, lamport=lamport, entrances=self._journal.entrances(id)
        )
        if entry is not None:
            self._perform(begun, begun.receive(me.id, entry, trio.current_time()))
        self._begun.append((id, since, lamport))
        self._gate.close(id, Why.DISK)
        self._many_to_keep.set()
        self._keep_members(begun, roll.everybody(), pins=True)
        self._changed()
        return begun

    def _furthest(
        self, id: str, since: tuple[Position, ...], lamport: int
    ) -> tuple[tuple[Position, ...], int]:
        """Return how far the texts before me reach, here or on disk from an earlier stay.

        The member who brings me back may have fewer of them than I had.
        """
        have, highest = self._journal.reach(id, self._myself.id)
        positions: dict[Stream, int] = {}
        for one in (*since, *have):
            of = (one.author, one.epoch)
            positions[of] = max(one.seq, positions.get(of, 0))
        furthest = tuple(Position(*of, seq) for of, seq in positions.items())
        return furthest, max(lamport, highest)

    def begin(self, begun: Conversation) -> None:
        """Show the conversation that `enter` made, once it is on disk, and link its members."""
        self._show(begun, events.Connected(begun.others), events.nothing)
        self._start(begun)

    def admit(self, current: Conversation, member: str, membership: Membership) -> None:
        """Make somebody a member who has said yes."""
        self._hear(member, Members(current.id, (membership,)))

    def before(self, current: Conversation) -> tuple[tuple[Position, ...], int]:
        """Return what was said so far, which a newcomer does not get, and its highest lamport."""
        self._flush_draft()
        self._note_shown()
        self._perform(current, current.check_all())
        return current.before(), current.lamport

    def _conversation(
        self, id: str, roll: Roll, *, since: tuple[Position, ...] = (), lamport: int = 0,
        kept: Kept | None = None, entrances: tuple[Entrance, ...] = (),
    ) -> Conversation:  # fmt: skip
        chance = self._world.chance
        return Conversation(
            id, self._myself.me, roll, chance.randbytes(8).hex(),
            first_number=int(self._world.clock.time() * 1000),
            jitter=lambda: chance.uniform(0.8, 1.2), have=since, lamport=lamport, kept=kept,
            entrances=kept.entrances if kept else entrances,
            called=lambda member: self._known_keys.called(member, roll.name(member)),
            spell=lambda member: member,  # an id, which `_tell_called` replaces by the name shown
        )  # fmt: skip

    def _start(self, current: Conversation) -> None:
        self._perform(current, current.begin(trio.current_time()))

    def restore(self) -> None:
        """Take up the conversation in which my last program was interrupted."""
        id = self._journal.interrupted()
        if id is None:
            return
        kept = self._journal.kept(id, self._myself.id, trio.current_time())
        roll = Roll(id, self.authority)
        with suppress(ProtocolError):  # of another community, or damaged: it is over
            roll.merge(kept.members)
        if not roll.is_in(self._myself.id) or len(roll.members()) < 2:
            self._ended.append(id)
            self._to_keep.set()
            return
        self._asleep = self._conversation(id, roll, kept=kept)
        self._judge(self._asleep, roll.members(), pins=False)
        self._start(self._asleep)

    # --- What I do ---

    async def say(self, text: str) -> SentText:
        """Say a text; wait while too many are undelivered.  Raises Refused in no conversation."""
        current = self.conversation
        if current is None:
            raise Refused("You are in no conversation.")
        handle = self.last = SentText(current, current.say(text), self._until, self._times)
        now = trio.current_time()
        if now - self._flushed_at > TOGETHER_SECONDS or current.must_flush:
            self._flush(current)
        else:
            self._drafted.set()
        if not current.has_room:
            self._flush(current)
            await self._until(lambda: current.has_room or current.is_over)
        return handle

    def _flush(self, current: Conversation) -> None:
        self._flushed_at = trio.current_time()
        actions = current.flush(self._world.clock.time(), self._flushed_at)
        if actions:
            self._known_users.answer(*map(current.roll.name, current.others))
        self._perform(current, actions)

    async def _flush_drafts(self) -> None:
        """Send texts together that were said in one go."""
        while True:
            await self._drafted.wait()
            self._flush_draft()

    def _flush_draft(self) -> None:
        """Send drafts before the next event: it may end the conversation, or change its members."""
        if self._drafted.is_set():
            self._drafted = trio.Event()
            if self.conversation is not None:
                self._flush(self.conversation)

    async def leave(self) -> bool:
        """Leave once my texts have arrived, if they can; return False in no conversation."""
        current = self.conversation
        if current is None:
            return False
        self._flush(current)
        with trio.move_on_after(LEAVE_SECONDS):
            await self._until(
                lambda: current.is_delivered or current.is_over or not current.can_deliver
            )
        if not current.is_over and current is self.conversation:
            self.leave_now()
        return True

    def leave_now(self) -> None:
        """Leave the conversation that I am in, and the one that sleeps."""
        self._note_shown()
        if (current := self.conversation) is not None:
            self._flush(current)
            self._perform(current, current.leave(trio.current_time()))
        if (asleep := self._asleep) is not None:
            self._asleep = None
            self._settling.append(asleep)
            self._left.append(asleep)
            self._perform(asleep, asleep.leave(trio.current_time()))

    async def wait_kept(self) -> None:
        """Return when all texts said and shown are at least on their way to the disk."""
        if self.conversation is not None:
            self._flush(self.conversation)
        self._note_shown()
        await self._until(lambda: not self._is_keeping)

    async def wait_shown(self) -> None:
        """Return when all events of my conversation so far were told."""
        if (current := self.conversation) is not None:
            await self._until(lambda: not self._gate.is_closed(current.id))

    async def settle(self) -> None:
        """Return when no conversation waits for its last acknowledgements."""
        await self._until(lambda: not self._settling and not self._is_keeping)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            if self._progress.is_set():  # else others wait for this event too
                self._progress = trio.Event()
            await self._progress.wait()

    # --- What the links and the directory do ---

    def directory(self, *, is_there: bool) -> None:
        for current in self._all():
            current.directory(trio.current_time(), is_there=is_there)

    def _look_at_clock(self) -> None:
        """Check, before the next event, whether the program stood still until now."""
        seconds = self._heartbeat.beat(trio.current_time(), self._world.clock.time())
        if seconds:
            for current in self._all():
                current.slept(seconds, trio.current_time())

    async def _beat(self) -> None:
        while True:
            self._look_at_clock()
            await trio.sleep(BEAT)

    def linked(self, name: str) -> None:
        """Note a link to the member with this name and its key; another key is another member."""
        self._look_at_clock()
        key = self._links.key(name)
        assert key is not None
        member = member_id(name, key)
        if self._linked.get(fold(name), member) != member:
            self.link_lost(name)
        self._linked[fold(name)] = member
        for current in self._all():
            self._perform(current, current.linked(member, trio.current_time()))

    def link_lost(self, name: str) -> None:
        self._look_at_clock()
        self._flush_draft()
        member = self._linked.pop(fold(name), "")
        for current in self._all():
            self._perform(current, current.link_lost(member, trio.current_time()))
        self._progress.set()

    def unreachable(self, name: str) -> None:
        for current in self._all():
            for member in current.roll.named(name):
                self._perform(current, current.unreachable(member, trio.current_time()))

    def came(self, name: str) -> None:
        """Note that the directory says that they are online."""
        for current in self._all():
            for member in current.roll.named(name):
                self._perform(current, current.may_be_back(member, trio.current_time()))

    def hear(self, name: str, message: TalkMessage) -> bool:
        """Handle a message; return False if I am not in its conversation.  Raises ProtocolError."""
        return self._hear(self._linked[fold(name)], message)

    def _hear(self, member: str, message: TalkMessage) -> bool:
        self._flush_draft()
        stays = [current for current in self._all() if current.id == message.conversation]
        if not stays:
            return False
        if isinstance(message, Members):
            membership.check_size(message.members)
        for current in stays:
            # I may have left it and come back: earlier stays only wait for acknowledgements.
            if current is stays[-1] or isinstance(message, Acknowledge):
                checks, now = current.roll.checks, trio.current_time()
                self._perform(current, current.receive(member, message, now))
                self._check_budget.spend(member, current.roll.checks - checks, now)
        self._progress.set()
        return True

    def disown(self, name: str, message: Members) -> None:
        """Sign that I am out of a conversation in which they count me, and tell them its roll."""
        me, id, sender = self._myself.me, message.conversation, self._linked[fold(name)]
        membership.check_size(message.members)
        if not any(me.identity.public in one.certificate for one in message.members):
            return  # it is not about me, so it costs them nothing
        roll = Roll(id, self.authority)
        try:
            roll.merge(message.members)
        finally:
            self._check_budget.spend(sender, roll.checks, trio.current_time())
        if not roll.is_in(me.id):
            return
        if roll.is_in(sender):  # nobody else need know who is in
            with suppress(ProtocolError):  # damage on my disk is no fault of theirs
                roll.merge(self._journal.memberships(id))
        if roll.is_in(me.id) and (mine := roll.of(me.id)) is not None:
            roll.merge((membership.leave(me, id, mine),))
        for page in membership.pages(roll.all()):
            self._links.post(name, Members(id, page))

    def has_come(self, author: str, about: About) -> bool:
        """Whether this text came directly, not as a letter, and was shown or is about to be.

        `author` is a member id.
        """
        place = (about.conversation, author, about.epoch)
        return any(
            current.id == about.conversation and current.has_come(author, about.epoch, about.seq)
            for current in self._all()
        ) or any(
            place == (text.conversation, *stream(text)) and text.seq <= about.seq <= last(text)
            for text in self._unkept.values()
        )

    async def wait_on_disk(self, author: str, about: About) -> None:
        """Return when such a text is on disk, or is no longer coming."""
        place = (about.conversation, author, about.epoch, about.seq)
        await self._until(
            lambda: self._journal.texts.has(*place) or not self.has_come(author, about)
        )

    def received_from_mailbox(self, by: str, about: About) -> bool:
        """Note a receipt for the copy of a text; return False when nobody here waits for it."""
        for current in self._all():
            if current.id == about.conversation:
                was_there = current.has(by, about.epoch, about.seq)
                acknowledged = current.taken_from_mailbox(by, about.epoch, about.seq)
                self._perform(current, acknowledged)
                return not was_there
        return False

    def _all(self) -> list[Conversation]:
        now = [self.conversation] if self.conversation else []
        return [*self._settling, *now, *([self._asleep] if self._asleep else [])]

    # --- Time, and the disk ---

    async def run(self) -> None:
        """Run until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._timer.run)
            nursery.start_soon(self._flush_drafts)
            nursery.start_soon(self._check_shown)
            nursery.start_soon(self._keep)
            nursery.start_soon(self._beat)

    def _start_soon(self, task: Callable[..., Awaitable[None]], *arguments: str) -> None:
        self._nursery.start_soon(task, *arguments)

    def _next_deadline(self) -> float | None:
        if self.conversation is not None and not self._settling and not self._asleep:
            return self.conversation.next_deadline()  # asked for at each text
        times = [current.next_deadline() for current in self._all()]
        return min((time for time in times if time is not None), default=None)

    def _tick(self) -> None:
        self._look_at_clock()
        self._flush_draft()
        self._release_at_midnight()
        for current in self._all():
            self._perform(current, current.tick(trio.current_time()))
        self._progress.set()

    @property
    def _is_keeping(self) -> bool:
        return self._is_committing or bool(
            self._shown
            or self._texts
            or self._members
            or self._acknowledged
            or self._entrances
            or self._begun
            or self._ended
        )

    async def _keep(self) -> None:
        """Put on disk all that came meanwhile, in one commit; then it may be acknowledged."""
        complained = False
        while True:
            await self._to_keep.wait()
            with trio.move_on_after(KEEP_PAUSE):
                await self._many_to_keep.wait()
            self._to_keep, self._many_to_keep = trio.Event(), trio.Event()
            texts, passed, members = self._texts, self._passed, self._members
            acknowledged = self._acknowledged
            begun, ended = self._begun, self._ended
            left, received = self._left, self._received
            entrances, self._entrances = self._entrances, {}
            self._texts, self._passed, self._members, self._acknowledged = [], [], [], {}
            self._begun, self._ended = [], []
            self._left, self._received = [], {}
            self._is_committing = True
            try:
                batch = Batch(
                    begun, [text for _, text in texts], members,
                    [(*of, seq) for of, seq in acknowledged.items()], ended,
                    # Keep what I owe when I leave: the next program does not resume that.
                    owed=[
                        (current.id, current.roll.name(owed.to), owed)
                        for current in left
                        for owed in current.owed()
                    ],
                    received=[(*of, seq) for of, seq in received.items()],
                    passed=[(one.conversation, *stream(one), last(one)) for _, one in passed],
                    entrances=[(id, one) for (id, _, _), one in entrances.items()],
                )  # fmt: skip
                await self._journal.keep(batch, self._world.clock.time())
            except StorageError as failure:
                if not complained:
                    complained = True
                    self._tell(events.Notice(sentence(failure)), events.nothing)
                self._texts, self._members = texts + self._texts, members + self._members
                self._passed = passed + self._passed
                self._acknowledged = acknowledged | self._acknowledged
                self._entrances = entrances | self._entrances
                self._begun, self._ended = begun + self._begun, ended + self._ended
                self._left, self._received = left + self._left, received | self._received
                self._let_go(id for id, *_ in begun)
                self._is_committing = False
                await trio.sleep(KEEP_AGAIN_SECONDS)
                self._to_keep.set()
                continue
            complained = self._is_committing = False
            self._let_go(id for id, *_ in begun)
            for current, text in [*texts, *passed]:
                self._unkept.pop(_place(text), None)
                self._perform(current, current.kept(text, trio.current_time()))
            self._progress.set()

    def _let_go(self, begun: Iterable[str]) -> None:
        """Let these conversations be shown: a restart finds them, or the user was told why not."""
        for id in begun:
            self._open_gate(id, Why.DISK)

    def _open_gate(self, id: str, reason: object) -> None:
        self._gate.open(id, reason)
        self._progress.set()  # a command may wait until all was shown

    def _show(self, current: Conversation, event: events.Event, shown: Callable[[], None]) -> None:
        """Show an event, which names members by their ids."""
        self._gate.show(current.id, current, event, shown)

    def _tell_called(
        self, current: Conversation, event: events.Event, shown: Callable[[], None]
    ) -> None:
        self._tell(as_called(event, current.called), shown)

    def _judge(self, current: Conversation, members: Iterable[str], *, pins: bool) -> None:
        """Show nothing of the conversation until it is known whose names these are.

        If that cannot be known now, show it all the same.  `pins`: remember their keys.
        """
        names = tuple(map(current.roll.name, members))
        if all(map(self._known_keys.is_judged, names)):
            if pins:
                self._known_keys.pin(*names)
            return
        reason = object()
        self._gate.close(current.id, reason)
        self._nursery.start_soon(self._judge_names, current.id, names, reason, pins)

    async def _judge_names(
        self, id: str, names: tuple[str, ...], reason: object, pins: bool
    ) -> None:
        await self._name_judge.judge(names)
        if pins:
            self._known_keys.pin(*names)
        self._open_gate(id, reason)

    # --- Doing what the core decides ---

    def _perform(self, current: Conversation, actions: list[talk.Action]) -> None:
        """Perform actions in order, each with all that it sets off before the next one."""
        self._depth += 1
        try:
            self._perform_all(current, actions)
        finally:
            self._depth -= 1
        if not self._depth:
            self._timer.look()

    def _perform_all(self, current: Conversation, actions: list[talk.Action]) -> None:
        for action in actions:
            match action:
                case talk.Send(to, message):
                    self._links.post_all(self._links_to(current, to), message)
                case talk.Show(event):
                    self._show(current, event, events.nothing)
                case talk.Read(text):
                    self._read(current, text)
                case talk.Keep(text):
                    self._keep_text(current, text)
                case talk.KeepMembers(members):
                    self._keep_members(current, members)
                case talk.KeepEntrance(entrance):
                    self._entrances[current.id, entrance.member, entrance.counter] = entrance
                    self._to_keep.set()
                case talk.KeepAcknowledged(by, epoch, seq):
                    self._acknowledged[current.id, by, epoch] = seq
                    if current.is_over:
                        self._received[current.id, by, epoch] = seq
                    self._times.note(current.id, by, epoch, seq, self._world.clock.time())
                    self._to_keep.set()
                case talk.Discard(text):
                    self._unkept.pop(_place(text), None)
                case talk.Refuse(to, reason):
                    self._refuse(current, to, reason)
                case talk.Hand(to, after):
                    self._hand(current, to, after)
                case talk.Dial(to):
                    self._dial(current, to)
                case talk.LeaveFor(to, after, upto):
                    self._leave_for(current, to, after, upto)
                case talk.Back():
                    self._wake(current)
                case talk.Finished():
                    self._finish(current)
                case talk.Settled():
                    self._settle(current)

    def _keep_text(self, current: Conversation, text: Text) -> None:
        """Put it on disk, unless its author has filled enough of it for today.

        Of a text of an ignored author, only the place goes there.
        """
        author = current.called(text.author)  # another key of a name has its own allowance
        if fold(bare(author)) in self._journal.contacts.ignored:
            self._passed.append((current, text))
        elif text.author != current.me.id and (
            fold(author) in self._waiting
            or not self._disk_shares.may_keep(author, len(encode(text)))
        ):
            self._waiting.setdefault(fold(author), []).append((current, text))
            self._waiting_day = day_of(self._world.clock.time())
            return
        else:
            self._texts.append((current, text))
        self._to_keep.set()
        if len(text.texts) + len(self._texts) + len(self._passed) > KEEP_AT_ONCE:
            self._many_to_keep.set()

    def release(self, author: str) -> None:
        """Judge anew the texts of this author that wait."""
        for called in variants(bare(author)):
            for current, text in self._waiting.pop(fold(called), ()):
                self._keep_text(current, text)

    def _release_at_midnight(self) -> None:
        if self._waiting and day_of(self._world.clock.time()) != self._waiting_day:
            for author in list(self._waiting):
                self.release(author)

    def _read(self, current: Conversation, text: Text) -> None:
        """Show a text; after that it is checked and put on disk."""

        def shown() -> None:
            self._shown.append((current, text))
            self._to_check.set()

        author, lines = text.author, self._for_the_screen(current, text)
        behind = self._links.behind(current.roll.name(author))
        is_late = late(text.time, self._world.clock.time(), behind)
        self._unkept[_place(text)] = text
        sender = author
        tell: Tell = partial(self._show, current)
        if not self._gate.is_closed(current.id):
            sender, tell = current.called(author), self._tell  # looked up once for all lines
        for line in lines[:-1]:
            tell(events.Said(sender, line, is_late), events.nothing)
        for line in lines[-1:]:
            tell(events.Said(sender, line, is_late), shown)
        if not lines:
            shown()

    async def _check_shown(self) -> None:
        """Check shown texts, but first let an answer to them go out."""
        while True:
            await self._to_check.wait()
            for _ in range(ANSWER_TURNS):
                await trio.lowlevel.checkpoint()
            self._note_shown()
            self._progress.set()

    def _note_shown(self) -> None:
        shown, self._shown = self._shown, []
        if self._to_check.is_set():
            self._to_check = trio.Event()
        for current, text in shown:
            self._perform(current, current.shown(text))

    def _for_the_screen(self, current: Conversation, text: Text) -> list[str]:
        """Return the lines to show: none of an ignored user, or that came through the mailbox."""
        is_ignored = fold(current.roll.name(text.author)) in self._journal.contacts.ignored
        if is_ignored or self._was_read(current, text):
            return []
        copies, to_come = self._journal.letters.copies, self._journal.letters.copies_to_come
        if not copies and not to_come:
            return list(text.texts)
        me, lines = current.me.id, []
        for seq, line in enumerate(text.texts, start=text.seq):
            id = copy_id(About(current.id, text.epoch, seq), text.author, me)
            copy = (text.author, id)
            if copy in to_come:
                self._journal.letters.read_as_text(current.id, text.author, text.epoch, seq)
            if copy not in copies:
                lines.append(line)
        return lines

    def _was_read(self, current: Conversation, text: Text) -> bool:
        """Whether I read it in an earlier stay; the member who brought me back lacked it."""
        if current.roll.counter(current.me.id) == 1:
            return False
        end = (text.conversation, *stream(text), last(text))
        return _place(text) in self._unkept or self._journal.texts.has(*end)

    def _keep_members(
        self, current: Conversation, members: Iterable[str], *, pins: bool = False
    ) -> None:
        members = tuple(members)
        self._judge(current, members, pins=pins)
        found = ((member, current.roll.of(member)) for member in members)
        self._members += [
            (current.id, member, current.roll.name(member), one)
            for member, one in found
            if one is not None
        ]
        self._to_keep.set()

    def _is_linked(self, current: Conversation, member: str) -> bool:
        return self._linked.get(fold(current.roll.name(member))) == member

    def _links_to(self, current: Conversation, members: Iterable[str]) -> list[str]:
        """Return the names under which these members are linked now."""
        return [current.roll.name(one) for one in members if self._is_linked(current, one)]

    def _hand(self, current: Conversation, to: str, after: Position) -> None:
        def answer() -> None:
            if current.roll.is_in(to):
                lines = self._journal.texts.after(current.id, after, WINDOW_TEXTS, ANSWER_BYTES)
                self._links.post_bytes(self._links_to(current, (to,)), b"".join(lines))
                self._perform(current, current.handed(to, after))

        name = current.roll.name(to)
        self._answer_queue.hand(name, (current.id, after.author, after.epoch), answer)

    def _refuse(self, current: Conversation, to: str, reason: str) -> None:
        for name in self._links_to(current, (to,)):
            if (link := self._links.to(name)) is not None:
                link.hang_up(Err("PROTOCOL", reason), Bye())

    def _dial(self, current: Conversation, to: str) -> None:
        """Dial a member; while another key of their name is linked, leave that to a later try."""
        name = current.roll.name(to)
        if self._links.to(name) is None:
            self._links.dial(name)
        elif self._is_linked(current, to):
            self._perform(current, current.linked(to, trio.current_time()))

    def _wake(self, current: Conversation) -> None:
        """Resume the conversation that slept, unless I am in another one by now."""
        if current is self._asleep:
            self._asleep, self.conversation = None, current
            self._changed()
            self._show(current, events.BackInConversation(current.others), events.nothing)

    def _finish(self, current: Conversation) -> None:
        if current is self.conversation:
            self.conversation = None
        if current is self._asleep:
            self._asleep = None
        if current.is_asleep:
            self._asleep = current
        else:
            self._settling.append(current)
            self._ended.append(current.id)
            self._left.append(current)
            self._to_keep.set()
        self._changed()

    def _settle(self, current: Conversation) -> None:
        if current is self._asleep:
            self._asleep = None
            self._ended.append(current.id)
            self._to_keep.set()
        if current in self._settling:
            self._settling.remove(current)
        for author, waiting in list(self._waiting.items()):
            # Not acknowledged: their authors leave them in the mailbox, or hand them on later.
            self._waiting[author] = [one for one in waiting if one[0] is not current]
            if not self._waiting[author]:
                del self._waiting[author]
        self._times.forget(current.id)
        self._settled(current)
        self._progress.set()


def _place(text: Text) -> Place:
    return (text.conversation, *stream(text), text.seq)
