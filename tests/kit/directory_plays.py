"""Kill the directories of a community, and the databases below them, while its users go on.

    python -m tests.kit.directory_plays [--kills NUMBER] [--seed NUMBER] [--short]

Two real directories on a real PostgreSQL with a synchronous standby, and fifty peers: some
talk, some leave messages, and those for whom they are come and go.  A directory, the primary
database (then the standby is promoted, and the dead one becomes its standby), or both are
killed with kill -9, again and again; or a directory is drained.  In the end each message that
was promised has been shown, none twice, each user has one link, both directories tell the
same, and no conversation has noticed anything.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol, TypeVar

import trio

from peer.api import (
    Chat,
    Event,
    Invited,
    Letter,
    ParleyError,
    Refused,
    Said,
    Status,
    Unreachable,
    join,
)
from peer.core.backlog import End
from peer.events import (
    BackInConversation,
    ConversationLeft,
    ConversationOver,
    DirectoryBack,
    DirectoryLost,
    LetterMissing,
    MemberBack,
    MemberLeft,
    MemberLost,
    Missing,
    NotDelivered,
    Notice,
    NotYetDelivered,
    OutOfReach,
    SaidDifferently,
    Went,
)
from tests.kit.ports import free_port
from tests.kit.postgres import Servers, servers, url_of
from tests.kit.programs import HOST, Program, Stage, staged, tool

DRAINED: Final = "no directory, but one is drained"
KINDS: Final = ("both", "one directory", "the primary", "the other directory", DRAINED)
NOTICED: Final = (  # what a conversation must not tell while nobody leaves it
    BackInConversation, ConversationLeft, ConversationOver, MemberBack, MemberLeft, MemberLost,
    NotDelivered, OutOfReach, SaidDifferently,
)  # fmt: skip
LATE: Final = (Missing, NotYetDelivered)  # seconds too late: so is a machine that is too busy
WATCHER: Final = "watcher"
DETECTED: Final = 1.0  # seconds until a dead primary is noticed
PATIENCE: Final = 90.0  # until all is at rest again, on a busy machine


@dataclass(frozen=True)
class Size:
    """The size of a play."""

    kills: int
    groups: int  # of three who talk
    writers: int  # who leave messages
    comers: int  # for whom they are, and who come and go
    pause: float  # seconds of load after each kill


SHORT = Size(kills=2, groups=2, writers=3, comers=3, pause=0.5)
FULL = Size(kills=30, groups=9, writers=12, comers=11, pause=3.0)


# --- What is killed ---------------------------------------------------------------------


class Town:
    """Two directories on a primary and its standby."""

    def __init__(self, stage: Stage, place: Servers) -> None:
        self._stage = stage
        self.primary, self.standby = place.two()
        self._store = url_of(self.primary, self.standby)
        self.ports = [free_port(), free_port()]
        self._programs = [self._start(0)]
        shutil.copy(self._data(0) / "authority", self._make(1))
        self._programs.append(self._start(1))

    def _data(self, number: int) -> Path:
        return self._stage.folder / f"directory{number}"

    def _make(self, number: int) -> Path:
        self._data(number).mkdir(mode=0o700)
        return self._data(number)

    def _start(self, number: int) -> Program:
        port = self.ports[number]
        program = self._stage.starts(
            tool("dirserver"), str(port), "--host", HOST, "--data", str(self._data(number)),
            "--store", self._store, "--address", f"{HOST}:{port}", "--names-per-address", "0",
            name=f"directory {number}",
        )  # fmt: skip
        program.sees_like(r"Directory listening on .*", PATIENCE)
        return program

    def kill(self, kind: str) -> None:
        """Kill this, and let the standby take over if the primary is dead."""
        if kind in ("the primary", "both"):
            self.primary.is_killed()
        if kind in ("one directory", "both"):
            self._programs[0].dies()
        if kind == "the other directory":
            self._programs[1].dies()
        if kind == DRAINED:
            self._drain(0)
        if kind in ("the primary", "both"):
            time.sleep(DETECTED)
            self.standby.promote()
            self.primary, self.standby = self.standby, self.primary

    def _drain(self, number: int) -> None:
        """Let the operator send its users to the other one; return when it has ended."""
        data = ("--data", str(self._data(number)))
        asking = self._stage.starts(tool("dirserver"), "admin", *data, "drain", name="operator")
        asking.ends_input()
        assert asking.ends(PATIENCE) == 0, asking.transcript()
        assert self._programs[number].ends(PATIENCE) == 0

    def repair(self, kind: str) -> None:
        """Start again what was killed; return when it has taken its place.

        The database first: a directory that is told of two machines begins with two.
        """
        if kind in ("the primary", "both"):
            shutil.rmtree(self.standby.folder)
            self.standby.copy(self.primary)
            self.standby.start()
            self.primary.has_standby()
        if kind in ("one directory", "both", DRAINED):
            self._programs[0] = self._start(0)
        if kind == "the other directory":
            self._programs[1] = self._start(1)


async def lists_alike(port: int, data: Path, wanted: set[tuple[str, Status]]) -> None:
    """Wait until LIST at this directory shows this, besides the one who asks."""
    listed: set[tuple[str, Status]] = set()
    with trio.move_on_after(PATIENCE):
        async with join(WATCHER, HOST, port, data=data) as chat:
            while listed != wanted:
                listed = {(one.name, one.status) for one in await chat.users()}
                listed = {one for one in listed if one[0] != WATCHER}
                await trio.sleep(0.1)
    assert listed == wanted, listed ^ wanted


def links(ports: list[int]) -> int:
    """Return how many connections to these ports this process and its children have."""
    wanted = {f"0100007F:{port:04X}" for port in ports}
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(words[2] in wanted and words[3] == "01" for words in map(str.split, lines))


# --- Who goes on ------------------------------------------------------------------------


@dataclass
class Figures:
    """What was promised, shown and noticed."""

    promised: list[tuple[str, str]] = field(default_factory=list)  # receiver and text
    kept: int = 0  # of these, until a directory was back
    refused: Counter[str] = field(default_factory=Counter)  # why
    letters: Counter[tuple[str, str]] = field(default_factory=Counter)  # shown, likewise
    said: list[tuple[str, str]] = field(default_factory=list)  # author and text
    heard: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # hearer, author, text
    notices: list[str] = field(default_factory=list)  # of conversations
    registrations: int = 0
    turned_away: int = 0  # by a directory, though it knows the name
    missed: Counter[str] = field(default_factory=Counter)  # who never went, and was said to
    late: int = 0  # notices that a text takes seconds
    stall: float = 0.0  # seconds that this process, or its disk, stood still at most
    drains: list[int] = field(default_factory=list)  # who lost the directory at each
    outages: list[float] = field(default_factory=list)  # of one user each, in seconds

    def __str__(self) -> str:
        outages = sorted(self.outages) or [0.0]
        return (
            f"{len(self.promised)} messages promised ({self.kept} kept at first),"
            f" {self.refused.total()} refused {dict(self.refused) or ''},"
            f" {sum(self.letters.values())} shown; {len(self.said)} texts said,"
            f" {sum(self.heard.values())} heard; {self.registrations} registrations by hand,"
            f" {self.turned_away} refused;"
            f" {len(self.outages)} times somebody lost the directory, for"
            f" {outages[len(outages) // 2]:.1f} s in the middle, {outages[-1]:.1f} s at most;"
            f" {sum(self.missed.values())} times somebody was missed who had never gone;"
            f" {len(self.drains)} drains, at which {sum(self.drains)} users lost the directory;"
            f" {self.late} times a text was late, on a machine that stood still for"
            f" {self.stall:.1f} s at most"
        )


def _sync(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"here")
        file.flush()
        os.fsync(file.fileno())


class Crowd:
    """All users, in this process."""

    def __init__(self, folder: Path, ports: list[int], size: Size, chance: random.Random) -> None:
        self.folder, self._ports, self._chance = folder, ports, chance
        self.figures = Figures()
        self.groups = [[f"t{n}a", f"t{n}b", f"t{n}c"] for n in range(size.groups)]
        self.writers = [f"w{n}" for n in range(size.writers)]
        self.comers = [f"c{n}" for n in range(size.comers)]
        self.chats: dict[str, Chat] = {}
        self.loaded = True  # else nobody says, leaves or goes any more
        self.busy = 0  # who is still at something
        self.news = trio.lowlevel.ParkingLot()
        self.known_names: set[str] = set()  # names that were registered before
        self._lost_at: dict[str, float] = {}

    @property
    def steady(self) -> list[str]:
        return [*(name for group in self.groups for name in group), *self.writers]

    @property
    def everybody(self) -> list[str]:
        return [*self.steady, *self.comers]

    async def wait(self, what: str, fits: Callable[[], bool]) -> None:
        with trio.move_on_after(PATIENCE) as patience:
            while not fits():
                with trio.move_on_after(0.1):
                    await self.news.park()
        assert not patience.cancelled_caught, f"never: {what}; {self.figures}"

    def are_registered(self, names: list[str]) -> bool:
        return all(name in self.chats and self.chats[name].peer.is_registered for name in names)

    # --- Lives ---

    async def come(self, stack: AsyncExitStack, name: str) -> Chat:
        """Register; try again while no directory is there."""
        places = [f"{HOST}:{port}" for port in self._ports]
        if self._chance.random() < 0.5:
            places.reverse()
        while True:
            try:
                joining = join(name, ",".join(places), 1, data=self.folder / name)
                chat = await stack.enter_async_context(joining)
            except Unreachable:
                await trio.sleep(0.2)
            except Refused as no:
                if no.code != "DISK":  # its database is away
                    raise
                self.figures.turned_away += name in self.known_names
                await trio.sleep(0.2)
            else:
                self.figures.registrations += 1
                self.known_names.add(name)
                self.chats[name] = chat
                return chat

    async def stays(self, name: str) -> None:
        """Be here until the end."""
        async with AsyncExitStack() as stack:
            await self._hear(name, await self.come(stack, name))

    async def comes_and_goes(self, name: str) -> None:
        """Be here for moments, and in the end for good."""
        async with AsyncExitStack() as stack:
            await self.come(stack, name)
            for writer in self.writers:  # so that these are no strangers
                await self._leave(name, writer, f"hello from {name}")
        while self.loaded:
            async with AsyncExitStack() as stack:
                chat = await self.come(stack, name)
                with trio.move_on_after(self._chance.uniform(0.5, 3.0)):
                    await self._hear(name, chat)
                del self.chats[name]
            await trio.sleep(self._chance.uniform(0.2, 1.5))
        async with AsyncExitStack() as stack:
            await self._hear(name, await self.come(stack, name))

    async def _hear(self, name: str, chat: Chat) -> None:
        async for event in chat:
            self._note(name, chat, event)
            self.news.unpark_all()

    def _note(self, name: str, chat: Chat, event: Event) -> None:
        figures = self.figures
        match event:
            case Invited(id=id):
                chat.answer(id, True)
            case Said(sender=author, text=text):
                figures.heard[name, author, text] += 1
            case Letter(text=text):
                figures.letters[name, text] += 1
            case DirectoryLost():
                self._lost_at[name] = trio.current_time()
            case DirectoryBack():
                figures.outages.append(trio.current_time() - self._lost_at.pop(name))
            case Went(name=other) if other in self.steady:
                figures.missed[other] += 1
            case _ if isinstance(event, LATE):
                figures.late += 1
            case LetterMissing() | Notice():
                figures.notices.append(f"{name}: {event}")
            case _ if isinstance(event, NOTICED) and not self._is_meeting:
                figures.notices.append(f"{name}: {event}")

    # --- What they do ---

    _is_meeting = True

    async def meet(self) -> None:
        """Bring each group into a conversation."""
        async with trio.open_nursery() as nursery:
            for group in self.groups:
                nursery.start_soon(self._meet, group)
        self._is_meeting = False

    async def _meet(self, group: list[str]) -> None:
        first, second, third = (self.chats[name] for name in group)
        while not first.talks_with:  # the directories may not have told each other yet
            await first.invite(second.name)
        while third.name not in first.talks_with:
            await first.add(third.name)
        talks = (first, second, third)
        await self.wait("all talk", lambda: all(len(one.talks_with) == 2 for one in talks))

    async def say(self, name: str) -> None:
        """Say one text after the other in the conversation."""
        self.busy += 1
        number = 0
        while self.loaded:
            number += 1
            text = f"{name} says {number}"
            await self.chats[name].say(text)
            self.figures.said.append((name, text))
            await trio.sleep(self._chance.uniform(0.1, 0.5))
        self.busy -= 1

    async def write(self, name: str) -> None:
        """Leave one message after the other."""
        self.busy += 1
        number = 0
        while self.loaded:
            number += 1
            await self._leave(name, self._chance.choice(self.comers), f"{name} leaves {number}")
            await trio.sleep(self._chance.uniform(0.0, 0.2))
        self.busy -= 1

    async def _leave(self, name: str, to: str, text: str) -> None:
        """Leave a message: at the directory, or here, from where it goes there later."""
        try:
            ended = await self.chats[name].peer.letters.leave_or_keep(to, text)
        except ParleyError as no:
            self.figures.refused[str(no)] += 1
            return
        self.figures.promised.append((to, text))
        self.figures.kept += ended.end is End.KEPT

    async def watch(self) -> None:
        """Measure how late this process and its disk are."""
        path = self.folder / "watched"
        while True:
            begun = trio.current_time()
            await trio.sleep(0.1)
            await trio.to_thread.run_sync(_sync, path)
            late = trio.current_time() - begun - 0.1
            self.figures.stall = max(self.figures.stall, late)

    # --- In the end ---

    def have_shown_all(self) -> bool:
        return all(self.figures.letters[one] for one in self.figures.promised)

    def have_heard_all(self) -> bool:
        others = {name: group for group in self.groups for name in group}
        return all(
            self.figures.heard[name, author, text]
            for author, text in self.figures.said
            for name in others[author]
            if name != author
        )


T = TypeVar("T")


class Run(Protocol):
    """Runs work that waits."""

    async def __call__(self, work: Callable[..., T], *arguments: object) -> T: ...


# --- The play ---------------------------------------------------------------------------


async def play(stage: Stage, place: Servers, size: Size, chance: random.Random) -> Figures:
    """Play it; raise AssertionError when a promise was broken."""
    # A database ends with the thread that has started it, so that is always the same.
    with ThreadPoolExecutor(max_workers=1) as starter:

        async def run(work: Callable[..., T], *arguments: object) -> T:
            future = starter.submit(work, *arguments)
            return await trio.to_thread.run_sync(future.result)

        return await _play(stage, place, size, chance, run)


async def _play(
    stage: Stage, place: Servers, size: Size, chance: random.Random, run: Run
) -> Figures:
    town = await run(Town, stage, place)
    crowd = Crowd(stage.folder, town.ports, size, chance)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crowd.watch)
        for name in crowd.steady:
            nursery.start_soon(crowd.stays, name)
        await crowd.wait("the steady ones are here", lambda: crowd.are_registered(crowd.steady))
        for name in crowd.comers:
            nursery.start_soon(crowd.comes_and_goes, name)
        await crowd.meet()
        await crowd.wait("all were here", lambda: crowd.known_names >= set(crowd.comers))
        for name in (one for group in crowd.groups for one in group):
            nursery.start_soon(crowd.say, name)
        for name in crowd.writers:
            nursery.start_soon(crowd.write, name)
        for number in range(size.kills):
            await trio.sleep(size.pause)
            kind, before = KINDS[number % len(KINDS)], len(crowd.figures.outages)
            await run(town.kill, kind)
            if kind == DRAINED:
                crowd.figures.drains.append(len(crowd.figures.outages) - before)
            await trio.sleep(chance.uniform(0, size.pause))
            await run(town.repair, kind)
        await trio.sleep(size.pause)
        await rest(town, crowd)
        nursery.cancel_scope.cancel()
    return crowd.figures


async def rest(town: Town, crowd: Crowd) -> None:
    """Let all come to rest, and check that every promise was kept."""
    figures = crowd.figures
    crowd.loaded = False
    await crowd.wait("all is said", lambda: not crowd.busy)
    await crowd.wait("all are registered", lambda: crowd.are_registered(crowd.everybody))
    await crowd.wait("what was promised is shown", crowd.have_shown_all)
    await crowd.wait("what was said is heard", crowd.have_heard_all)
    everybody = len(crowd.everybody)
    await crowd.wait("one link a user", lambda: links(town.ports) == everybody)
    talkers = {name for group in crowd.groups for name in group}
    wanted = {(name, Status.BUSY if name in talkers else Status.ACTIVE) for name in crowd.everybody}
    for port in town.ports:
        await lists_alike(port, crowd.folder / WATCHER, wanted)
    assert [of for of, times in figures.letters.items() if times > 1] == []
    assert [of for of, times in figures.heard.items() if times > 1] == []
    assert figures.notices == [], "\n".join(figures.notices)


# --- As a program -----------------------------------------------------------------------


def perform(size: Size, seed: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder, servers() as place:
        for stage in staged(Path(folder)):
            return trio.run(play, stage, place, size, random.Random(seed))
    raise AssertionError("there was no stage")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.kit.directory_plays", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--kills", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--short", action="store_true", help="as CI plays it")
    arguments = parser.parse_args()
    size = SHORT if arguments.short else FULL
    if arguments.kills is not None:
        size = replace(size, kills=arguments.kills)
    begun = time.monotonic()
    print(f"seed={arguments.seed}: ", end="", flush=True)
    print(f"{perform(size, arguments.seed)}; {time.monotonic() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
