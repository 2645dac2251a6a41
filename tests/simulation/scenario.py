"""One seed: a few people who talk, add, leave and return, while everything fails."""

import hashlib
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final
from unittest.mock import patch

import trio
from trio.testing import MockClock

from directory_server.core.presence import announcements
from directory_server.server import Directory
from directory_server.settings import Settings
from peer.local_peer import LocalPeer
from shared.world import Address
from tests.kit.community import make_scheduling_repeatable
from tests.kit.world import EPOCH
from tests.simulation.box import COMMIT, SEND, Box, Computer, Doom, Run
from tests.simulation.checks import Broken, Checks
from tests.simulation.coda import let_in_again
from tests.simulation.firewalls import Firewalls
from tests.simulation.manners import BAD, EVERY, asks_for_everything
from tests.simulation.player import Player

DIRECTORY: Final = Address("10.0.0.1", 5000)
NAMES: Final = ("carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy")
STEPS: Final = (12, 32)  # the least and the most actions of people
FAULTS: Final = (5, 10)
LONG_SECONDS: Final = (33.0, 75.0)  # longer than any timeout
ROOM: Final = "lab"
WITH_ROOM: Final = 0.4  # of the stories: there is a room beside the talks,
IN_ROOM: Final = 0.4  # of the actions are in it,
AWAY: Final = 0.25  # and in the middle of these stories all programs are off for days
ONE_AWAY: Final = 0.4  # of the others: one is off for longer than a talk waits
DAYS_AWAY: Final = (0.5, 5.0)
CLOCK_JUMPS: Final = (0.0, 0.0, 20 * 86_400.0)  # an error of the directory's clock, for one run
QUIET_SECONDS: Final = 240.0  # until everything must be as it should be
MENDED_SECONDS: Final = 2 * 36.0 + 3.0  # G9: two rounds of HELLO
STABLE_SECONDS: Final = 5.0  # for which it must stay so
QUIT_SECONDS: Final = 60.0
FRAMES_MOST: Final = 50_000
CROWD_EVERY: Final = 4  # one story in this many has a directory that speaks of crowds
CPU_SECONDS: Final = 60  # limit for one story; most take a quarter of a second
REAL_SECONDS: Final = 600  # the same for one that waits for nothing, on a machine that is busy


class Failure(AssertionError):
    """A failed story, as one line that replays it."""

    def __init__(self, seed: int, what: str, rule: str) -> None:
        super().__init__(f"seed={seed} {what}")
        self.seed, self.rule = seed, rule


@dataclass(frozen=True)
class Outcome:
    seed: int
    seconds: float  # simulated
    quiet_after: float
    texts: int
    frames: int
    trace: str  # a hash of all events and their times


class Scenario:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(f"scenario {seed}")
        chance = self.chance
        chunk = chance.choice([16 * 1024, 16 * 1024, 1_000, 150])
        latency = 0.0 if chunk < 1_000 else chance.choice([0.0, 0.01, 0.05, 0.3])
        self.box = Box(chance, latency=latency, chunk_bytes=chunk)
        self.box.spectator = self
        self._firewalls = Firewalls(self.box, seed)
        self.address = DIRECTORY
        self.checks = Checks(self)
        self.players: list[Player] = []
        self._rooms = random.Random(f"rooms {seed}")
        self._has_room = self._rooms.random() < WITH_ROOM
        self.trace: list[str] = []
        self._hash = hashlib.sha256()
        self._frames = 0
        self._texts = 0
        self._healings: list[Callable[[], None]] = []
        self._directory_machine = Computer(self.box, DIRECTORY.host, seed=seed)
        self._directory_run: Run | None = None
        self._directory_down_until = 0.0
        self._is_over = False
        self._hosts: dict[str, str] = {DIRECTORY.host: "directory"}

    # --- The record ---

    def note(self, who: str, what: str) -> None:
        line = f"{trio.current_time():9.3f} {who}: {what}"
        self.trace.append(line)
        self._hash.update(line.encode())

    def sent(self, host: str, to: str, line: bytes) -> None:
        self._frames += 1
        if self._frames > FRAMES_MOST:
            raise Broken("hang", "they never stop talking")
        if DIRECTORY.host not in (host, to):
            self.checks.sent(host, to, line)

    def frame(self, host: str, to: str, tag: str) -> None:
        self._hash.update(f"{host} {to} {tag}".encode())

    def new_text(self, author: str) -> str:
        self._texts += 1
        return f"{author} {self._texts}"

    def named(self, name: str) -> Player:
        return next(player for player in self.players if player.name == name)

    # --- The whole story ---

    async def play(self) -> Outcome:
        make_scheduling_repeatable(self.seed)
        count = self.chance.choice([3, 3, 3, 3, 4, 4, 5, 6])
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._live_directory)
            for number, name in enumerate(NAMES[:count], start=1):
                machine = Computer(self.box, f"10.0.1.{number}", seed=self.seed)
                self._hosts[machine.host] = name
                self.players.append(Player(self, name, machine))
            self.note("", self._firewalls.build(self.players))
            if self.seed % EVERY == 0:
                self._spoil(self.seed // EVERY)
            for player in self.players:
                self._nursery.start_soon(player.live)
            await self._until(lambda: all(player.is_up for player in self.players))
            await self._gather()
            if self._has_room:
                await self._gather_in_room()
            await self._stir()
            if self._has_room and self._rooms.random() < AWAY:
                await self._sleep_for_days()
                await self._stir()
            elif self._has_room and self._rooms.random() < ONE_AWAY:
                await self._be_without_one()
            self._heal()
            quiet_after = await self._calm_down()
            self.checks.final()
            if await let_in_again(self.players, self.seed):
                await self._calm_down()
                self.checks.final()
            await self._say_good_bye()
            seconds = trio.current_time()
            self._nursery.cancel_scope.cancel()
        return Outcome(
            self.seed, seconds, quiet_after, self._texts, self._frames, self._hash.hexdigest()
        )

    def _spoil(self, number: int) -> None:
        """Make one of the players dishonest."""
        spoil = BAD[number % len(BAD)]
        late = spoil is asks_for_everything
        who = -1 if late else number // len(BAD) % len(self.players)
        self.players[who].manners.turn_bad(spoil)

    async def _live_directory(self) -> None:
        clock = self._directory_machine.clock
        jumps = random.Random(f"{self.seed} clock")
        while not self._is_over:
            clock.set(EPOCH + trio.current_time() + jumps.choice(CLOCK_JUMPS))
            self._directory_run, world = self._directory_machine.begin()
            directory = Directory(world, Settings(port=DIRECTORY.port))
            run = self._directory_run
            await run.carry(directory.run)
            if not run.is_dead:
                run.die()
            self.note("directory", "ended")
            await trio.sleep(max(0.0, self._directory_down_until - trio.current_time()))

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 - there is no event
            await trio.sleep(0.1)

    async def _gather(self) -> None:
        """Bring most people into one conversation; leave some out."""
        one, other, *rest = self.players
        one.does(f"CHAT {other.name}", lambda peer: peer.invitations.invite(other.name))
        await trio.sleep(self.chance.uniform(0.5, 4))
        for newcomer in rest:
            if not newcomer.manners.come_late and self.chance.random() < 0.8:
                adding = self.chance.choice([one, other])
                adding.does(f"ADD {newcomer.name}", partial(_add, whom=newcomer))
                await trio.sleep(self.chance.choice([0, 1, 4]))

    async def _gather_in_room(self) -> None:
        """Let one found a room, and bring most of the others in."""
        founder, *others = self._rooms.sample(self.players, len(self.players))
        founder.does(f"ROOM {ROOM}", lambda peer: peer.invitations.found_room(ROOM))
        await trio.sleep(self._rooms.uniform(0.1, 2))
        for other in others:
            if not other.manners.come_late and self._rooms.random() < 0.9:
                self._add_to_room(founder, other)
                await trio.sleep(self._rooms.choice([0, 1, 4]))

    def _add_to_room(self, player: Player, other: Player) -> None:
        player.does(
            f"ADD {other.name} TO {ROOM}",
            lambda peer: peer.invitations.add(other.name, urgent=True, room=ROOM),
        )

    async def _sleep_for_days(self) -> None:
        """End all programs, some by a kill, and start them again days later.

        The directory is off meanwhile too: else it would look at its clocks each second.
        """
        seconds = self._rooms.uniform(*DAYS_AWAY) * 86_400.0
        self.note("", f"all are away for {seconds / 86_400.0:.1f} days")
        for player in self.players:
            player.down_until = trio.current_time() + seconds + self._rooms.uniform(0, 20)
            if player.is_up and self._rooms.random() < 0.5:
                player.quits()
        await trio.sleep(30)
        for player in self.players:
            if player.is_up:
                player.run.die(abruptly=self._rooms.random() < 0.5)
        self._directory_down_until = trio.current_time() + seconds - 10
        if self._directory_run is not None:
            self._directory_run.die()
        await trio.sleep(seconds)
        await self._until(lambda: all(player.is_up for player in self.players))

    async def _be_without_one(self) -> None:
        """Let one be off for some minutes; what the others write meanwhile waits."""
        player = self._rooms.choice([one for one in self.players if one.rooms] or self.players)
        seconds = self._rooms.uniform(70, 160)
        self.note("", f"{player.name} is away for {seconds:.0f} s")
        player.is_killed(abruptly=self._rooms.random() < 0.5, down=seconds)
        for _ in range(3):
            await trio.sleep(seconds / 3)
            self._act()

    async def _stir(self) -> None:
        steps: list[Callable[[], None]] = [self._act] * self.chance.randint(*STEPS)
        steps += [self._fail] * self.chance.randint(*FAULTS)
        if self.players[-1].manners.come_late:
            steps += [self._add_the_late_one] * 3
        self.chance.shuffle(steps)
        for step in steps:
            step()
            await trio.sleep(self._pause())

    def _pause(self) -> float:
        if self.chance.random() < 0.02:
            return self.chance.choice(LONG_SECONDS)
        return self.chance.choice([0, 0, 0.01, 0.1, 0.3, 1, 1, 3])

    # --- What people do ---

    def _act(self) -> None:
        chance = self.chance
        player = chance.choice(self.players)
        if not player.is_up:
            return
        other = chance.choice([one for one in self.players if one is not player])
        if player.rooms and self._rooms.random() < IN_ROOM:
            self._act_in_room(player, other)
            return
        what = chance.random()
        if player.conversation is None:
            if what < 0.7:
                player.does(
                    f"CHAT {other.name}",
                    lambda peer: peer.invitations.invite(other.name, urgent=True),
                )
            else:
                self._write(player, other)
        elif what < 0.5:
            count = 1 if what < 0.4 else chance.choice([3, 10, 40])
            player.does(f"says {count}", lambda peer: player.says(peer, count))
        elif what < 0.65:
            player.does(
                f"ADD {other.name}", lambda peer: peer.invitations.add(other.name, urgent=True)
            )
            if what < 0.58:  # at the same moment
                self._add_too(player, other)
        elif what < 0.72:
            player.does("leaves", player.leaves)
        elif what < 0.75:
            player.does("leaves, and is killed", player.leaves_and_is_killed)
        elif what < 0.78:
            player.quits()
        else:
            self._write(player, other)

    def _act_in_room(self, player: Player, other: Player) -> None:
        what = self._rooms.random()
        if what < 0.6:
            count = 1 if what < 0.5 else self._rooms.choice([3, 10, 40])
            player.does(f"says {count} in #{ROOM}", lambda peer: player.says(peer, count, ROOM))
        elif what < 0.85:
            self._add_to_room(player, other)
        elif what < 0.93:
            player.quits()
        else:
            player.does(f"PART {ROOM}", player.parts)

    def _add_the_late_one(self) -> None:
        late = self.players[-1]
        talking = [one for one in self.players[:-1] if one.is_up and one.conversation]
        if talking and late.is_up:
            self.chance.choice(talking).does(
                f"ADD {late.name}", lambda peer: peer.invitations.add(late.name, urgent=True)
            )

    def _add_too(self, player: Player, newcomer: Player) -> None:
        others = [one for one in self.players if one not in (player, newcomer)]
        if others:
            third = self.chance.choice(others)
            third.does(
                f"ADD {newcomer.name}",
                lambda peer: peer.invitations.add(newcomer.name, urgent=True),
            )

    def _write(self, player: Player, other: Player) -> None:
        text = self.new_text(player.name)
        if self.chance.random() < 0.5:

            async def tell(peer: LocalPeer) -> None:
                await peer.lines.private(other.name, text).wait()
                player.promised.append((other.name, text))

            player.does(f"PRV {other.name}", tell)
        else:

            async def leave(peer: LocalPeer) -> None:
                await peer.letters.leave(other.name, text)
                player.promised.append((other.name, text))

            player.does(f"LEAVE {other.name}", leave)

    # --- What fails ---

    def _fail(self) -> None:
        chance = self.chance
        player = chance.choice(self.players)
        other = chance.choice([one for one in self.players if one is not player])
        faults: list[tuple[int, Callable[[Player, Player], str]]] = [
            (3, self._cut), (3, self._pull), (2, self._part), (2, self._deafen),
            (2, self._stop_reading), (3, self._kill), (5, self._doom),
            (1, self._crash_directory), (1, self._doom_directory),
            (1, self._isolate), (1, self._wall), (2, self._fill_disk), (1, self._pause_screen),
            (1, self._slow_disk),
        ]  # fmt: skip
        fault = chance.choices([one for _, one in faults], [weight for weight, _ in faults])[0]
        self.note("FAULT", fault(player, other))

    def _later(self, heal: Callable[[], None], seconds: float | None = None) -> float:
        """Heal this fault after a while, or at the end of all faults."""
        chance = self.chance
        if seconds is None:
            seconds = chance.choice([chance.uniform(0, 2), chance.uniform(2, 15)])
            if chance.random() < 0.1:
                seconds = max(LONG_SECONDS)
        self._healings.append(heal)

        async def wait() -> None:
            await trio.sleep(seconds)
            if heal in self._healings:
                self._healings.remove(heal)
                heal()

        self._nursery.start_soon(wait)
        return seconds

    def _cut(self, player: Player, other: Player) -> str:
        self.box.cut(player.machine.host, other.machine.host)
        return f"cut {player.name} {other.name}"

    def _part(self, player: Player, other: Player) -> str:
        hosts = player.machine.host, other.machine.host
        self.box.separate(*hosts)
        seconds = self._later(lambda: self.box.reunite(*hosts))
        return f"separate {player.name} {other.name} {seconds:.1f}"

    def _pull(self, player: Player, other: Player) -> str:
        """Pull one machine's cable, from all others, from all but the directory, or but one."""
        ends = [one.machine.host for one in self.players if one is not player]
        if self.chance.random() < 0.5:
            ends.append(DIRECTORY.host)
        if self.chance.random() < 0.5:
            ends.remove(other.machine.host)
        return self._pull_from(player, ends)

    def _pull_from(self, player: Player, ends: list[str]) -> str:
        host = player.machine.host
        for end in ends:
            self.box.separate(host, end)

        def heal() -> None:
            for end in ends:
                self.box.reunite(host, end)

        return f"pull {player.name} from {len(ends)} {self._later(heal):.1f}"

    def _isolate(self, player: Player, other: Player) -> str:
        return self._pull_from(player, [DIRECTORY.host])

    def _wall(self, player: Player, other: Player) -> str:
        what = self._firewalls.raise_for_a_while(player)
        return f"{what} {self._later(lambda: self._firewalls.drop(player)):.1f}"

    def _deafen(self, player: Player, other: Player) -> str:
        cables = self.box.cables(player.machine.host, other.machine.host)
        for cable in cables:
            cable.deafen(player.machine.host)

        def heal() -> None:
            for cable in cables:
                cable.heal()

        return f"deafen {player.name} to {other.name} {self._later(heal):.1f}"

    def _stop_reading(self, player: Player, other: Player) -> str:
        cables = self.box.cables(player.machine.host, other.machine.host)
        for cable in cables:
            cable.stall(reader=player.machine.host)

        def heal() -> None:
            for cable in cables:
                cable.heal()

        return f"stall {player.name} for {other.name} {self._later(heal):.1f}"

    def _kill(self, player: Player, other: Player) -> str:
        down = self.chance.choice([0.0, 0.0, self.chance.uniform(0, 12)])
        player.is_killed(abruptly=self.chance.random() < 0.5, down=down)
        return f"kill {player.name} {down:.1f}"

    def _doom(self, player: Player, other: Player) -> str:
        what = self.chance.choice([COMMIT, SEND])
        after, behind = self.chance.randint(1, 12), self.chance.random() < 0.5
        player.run.doom = Doom(what, after, behind)
        return f"doom {player.name} {'behind' if behind else 'before'} {what} {after}"

    def _crash_directory(self, player: Player, other: Player) -> str:
        down = self.chance.choice([0.0, self.chance.uniform(0, 20)])
        self._directory_down_until = trio.current_time() + down
        if self._directory_run is not None:
            self._directory_run.die()
        return f"kill directory {down:.1f}"

    def _doom_directory(self, player: Player, other: Player) -> str:
        what = self.chance.choice([COMMIT, SEND])
        if self._directory_run is not None:
            self._directory_run.doom = Doom(
                what, self.chance.randint(1, 12), self.chance.random() < 0.5
            )
        return f"doom directory {what}"

    def _fill_disk(self, player: Player, other: Player) -> str:
        disk = player.machine.disk
        disk.is_full = True
        seconds = self._later(lambda: setattr(disk, "is_full", False))
        return f"disk of {player.name} full {seconds:.1f}"

    def _slow_disk(self, player: Player, other: Player) -> str:
        disk, usual = player.machine.disk, player.disk_seconds
        disk.seconds = self.chance.choice([0.5, 2.0])
        seconds = self._later(lambda: setattr(disk, "seconds", usual))
        return f"disk of {player.name} slow {seconds:.1f}"

    def _pause_screen(self, player: Player, other: Player) -> str:
        player.pauses(True)
        return (
            f"screen of {player.name} stands still {self._later(lambda: player.pauses(False)):.1f}"
        )

    # --- Peace ---

    def _heal(self) -> None:
        self.note("", "all heals")
        healings, self._healings = self._healings, []
        for heal in healings:
            heal()
        for player in self.players:
            player.down_until = 0.0
            player.patient = False
            if player.session is not None:
                player.run.doom = None
        self._directory_down_until = 0.0
        if self._directory_run is not None:
            self._directory_run.doom = None
        for player in self.players:
            if player.peer is not None:
                for question in player.peer.invitations.questions:
                    player.peer.invitations.answer(question.id, self.chance.random() < 0.7)

    async def _calm_down(self) -> float:
        """Wait for quiet; return how long it took.  Raises what stays wrong, or turns wrong."""
        begun = trio.current_time()
        linked_at: float | None = None
        good_since: float | None = None
        while good_since is None or trio.current_time() < good_since + STABLE_SECONDS:
            await trio.sleep(1.0)
            now = trio.current_time()
            wrong = list(self.checks.quiet())
            rules = {one.rule for one in wrong}
            linked_at = (linked_at or now) if not rules & {"G7"} else None
            if "G9" in rules and linked_at is not None and now > linked_at + MENDED_SECONDS:
                raise next(one for one in wrong if one.rule == "G9")
            if not wrong:
                good_since = good_since or now
            elif now > begun + QUIET_SECONDS:
                raise wrong[0]
            else:
                good_since = None
        return good_since - begun

    async def _say_good_bye(self) -> None:
        self._is_over = True
        for player in self.players:
            player.is_wanted = False
        self.chance.shuffle(self.players)
        for player in self.players:
            player.quits()
            while player.peer is not None:
                with trio.move_on_after(QUIT_SECONDS) as patience:
                    await self._until(partial(player.goes_on, len(player.session_now.told)))
                if patience.cancelled_caught:
                    raise Broken("D5", f"{player.name} cannot leave")


def run(seed: int) -> Outcome:
    """Play the story of this seed.  Raises Failure."""
    return play(Scenario(seed))


def play(scenario: Scenario) -> Outcome:
    """Play this story.  Raises Failure."""
    seed = scenario.seed
    for reason in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(reason, _hangs)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.alarm(REAL_SECONDS)
    try:
        with _crowds(seed):
            return trio.run(scenario.play, clock=MockClock(autojump_threshold=0))
    except BaseException as error:
        broken = next((one for one in _leaves(error) if isinstance(one, Broken)), None)
        if broken is not None:
            raise Failure(seed, str(broken), broken.rule) from None
        if isinstance(error, KeyboardInterrupt):
            raise
        what = next(_leaves(error))
        raise Failure(seed, f"crash: {type(what).__name__}: {what}", "crash") from error
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        scenario.checks.close()


@contextmanager
def _crowds(seed: int) -> Iterator[None]:
    """Make three users a crowd in some stories: each hears of those whom they watch only."""
    if seed % CROWD_EVERY != 1:
        yield
        return
    with patch.multiple(announcements, CROWD_ABOVE=2, CROWD_BELOW=2):
        yield


async def _add(peer: LocalPeer, whom: Player) -> None:
    await peer.invitations.add(whom.name)


def _hangs(*_: object) -> None:
    raise Broken("hang", f"no end within {CPU_SECONDS} s of work, or {REAL_SECONDS} s in all")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error
