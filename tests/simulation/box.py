"""Machines whose programs die at any commit and any send, on a network with delays.

A `Run` is one program from its start to its end.  It can die right before or right after
one of its commits or sends.  Nothing that it does afterwards, while its tasks unwind,
reaches the disk, the network or a screen.
"""

import random
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

import trio

from shared.world import FileReader, FileWriter, World
from tests.kit.world import (
    Hub,
    Machine,
    MemoryConnection,
    MemoryDisk,
    MemoryFileWriter,
    MemoryNetwork,
    MemoryWire,
)

T = TypeVar("T")

COMMIT, SEND = "commit", "send"


@dataclass
class Doom:
    """The death of a program at its `after`-th COMMIT or SEND from now on: before or behind it."""

    what: str
    after: int
    behind: bool


class Run:
    """One program of one machine, from its start to its end."""

    def __init__(self, machine: "Computer") -> None:
        self.machine = machine
        self.doom: Doom | None = None
        self.is_dead = False
        self.over = trio.Event()
        self.opened: list[sqlite3.Connection] = []
        self._scope = trio.CancelScope()

    async def carry(
        self, program: Callable[..., Awaitable[None]], *,
        task_status: trio.TaskStatus[Any] = trio.TASK_STATUS_IGNORED,
    ) -> None:  # fmt: skip
        """Run the program.  Errors count while it lives; those of a dead one never happened."""
        try:
            with self._scope:
                await program(task_status=task_status)
        except Exception:
            if not self.is_dead:
                raise
        finally:
            for connection in self.opened:
                connection.close()
            self.over.set()

    def die(self, *, abruptly: bool = True) -> None:
        """Die as by `kill -9`.  `abruptly`: the last bytes that were sent do not arrive either."""
        if not self.is_dead:
            self.is_dead = True
            self.machine.bury(abruptly=abruptly)
            self._scope.cancel()

    def is_about_to(self, what: str) -> None:
        doom = self.doom
        if doom is not None and doom.what == what and not self.is_dead:
            doom.after -= 1
            if doom.after <= 0 and not doom.behind:
                self.die()

    def has_done(self, what: str) -> None:
        doom = self.doom
        if doom is not None and doom.what == what and doom.after <= 0 and not self.is_dead:
            self.die(abruptly=False)


# --- The disk ---------------------------------------------------------------------


class _Connection(MemoryConnection):
    run: Run

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if sql != "COMMIT":
            return super().execute(sql, parameters)
        self.run.is_about_to(COMMIT)
        if self.run.is_dead:
            raise sqlite3.OperationalError("the program has ended")
        cursor = super().execute(sql, parameters)
        self.run.has_done(COMMIT)
        return cursor


class _FileWriter(MemoryFileWriter):
    """A file that is not finished once the program is dead."""

    def __init__(self, disk: MemoryDisk, name: str, run: Run) -> None:
        super().__init__(disk, name)
        self._run = run

    async def finish(self) -> None:
        self._run.is_about_to(COMMIT)
        if not self._run.is_dead:
            await super().finish()
            self._run.has_done(COMMIT)


class _Disk:
    """`shared.world.Disk` for one program, which writes nothing once it is dead."""

    def __init__(self, disk: MemoryDisk, run: Run) -> None:
        self._disk, self._run = disk, run

    def lock(self) -> None:
        self._disk.lock()

    def unlock(self) -> None:
        if not self._run.is_dead:  # else it was unlocked already, and may be the next run's
            self._disk.unlock()

    def read(self, name: str) -> bytes | None:
        return self._disk.read(name)

    def write(self, name: str, content: bytes) -> None:
        self._run.is_about_to(COMMIT)
        if not self._run.is_dead:
            self._disk.write(name, content)
            self._run.has_done(COMMIT)

    def open(self, name: str) -> FileReader | None:
        return self._disk.open(name)

    def create(self, name: str) -> FileWriter:
        return _FileWriter(self._disk, name, self._run)

    def database(self, name: str, *, readonly: bool = False) -> sqlite3.Connection:
        connection = self._disk.connect(name, _Connection, readonly=readonly)
        connection.run = self._run
        self._run.opened.append(connection)
        return connection

    def reserve(self, size: int) -> bool:
        return self._disk.reserve(size)

    def release(self) -> None:
        self._disk.release()

    @property
    def place(self) -> str:
        return self._disk.place

    def free(self) -> int:
        return self._disk.free()

    async def run(self, work: Callable[[], T]) -> T:
        def unless_dead() -> T:
            # Nobody reads the result, as all tasks of the run are cancelled.
            return cast(T, None) if self._run.is_dead else work()

        return await self._disk.run(unless_dead)


# --- The network ------------------------------------------------------------------


class Wire(MemoryWire):
    """A wire that delays bytes, and counts sends."""

    run: Run
    box: "Box"

    async def send_all(self, data: bytes | bytearray) -> None:
        self.run.is_about_to(SEND)
        await super().send_all(data)
        self.box.sent(self, data)
        self.run.has_done(SEND)

    async def receive_some(self) -> bytes | bytearray:
        chunk = await super().receive_some()
        if self.box.latency:
            await trio.sleep(self.box.chance.uniform(0, self.box.latency))
        return chunk


class _Network(MemoryNetwork):
    """The network of one program."""

    def __init__(self, box: "Box", host: str, run: Run) -> None:
        super().__init__(box, host)
        self.box, self.run = box, run

    def _connect(self, listener: Any, *how: Any) -> tuple[Any, MemoryWire]:
        incoming, dialler = super()._connect(listener, *how)
        for wire, run in ((dialler, self.run), (incoming.wire, listener.network.run)):
            assert isinstance(wire, Wire)
            wire.run, wire.box = run, self.box
        return incoming, dialler

    def bury(self, *, abruptly: bool) -> None:
        if not abruptly:
            for wire in self._wires:
                wire.close()
        self.die()


class Spectator(Protocol):
    def sent(self, host: str, to: str, line: bytes) -> None:
        """Note a whole line that was sent."""


class Box(Hub):
    """All machines, and the network between them."""

    wire = Wire

    def __init__(self, chance: random.Random, *, latency: float, chunk_bytes: int) -> None:
        """`latency`: the longest delay of a chunk before it is read, in seconds."""
        super().__init__(chunk_bytes=chunk_bytes)
        self.chance, self.latency = chance, latency
        self.spectator: Spectator | None = None
        self._unfinished: dict[Wire, bytes] = {}

    def sent(self, wire: Wire, data: bytes | bytearray) -> None:
        if self.spectator is None:
            return
        *lines, rest = (self._unfinished.pop(wire, b"") + data).split(b"\n")
        if rest:
            self._unfinished[wire] = rest
        for line in lines:
            self.spectator.sent(wire.local.host, self._behind(wire.remote.host), line)

    def _behind(self, address: str) -> str:
        """Return the host that is seen at this address."""
        return next((host for host, seen in self.translated.items() if seen == address), address)


class Computer(Machine):
    """A machine that is dead at once when its `Run` dies."""

    def __init__(self, box: Box, host: str, *, seed: int) -> None:
        super().__init__(box, host, seed=seed)
        self._box = box

    def begin(self) -> tuple[Run, World]:
        """Return run and world for a program that starts now."""
        self.starts += 1
        run = Run(self)
        self.network = _Network(self._box, self.host, run)
        chance = random.Random(f"{self.seed} {self.host} {self.starts}")
        return run, World(self.network, _Disk(self.disk, run), self.clock, chance, self.bugs)

    def bury(self, *, abruptly: bool) -> None:
        network = self.network
        assert isinstance(network, _Network)
        network.bury(abruptly=abruptly)
        self.disk.unlock()
