"""A whole community in one test: a real directory, real peers, real consoles.

    async def test_somebody_says_yes(community):
        carol, dave = await community.start("carol", "dave")
        await carol.types("CHAT dave")
        await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
        await dave.types("Y")
        await carol.sees("You are now connected with dave.")

Everybody has a machine of their own on the network of `tests.kit.world`, whose disk and
clock survive its programs.  Time is trio's, so under an autojump clock a minute takes no
time; the same seed gives the same order of events.
"""

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import trio
from msgspec.structs import replace
from trio._core import _run as trio_scheduler

from directory_server.server import Directory
from directory_server.settings import Settings
from peer import events
from peer.commands.parsing import parse
from peer.console.codes import Code
from peer.console.console import Console
from peer.lifespan import running
from peer.local_peer import LocalPeer
from peer.options import Options
from peer.program.one_shot import perform_and_quit
from shared.clean import lines_of
from shared.errors import ParleyError
from shared.link import Link
from shared.messages.common import Message
from shared.world import Address
from tests.kit.world import Cable, Hub, Machine

PATIENCE: Final = 5.0  # seconds until a person who waits for a line gives up
DIRECTORY: Final = Address("10.0.0.1", 5000)

Then = Callable[[], None]


@asynccontextmanager
async def open_community(
    *, seed: int = 0, settings: Settings | None = None
) -> AsyncIterator["Community"]:
    """Open a community whose directory runs; kill all programs at the end of the block."""
    make_scheduling_repeatable(seed)
    async with trio.open_nursery() as nursery:
        community = Community(nursery, seed, settings or Settings())
        await community.directory.starts()
        yield community
        await community.ends()
        nursery.cancel_scope.cancel()


def make_scheduling_repeatable(seed: int) -> None:
    """Shuffle tasks with a known seed; trio shuffles them so that nobody relies on their order."""
    trio_scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio_scheduler._r.seed(seed)


@pytest.fixture
async def community(autojump_clock: Any) -> AsyncIterator["Community"]:
    async with open_community() as opened:
        yield opened


class Community:
    """The directory, all people who were named so far, and the network between them."""

    def __init__(self, nursery: trio.Nursery, seed: int, settings: Settings) -> None:
        self.nursery, self.seed = nursery, seed
        self.chance = random.Random(seed)  #: for all that a test leaves to chance
        self.hub = Hub()
        self.people: dict[str, Person] = {}
        machine = self.hub.machine(DIRECTORY.host, seed=seed)
        self.directory = DirectoryProgram(nursery, machine, settings)

    # --- People ---

    def person(self, name: str, options: Options | None = None) -> "Person":
        """Return a person with a machine, whose program does not run yet."""
        machine = self.hub.machine(f"10.0.1.{len(self.people) + 1}", seed=self.seed)
        person = self.people[name] = Person(self, name, machine, options or Options())
        return person

    async def start(self, *names: str) -> Sequence["Person"]:
        """Start all of them; return when each is registered, and has read of later arrivals."""
        people = [self.person(name) for name in names]
        for person in people:
            await person.starts()
        for number, person in enumerate(people):
            for later in people[number + 1 :]:
                await person.sees(f"* {later.name} is online.")
        return people

    async def talking(self, *names: str) -> Sequence["Person"]:
        """Start two people, and bring them into a conversation."""
        one, other = await self.start(*names)
        await one.connects_with(other)
        return one, other

    async def ends(self) -> None:
        for person in self.people.values():
            await person.is_killed()
        await self.directory.crashes()

    # --- The network ---

    def cables(self, one: "Person", other: "Person | DirectoryProgram") -> list[Cable]:
        """Return the connections between these two; the oldest first."""
        return self.hub.cables(one.host, other.host)

    def cuts(self, one: "Person", other: "Person | DirectoryProgram") -> None:
        """Reset the connections between these two; they may dial again at once."""
        self.hub.cut(one.host, other.host)

    def separates(self, one: "Person", other: "Person | DirectoryProgram") -> None:
        """Let nothing pass between these two any more, and tell nobody."""
        self.hub.separate(one.host, other.host)

    def reunites(self, one: "Person", other: "Person | DirectoryProgram") -> None:
        self.hub.reunite(one.host, other.host)

    async def delays_everything(self, longest: float) -> None:
        """Hold back bytes on each connection for random moments; until cancelled."""
        held: dict[Cable, float] = {}
        while True:
            now = trio.current_time()
            for each in self.hub.cables():
                if each not in held and self.chance.random() < 0.5:
                    held[each] = now + self.chance.uniform(0, longest)
                    each.silence()
            for each in [one for one, until in held.items() if until <= now]:
                del held[each]
                each.heal()
            await trio.sleep(self.chance.uniform(0, longest / 4))


class DirectoryProgram:
    """The directory, on its own machine."""

    def __init__(self, nursery: trio.Nursery, machine: Machine, settings: Settings) -> None:
        self._nursery, self.machine = nursery, machine
        self._settings = settings._replace(port=DIRECTORY.port)
        self._run: _Run | None = None
        self._directory: Directory | None = None

    @property
    def host(self) -> str:
        return self.machine.host

    @property
    def is_running(self) -> bool:
        return self._run is not None and not self._run.is_over

    async def starts(self) -> None:
        directory = self._directory = Directory(self.machine.world(), self._settings)
        self._run = _Run()
        await self._nursery.start(self._run.carry, directory.run)

    @property
    def running(self) -> Directory:
        assert self._directory is not None
        return self._directory

    def frees(self, name: str) -> None:
        """Make a name that was given back free for all, as if thirty days had passed."""
        assert self._directory is not None
        self._directory._community.names._tombstones.lift(name)

    def says(self, name: str, *messages: Message) -> None:
        """Say this to a user who is online, unasked, as an honest directory would not."""
        community = self.running._community
        link = community.sessions.links[community.registry.look_up(name).id]
        for message in messages:
            link.post(message)

    async def stops(self) -> None:
        """Stop it, as by SIGTERM."""
        assert self._directory is not None
        assert self._run is not None
        self._directory.stop()
        await self._run.over.wait()

    async def crashes(self) -> None:
        """Kill it, as by `kill -9`; the disk keeps all that was committed."""
        if self._run is not None:
            self.machine.kill()
            await self._run.is_killed()
            self.machine.disk.abandon()

    async def crashes_and_restarts(self) -> None:
        await self.crashes()
        await self.starts()


class Person:
    """A person at a keyboard and a screen, whose actions read like a play.

    `sees` moves forward through the screen: each call finds a line below the one that was
    found last.
    """

    def __init__(self, community: Community, name: str, machine: Machine, options: Options) -> None:
        self._community, self.name, self.machine = community, name, machine
        self.options = options
        self.directories = [DIRECTORY]  #: that this person names
        self.screen = Screen()
        self.keyboard = Keyboard()
        self.peer: LocalPeer
        self.console: Console
        self.code: Code | None = None  #: of the last program, once it has ended
        self.is_by_hand = False  #: whether the program knows that a person types
        self.events: list[events.Event] = []  #: all that any program of theirs was told
        self._run: _Run | None = None

    @property
    def host(self) -> str:
        return self.machine.host

    @property
    def is_running(self) -> bool:
        return self._run is not None

    @property
    def now(self) -> float:
        """The time of this machine's clock; seconds since 1970."""
        return self.machine.clock.time()

    # --- The program ---

    async def starts(self) -> None:
        """Return when registered, or killed.  Raises the error that prevents it."""
        assert self._run is None, f"{self.name}'s program runs already"
        self.screen, self.keyboard = Screen(), Keyboard()
        run = self._run = _Run()
        try:
            await self._community.nursery.start(run.carry, self._program)
        except ParleyError:
            self._run = None
            raise
        except RuntimeError:
            assert run.was_killed
            return
        await self.sees_part(f"You are {self.peer.name}, connected to the directory at ")

    async def starts_again(self) -> None:
        if self._run is not None:
            await self.quits()
        await self.starts()

    async def quits(self) -> None:
        await self.types("QUIT")
        await self.is_gone()
        await self.sees("Good bye! ☺")

    async def ends_input(self) -> None:
        """End the input, as when the terminal closes, or a typed file ends."""
        self.keyboard.end()
        await self.is_gone()

    def knows_no_punch(self) -> None:
        """Let the directory of this program be an old one, under which no two users meet."""
        self.peer._reach.directory.knows_punch = False

    async def is_gone(self, within: float = 30.0) -> None:
        """Wait until the program ends."""
        assert self._run is not None
        with trio.fail_after(within):
            await self._run.over.wait()
        self._run = None

    def link_to(self, name: str) -> Link[Message]:
        """Return the link that carries texts to this user; there must be one."""
        link = self.peer._reach.links.to(name)
        assert link is not None
        return link

    async def is_killed(self) -> None:
        """Kill the program, as by `kill -9`; does nothing when none runs."""
        if self._run is not None:
            self.machine.kill()
            await self._run.is_killed()
            self.machine.disk.abandon()
            self._run = None

    def vanishes(self) -> None:
        """Pull the cable out of the machine, and tell nobody."""
        self._others(self._community.separates)

    def returns(self) -> None:
        self._others(self._community.reunites)

    def _others(self, do: Callable[["Person", "Person | DirectoryProgram"], None]) -> None:
        do(self, self._community.directory)
        for other in self._community.people.values():
            if other is not self:
                do(self, other)

    async def _program(self, task_status: trio.TaskStatus[None]) -> None:
        """Run like `peer.program.program`, with a fake screen and a fake keyboard."""
        screen, keyboard = self.screen, self.keyboard

        def tell(event: events.Event, shown: Then) -> None:
            self.events.append(event)
            self.console.tell(event, shown)

        peer = self.peer = LocalPeer(
            self.machine.world(), self.name, self.directories, tell, self.options
        )
        console = self.console = Console(peer, screen, asks=self.is_by_hand)
        async with screen.shining(), running(peer):
            task_status.started()
            while not console.is_over and (line := await keyboard.read_line()) is not None:
                self.code = await console.perform_line(line)
                keyboard.done()
            await peer.quit()
            screen.show(events.Notice("Good bye! ☺"))

    # --- Scripts ---

    async def runs(self, command: str) -> Code:
        """Run `peer NAME HOST PORT COMMAND`, while no other program runs here."""
        self.screen = Screen()

        def tell(event: events.Event, shown: Then) -> None:
            self.screen.show(event, then=shown)

        options = replace(self.options, is_passing=True)
        peer = self.peer = LocalPeer(
            self.machine.world(), self.name, self.directories, tell, options
        )
        async with self.screen.shining(), running(peer):
            console = self.console = Console(peer, self.screen, is_script=True)
            parsed = parse(command, console.context())
            self.code = Code((await perform_and_quit(peer, console, parsed, command)).code)
        return self.code

    # --- The keyboard ---

    async def types(self, *lines: str, within: float = 30.0) -> None:
        """Type lines; return when the program has done them, or does them in the background."""
        assert self._run is not None, f"{self.name}'s program does not run"
        keyboard, run = self.keyboard, self._run
        performed = keyboard.type(*lines)
        with trio.fail_after(within):
            while keyboard.performed < performed and not run.is_over:
                await keyboard.news.park()

    def types_ahead(self, *lines: str) -> None:
        """Type lines, without waiting for the program to read them."""
        self.keyboard.type(*lines)

    async def connects_with(self, other: "Person") -> None:
        """Invite the other, who answers Y."""
        await self.types(f"CHAT {other.name}")
        await other.sees(f"User {self.name} wants to chat with you. Would you like to? (Y/N)")
        await self.sees(f"Waiting for {other.name}'s response...")
        await other.types("Y")
        await other.sees(f"You are now connected with {self.name}.")
        await self.sees(f"You are now connected with {other.name}.")

    # --- The screen ---

    async def sees(self, line: str, *, within: float = PATIENCE) -> str:
        """Wait for exactly this line, below the line that was seen last."""
        return await self._waits_for(lambda shown: shown == line, line, within)

    async def sees_part(self, part: str, *, within: float = PATIENCE) -> str:
        """Wait for a line that contains this; return the whole line."""
        return await self._waits_for(lambda shown: part in shown, part, within)

    async def _waits_for(self, fits: Callable[[str], bool], wanted: str, within: float) -> str:
        screen = self.screen
        with trio.move_on_after(within):
            while (found := screen.find(fits)) is None:
                await screen.news.park()
            return found
        shown = "\n    ".join(screen.lines)
        raise AssertionError(f"{self.name} does not see\n    {wanted}\nbut\n    {shown}")

    def never_saw(self, part: str) -> None:
        """Check that no line since the start of the program contains this."""
        assert not [line for line in self.screen.lines if part in line], self.name

    def saw(self, part: str) -> int:
        """Return how many lines since the start of the program contain this."""
        return sum(part in line for line in self.screen.lines)

    @property
    def lines(self) -> list[str]:
        """All lines shown since the start of the program."""
        return list(self.screen.lines)

    @property
    def has_open_question(self) -> bool:
        return self.console.context().question_open

    @property
    def has_open_question_of_others(self) -> bool:
        """Whether another user's question is open; the program's own questions do not count."""
        return bool(self.peer.invitations.questions)

    @property
    def talks_with(self) -> tuple[str, ...]:
        return self.peer.conversation.others


class Shown:
    """A screen that keeps the lines which it is given."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def show(self, *shown: events.Event, then: Then | None = None) -> None:
        self.lines += [line for event in shown for line in event.lines()]


class Screen:
    """A screen that shows lines one by one, each a moment after it is given."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.news = trio.lowlevel.ParkingLot()
        self._seen = 0  # the number of lines down to the one that was seen last
        self._coming: list[tuple[str, Then | None]] = []
        self._is_paused = False
        self.is_quick = False  #: shows lines at once

    def show(self, *shown: events.Event, then: Then | None = None) -> None:
        """Show events with the same border as the real screen."""
        lines: list[tuple[str, Then | None]] = []
        for text in (text for event in shown for text in event.lines()):
            lines += [(line, None) for line in lines_of("", text)]
        if lines:
            lines[-1] = (lines[-1][0], then)
        self._coming += lines
        if self.is_quick:
            self._show_coming()
        self.news.unpark_all()

    @asynccontextmanager
    async def shining(self) -> AsyncIterator[None]:
        """Show what arrives while the block runs, and the rest afterwards.

        A ParleyError of the block is raised as it is, not in a group.
        """
        failure: ParleyError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run)
            try:
                yield
            except ParleyError as error:
                failure = error
            await self._flushed()
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _run(self) -> None:
        while True:
            while not self._coming or self._is_paused:
                await self.news.park()
            await trio.lowlevel.checkpoint()
            self._show_coming()
            self.news.unpark_all()

    def _show_coming(self) -> None:
        shown, self._coming = self._coming, []
        for line, then in shown:
            self.lines.append(line)
            if then is not None:
                then()

    async def _flushed(self) -> None:
        while self._coming:
            await self.news.park()

    def pauses(self) -> None:
        """Pause the screen, as Ctrl-S does: new lines wait."""
        self._is_paused = True

    def goes_on(self) -> None:
        self._is_paused = False
        self.news.unpark_all()

    def find(self, fits: Callable[[str], bool]) -> str | None:
        """Return the next line that fits, below the one that was found last."""
        for number in range(self._seen, len(self.lines)):
            if fits(self.lines[number]):
                self._seen = number + 1
                return self.lines[number]
        return None


class Keyboard:
    """The lines that a person has typed; only one program may read them."""

    def __init__(self) -> None:
        self.performed = 0  #: the number of lines that are done
        self.news = trio.lowlevel.ParkingLot()
        self._typed = 0
        self._lines: list[str] = []
        self._is_over = False

    @property
    def waiting(self) -> int:
        """How many lines the program has not done yet."""
        return self._typed - self.performed

    def type(self, *lines: str) -> int:
        """Type lines; return what `performed` will be when they are done."""
        self._lines += lines
        self._typed += len(lines)
        self.news.unpark_all()
        return self._typed

    def done(self) -> None:
        self.performed += 1
        self.news.unpark_all()

    def end(self) -> None:
        self._is_over = True
        self.news.unpark_all()

    async def read_line(self) -> str | None:
        await trio.lowlevel.checkpoint()
        while not self._lines:
            if self._is_over:
                return None
            await self.news.park()
        return self._lines.pop(0)


class _Run:
    """One run of a program, from its start to its end."""

    def __init__(self) -> None:
        self.over = trio.Event()
        self._scope = trio.CancelScope()

    @property
    def is_over(self) -> bool:
        return self.over.is_set()

    async def carry(
        self, program: Callable[..., Any], *, task_status: trio.TaskStatus[Any]
    ) -> None:
        try:
            with self._scope:
                await program(task_status=task_status)
        finally:
            self.over.set()

    @property
    def was_killed(self) -> bool:
        return self._scope.cancel_called

    async def is_killed(self) -> None:
        self._scope.cancel()
        await self.over.wait()
