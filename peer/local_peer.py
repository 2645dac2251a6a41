"""The peer of one user, without a screen: its life, and the parts that its user asks.

`peer.assembly` puts the parts together, `runtime` performs what the cores decide.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import trio

from peer import assembly
from peer.assembly import Connections, Exchange, Facade, Memory, Outside
from peer.core.myself import Registration
from peer.core.reach.encounters import met_in
from peer.core.reach.presence import Presences
from peer.core.reach.watch_list import WatchList
from peer.core.targets.place import Place
from peer.directory_news import DirectoryNews
from peer.events import Event, Tell
from peer.options import Options
from peer.runtime.choices.choices import Choices
from peer.runtime.conversation_view import ConversationView
from peer.runtime.directory.certificates import stay_certified
from peer.runtime.directory.own_presence import OwnPresence
from peer.runtime.directory.roster import Roster
from peer.runtime.doctor.examiner import Examiner
from peer.runtime.finder import Finder
from peer.runtime.history_reader import HistoryReader
from peer.runtime.invitation.invitations import Invitations
from peer.runtime.keys.verification import Verification
from peer.runtime.lines.own_lines import OwnLines
from peer.runtime.mailbox.own_letters import OwnLetters
from peer.runtime.rooms_view import RoomsView
from peer.runtime.tasks import Tasks
from shared.errors import ParleyError, Refused
from shared.messages.directory import Done, Unregister
from shared.wire import why_not_heard
from shared.world import Address, World

QUIT_SECONDS: Final = 1.0  # for letters on their way to the screen; then for the last words


class LocalPeer:
    """One user, from registering to good bye.

    The methods and parts may be used from `run`'s start until its end.  Those that ask
    the directory raise Refused with its words, or Unreachable while it is gone.
    """

    def __init__(
        self,
        world: World,
        name: str,
        directories: Sequence[Address],
        tell: Tell,
        options: Options | None = None,
    ) -> None:
        self._watch_list = WatchList()
        told = _telling(tell, self._watch_list)
        self._outside = Outside(world, told, options or Options(), directories)
        chosen = self._outside.options
        self._registration = Registration(name, host=chosen.advertise_host, token=chosen.token)
        self._presences = Presences(self._registration)
        self._run_id = world.new_id()
        self._finished = trio.Event()
        self._tasks: Tasks
        self._memory: Memory
        self._reach: Connections
        self._exchange: Exchange
        self._facade: Facade
        self.examiner: Examiner  #: finds out what keeps others from reaching me

    # --- Living ---

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Register, report the name, and live until `quit`.

        Raises NameTaken, Refused, Unreachable, KeyChanged or StorageError when
        registering fails.
        """
        disk = self._outside.world.disk
        disk.lock()
        try:
            await self._live(task_status)
        finally:
            disk.unlock()

    async def _live(self, task_status: trio.TaskStatus[str]) -> None:
        """Run the nursery of everything, until `quit` or until registering fails."""
        failure: ParleyError | OSError | None = None
        async with trio.open_nursery() as nursery:
            try:
                self._put_together(nursery)
                await self._begin(nursery)
            except (ParleyError, OSError) as error:
                failure = error
            else:
                task_status.started(self.name)
                await self._finished.wait()
            nursery.cancel_scope.cancel()
        if isinstance(failure, OSError):
            why = why_not_heard(failure, None, self._outside.options.listen, "peer")
            raise Refused(why, "LISTEN")
        if failure is not None:
            raise failure

    def _put_together(self, nursery: trio.Nursery) -> None:
        outside, tasks = self._outside, Tasks(nursery)
        self._tasks = tasks
        self._memory = assembly.remember(outside, self._registration, tasks)
        self._reach = assembly.reach(
            outside, self._memory, self._presences, self._watch_list, tasks, self._run_id
        )
        self._exchange = assembly.exchange(outside, self._memory, self._reach, tasks)
        self._facade = assembly.facade(outside, self._memory, self._reach, self._exchange, tasks)
        self.examiner = self._facade.examiner
        self._reach.outlet.receiver = assembly.dispatch(
            outside, self._memory, self._reach, self._exchange
        )

    async def _begin(self, nursery: trio.Nursery) -> None:
        """Start the tasks of all parts, and register."""
        options, reach, exchange = self._outside.options, self._reach, self._exchange
        await nursery.start(self._memory.journal.run)
        self._memory.reading.recall(looks_back=options.looks_back)
        nursery.start_soon(self._memory.reading.run)
        network, switchboard = self._outside.world.network, reach.switchboard
        bound = await nursery.start(
            network.serve, None, options.listen, switchboard.reception.answer
        )
        self._registration.port = options.advertise_port or bound.port
        nursery.start_soon(self._memory.recorder.run)
        nursery.start_soon(exchange.invitations.run)
        nursery.start_soon(exchange.conversations.run)
        nursery.start_soon(switchboard.sweep)
        nursery.start_soon(reach.registrar.watch)
        if reach.mapper is not None:
            nursery.start_soon(reach.mapper.run)
        nursery.start_soon(stay_certified, reach.certificates, reach.directory)
        if not options.is_passing:
            nursery.start_soon(reach.roster.keep_fresh)
            nursery.start_soon(exchange.letters.run)
            await exchange.conversations.rooms.take_epochs()
        exchange.conversations.forgetting.begin()
        news = DirectoryNews(self._outside, self._memory, reach, exchange, self._tasks)
        await nursery.start(reach.registrar.stay_registered, news, options.waits)

    def spawn(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Start a task that `quit` waits for."""
        self._tasks.spawn(work, *arguments)

    async def quit(self) -> None:
        """Leave the conversation, deliver or store what is on its way, say good bye."""
        if self._finished.is_set():
            return
        reach, exchange = self._reach, self._exchange
        exchange.invitations.close()
        await exchange.conversations.leave()
        await exchange.conversations.rooms.rest()
        await exchange.conversations.settle()
        await self._tasks.wait_none()
        if not self._outside.options.is_passing:
            with trio.move_on_after(QUIT_SECONDS):
                await exchange.letters.close()
        with trio.move_on_after(QUIT_SECONDS):
            await exchange.unsent.wait_idle()
        with trio.move_on_after(QUIT_SECONDS):
            await self._memory.recorder.wait_kept()
            await exchange.conversations.settle()  # what we were let into while quitting
        with trio.move_on_after(QUIT_SECONDS):
            await self._memory.reading.keep()
        reach.switchboard.hang_up_all()
        reach.registrar.leave()
        with trio.move_on_after(QUIT_SECONDS):
            await reach.switchboard.wait_none()
            await reach.directory.wait_gone()
        await exchange.conversations.rooms.note_epochs()
        self.end()

    def end(self) -> None:
        """End at once, whatever is on its way."""
        self._finished.set()

    @property
    def is_over(self) -> bool:
        return self._finished.is_set()

    # --- Who I am ---

    @property
    def name(self) -> str:
        return self._registration.name

    @property
    def is_new(self) -> bool:
        """Whether no directory has registered us before this start."""
        return self._memory.is_new

    @property
    def is_registered(self) -> bool:
        """Whether the directory is there."""
        return self._reach.directory.is_there

    @property
    def is_displaced(self) -> bool:
        """Whether another program of mine has taken over the name, so that I stay away."""
        return self._reach.directory.is_displaced

    @property
    def presence(self) -> OwnPresence:
        """My status."""
        return self._reach.own_presence

    def touched(self, unread: Iterable[Place] = ()) -> None:
        """Note that the user hit a key, and so has read what was shown, except at these places."""
        if not self._finished.is_set():
            self._reach.own_presence.stir()
            ids = map(self._facade.history.place_id, unread)
            self._memory.reading.touched(filter(None, ids))

    def stir(self) -> None:
        """Note that the user typed something, for which the directory may be needed."""
        self._reach.own_presence.stir()
        self.hurry()

    def hurry(self) -> None:
        """Try at once to reach the directory if it is gone: somebody waits for it."""
        self._reach.directory.hurry()

    async def unregister(self) -> None:
        """Give the name back, with its mailbox; then `quit`."""
        with self._reach.registrar.staying():  # at another one the name would be taken again
            await self._reach.directory.ask(Unregister, Done)
        self._reach.registrar.leave()

    def time(self) -> float:
        """Return the time of my machine, in seconds since 1970."""
        return self._outside.world.clock.time()

    # --- Others ---

    @property
    def roster(self) -> Roster:
        """The list of who is registered, and who is there."""
        return self._reach.roster

    @property
    def finder(self) -> Finder:
        """The part that finds where a user is."""
        return self._reach.finder

    @property
    def keys(self) -> Verification:
        """The part that verifies keys, by comparing words."""
        return self._facade.keys

    @property
    def choices(self) -> Choices:
        """The choices of my user: whom to ignore or to watch, and which places are quiet."""
        return self._facade.choices

    # --- What we say to each other ---

    @property
    def invitations(self) -> Invitations:
        return self._exchange.invitations

    @property
    def conversation(self) -> ConversationView:
        """The conversation that I am in."""
        return self._facade.conversation

    @property
    def rooms(self) -> RoomsView:
        """The rooms that I am in."""
        return self._facade.rooms

    @property
    def lines(self) -> OwnLines:
        """Single lines of mine."""
        return self._facade.lines

    @property
    def letters(self) -> OwnLetters:
        """Messages that I leave for others."""
        return self._facade.letters

    @property
    def history(self) -> HistoryReader:
        """The part that reads what was said."""
        return self._facade.history

    def keep_more(self, author: str) -> None:
        """Answer yes to `events.KeepMore`: this author may fill as much of the disk again."""
        self._memory.disk_shares.allow_more(author)
        self._exchange.conversations.release(author)


def _telling(tell: Tell, watch_list: WatchList) -> Tell:
    """Let the watch list learn from each event with whom I have to do."""

    def told(event: Event, shown: Callable[[], None]) -> None:
        watch_list.meet(*met_in(event))
        tell(event, shown)

    return told
