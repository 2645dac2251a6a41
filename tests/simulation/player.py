"""A user with a program of their own, who types anything at any time, and forgets nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import trio

from peer import events
from peer.core.conversation.conversation import Conversation
from peer.core.conversation.ending import SETTLE_SECONDS
from peer.core.conversation.sent_text import SentText
from peer.lifespan import running
from peer.local_peer import LocalPeer
from peer.options import Options
from shared.errors import ParleyError
from shared.world import World
from tests.simulation.box import Computer, Run
from tests.simulation.manners import Manners

if TYPE_CHECKING:
    from tests.simulation.scenario import Scenario

FLUSH_SECONDS = 2.0  # for the last lines, as peer.program.lifecycle has it
RESTART_SECONDS = 1.0  # after a start that failed
THINK_SECONDS = 3.0  # the longest time before a question is answered


@dataclass(frozen=True)
class Said:
    """A text that a user has written in a conversation."""

    author: str
    text: str
    handle: SentText
    time: float
    to: frozenset[str]  #: the members, as far as the author knew

    @property
    def conversation(self) -> str:
        return self.handle.conversation.id

    @property
    def member(self) -> str:
        """The author's id as a member."""
        return self.handle.conversation.me.id


class Session:
    """What one run of a program has shown, and reported to its user."""

    def __init__(self, run: Run, known: set[str]) -> None:
        self.run = run
        self.known = known  #: texts that were on this disk before, and so on the screen
        self.said: list[Said] = []
        self.shown: list[str] = []  #: texts of others, in the order on the screen
        self.letters: set[str] = set()  #: those that arrived through the mailbox
        self.marked: set[str] = set()  #: those that arrived before what they answer
        self.last_of: dict[Conversation, int] = {}  #: the last seq of each author's stay
        self.unsigned: dict[Conversation, int] = {}  #: the first unsigned seq of each author's stay
        self.tampered: dict[Conversation, int] = {}  #: the same, of those that were sent
        self.again: set[str] = set()  #: may be shown twice: they came after an unsigned one
        self.told: list[str] = []  #: all that was shown
        self.two_faced: set[str] = set()  #: authors who were reported to say different things
        self.is_leaving = False  #: wanted to, and has entered no other one yet
        self.leaves = ""  #: the conversation that it wanted to leave last
        self.kept: set[str] = set()  #: own texts that were on this disk when it was killed
        self.interrupted = ""  #: the conversation in which it was killed, according to its disk
        self.entered_room = False  #: and its user has read so
        self.was_in = ""  #: the last conversation, according to the program


class Player:
    def __init__(self, scenario: "Scenario", name: str, machine: Computer) -> None:
        self._scenario, self.name, self.machine = scenario, name, machine
        self.manners = Manners(scenario.seed, name)
        self._chance = scenario.chance
        self.disk_seconds = machine.disk.seconds = scenario.chance.choice([0.0, 0.0, 0.01, 0.2])
        self.is_wanted = True  #: the program restarts whenever it ends
        self.down_until = 0.0
        self.screen_is_paused = False
        self.peer: LocalPeer | None = None  #: registered, and alive
        self.member = ""  #: their id as a member, after their first start
        self.session: Session | None = None
        self.sessions: list[Session] = []
        self.promised: list[tuple[str, str]] = []  #: receiver and text, left or delivered
        self.rooms_on_disk: set[str] = set()  #: in which any program of theirs ended
        self.parted: set[str] = set()  #: rooms that they have left
        self.has_parted = False  #: ever
        self._is_missing = False
        self._goes = trio.Event()
        self.patient = True  #: takes time to answer, and leaves some questions open
        self.agrees = False  #: says yes to each question
        self._nursery: trio.Nursery
        self._screen: list[tuple[events.Event, Callable[[], None]]] = []
        self._news = trio.lowlevel.ParkingLot()

    # --- Living ---

    async def live(self) -> None:
        """Start the program, and restart it whenever it has ended, until it is not wanted."""
        while self.is_wanted:
            run, world = self.machine.begin()
            session = self.session = Session(run, self._scenario.checks.texts_on_disk(self))
            self.sessions.append(session)
            self._screen = []
            try:
                await run.carry(partial(self._program, world, session))
            except ParleyError:
                if not run.is_dead:
                    run.die()
                await trio.sleep(RESTART_SECONDS)
            session.was_in = self.conversation.id if self.conversation else ""
            self.peer = None
            self._scenario.note(self.name, "ended" + " dead" * run.is_dead)
            self._scenario.checks.ended(self)
            await trio.sleep(max(0.0, self.down_until - trio.current_time()))

    async def _program(
        self, world: World, session: Session, *, task_status: trio.TaskStatus[None]
    ) -> None:
        peer = LocalPeer(world, self.name, [self._scenario.address], self._tell, Options())
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._show, session)
            failure: ParleyError | None = None
            try:
                async with running(peer):
                    self.peer, self.member = peer, peer._memory.myself.id
                    self._scenario.checks.watch_links(self)
                    self.manners.apply(peer)
                    self._scenario.note(self.name, "started")
                    self._goes = trio.Event()
                    await self._goes.wait()
                    self._scenario.note(self.name, "QUIT")
            except ParleyError as error:
                failure = error
            with trio.move_on_after(FLUSH_SECONDS):
                while self._screen and not session.run.is_dead:
                    await self._news.park()  # the last lines tell what could not be left
            self._nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    @property
    def run(self) -> Run:
        return self.session_now.run

    @property
    def session_now(self) -> Session:
        assert self.session is not None
        return self.session

    @property
    def is_up(self) -> bool:
        return self.peer is not None and not self.peer.is_over and not self.run.is_dead

    @property
    def is_quitting(self) -> bool:
        """Whether the user has quit, and the program still delivers what is on its way."""
        return self.peer is not None and self._goes.is_set()

    def is_killed(self, *, abruptly: bool, down: float) -> None:
        self.down_until = max(self.down_until, trio.current_time() + down)
        self.run.die(abruptly=abruptly)

    # --- The screen ---

    def _tell(self, event: events.Event, shown: Callable[[], None]) -> None:
        if not self.run.is_dead:
            self._screen.append((event, shown))
            self._news.unpark_all()

    async def _show(self, session: Session) -> None:
        while True:
            while not self._screen or self.screen_is_paused:
                await self._news.park()
            if self._chance.random() < 0.2:
                await trio.sleep(self._chance.uniform(0, 0.1))
            else:
                await trio.lowlevel.checkpoint()
            showing, self._screen = self._screen, []
            for event, shown in showing:
                if session.run.is_dead:
                    return
                self._see(event, session)
                shown()
            self._news.unpark_all()

    def pauses(self, paused: bool) -> None:
        self.screen_is_paused = paused
        self._news.unpark_all()

    def _see(self, event: events.Event, session: Session) -> None:
        self._scenario.note(self.name, str(event))
        session.told.append(str(event))
        if self._is_missing and isinstance(event, events.Said):
            session.marked.add(event.text)
        self._is_missing = isinstance(event, events.Missing)
        match event:
            case (
                events.Said(text=text) | events.Letter(text=text) | events.SaidPrivately(text=text)
            ):
                session.shown.append(text)
                if not isinstance(event, events.Said):
                    session.letters.add(text)
                self._scenario.checks.shown(self, event)
            case events.LetterMissing() | events.LetterRefused() | events.Notice():
                self._scenario.checks.warned(self, event)
            case events.SaidDifferently(author=author):
                session.two_faced.add(author)
            case events.Connected():  # perhaps shown late, when that one is being left already
                now = self.conversation
                session.is_leaving &= now is None or now.id == session.leaves
            case events.InRoom():
                self.parted -= {one.id for one in self.rooms}
                session.entered_room = True
            case events.BackInRooms():  # also of one that was left while the disk was full
                session.entered_room = True
            case events.MemberLeft():
                self._scenario.checks.left(self, event)
            case events.Invited(id=id, room=room):
                self._nursery.start_soon(self._answer, id, bool(room))

    async def _answer(self, id: str, is_room: bool) -> None:
        if self.patient:
            await trio.sleep(
                self._chance.choice([0, 0, 0.1, self._chance.uniform(0, THINK_SECONDS)])
            )
        if self.patient and self._chance.random() < 0.03:
            return  # the user is away from the keyboard
        if self.peer is not None:
            yes = self.agrees or self._chance.random() < 0.9
            self._scenario.note(self.name, f"answers {'Y' if yes else 'N'}")
            self.session_now.is_leaving |= yes and not is_room
            self.peer.invitations.answer(id, yes)

    # --- What they do ---

    def quits(self) -> None:
        """Quit; the program restarts if it is wanted."""
        self.session_now.is_leaving = True
        self._goes.set()

    def goes_on(self, told: int) -> bool:
        """Return whether the program is gone, or has shown more than this many events."""
        return self.peer is None or len(self.session_now.told) > told

    async def leaves(self, peer: LocalPeer) -> None:
        self._wants_to_leave()
        await peer.conversation.leave()

    def _wants_to_leave(self) -> None:
        session, now = self.session_now, self.conversation
        session.is_leaving, session.leaves = True, now.id if now is not None else ""

    async def leaves_and_is_killed(self, peer: LocalPeer) -> None:
        """Leave, as for another conversation, and die while the last texts are on their way."""
        await self.says(peer, 3)
        self._wants_to_leave()
        peer._exchange.conversations.leave_now()
        await trio.sleep(self._chance.choice([0.05, self._chance.uniform(0, SETTLE_SECONDS)]))
        self.is_killed(abruptly=self._chance.random() < 0.5, down=0.0)

    async def parts(self, peer: LocalPeer) -> None:
        """Leave the room for good."""
        self.has_parted = True
        self.parted |= {one.id for one in self.rooms}
        for room in peer.rooms.labels:
            await peer.rooms.leave(room)

    @property
    def rooms(self) -> list[Conversation]:
        return [one.core for one in self.peer._exchange.conversations.rooms] if self.peer else []

    @property
    def conversation(self) -> Conversation | None:
        return self.peer._exchange.conversations.conversation if self.peer else None

    @property
    def sleeping(self) -> Conversation | None:
        asleep = self.peer._exchange.conversations._stays.asleep if self.peer else None
        return asleep.core if asleep else None

    def does(self, what: str, work: Callable[[LocalPeer], Awaitable[object]]) -> None:
        """Do something in a task of its own; a refusal is only noted."""
        if self.is_up:
            assert self.peer is not None
            self._scenario.note(self.name, what)
            self._nursery.start_soon(self._try, work, self.peer)

    async def _try(self, work: Callable[[LocalPeer], Awaitable[object]], peer: LocalPeer) -> None:
        try:
            await work(peer)
        except ParleyError as failure:
            self._scenario.note(self.name, str(failure))

    async def says(self, peer: LocalPeer, count: int, room: str = "") -> None:
        """Write this many texts, as fast as they are taken."""
        session = self.session
        assert session is not None
        for _ in range(count):
            talks = peer._exchange.conversations
            if not peer.rooms.label(room) if room else talks.conversation is None:
                return
            text, before = self._scenario.new_text(self.name), talks.last
            try:
                await talks.say(text, room)
            finally:  # it is said, even if we are stopped while we wait
                handle = talks.last
                if handle is not None and handle is not before:  # else it was refused
                    to = frozenset(handle.states())
                    said = Said(self.name, text, handle, trio.current_time(), to)
                    session.said.append(said)
                    self._scenario.checks.said(said)
