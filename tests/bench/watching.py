"""Who comes while many are online, each of whom watches 20 others: does it cost more than alone?

A crowd grows from 1,000 to 8,000 users.  At both sizes some of them go and come again.  The
processor time for that is without what the directory does when nobody comes; what others
are told only when all are back is counted apart.  At the end a quarter of them come back at
once, while one user asks all the time where somebody is.  Beside it, a part of a list among
100,000 names.
"""

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from directory_server.storage.sqlite import FILE
from shared.messages.directory import PAGE, List
from tests.bench import bare
from tests.bench.figures import AtLeast, AtMost, Figure, Unit, percentile
from tests.bench.lean import LeanUser, context
from tests.bench.plan import Plan
from tests.bench.processes import Child, directory, module
from tests.bench.registering import Asking

FEW: Final = 1_000  # users online
MANY: Final = 8_000
WATCHED: Final = 20  # by each
MOVING: Final = 500  # users, who go and come again
ROUNDS: Final = 3  # of which the cheapest counts: whatever else runs here only adds to it
STORM: Final = 2_000
NAMES: Final = 99_000  # beside the one who asks: as many as a directory knows, but for some
LISTS: Final = 200
IDLE_SECONDS: Final = 6.0


async def measure(plan: Plan) -> list[Figure]:
    return [*await _crowd(plan), *await _list(plan)]


async def _crowd(plan: Plan) -> list[Figure]:
    few, many, storm = plan.times(FEW), plan.times(MANY), plan.times(STORM)
    moving = plan.times(MOVING)
    folder = plan.folder / "bare"
    async with (
        bare.bare_server(folder, "echo", anonymous=True) as (bare_server, bare_port),
        module("crowd", many, folder, WATCHED) as crowd,
        directory(plan.folder / "directory") as (server, port),
    ):
        await crowd.hear()
        asker = LeanUser("asker")
        asker.connect(bare_port, bare.client_context(folder, anonymous=True))
        asker.read_line()
        echoing = Asking(lambda number: asker.echo(b"%d\n" % number))
        greeted = await _come(crowd, f"greet {bare_port} 0 {storm}", storm, bare_server, echoing)
        await crowd.ask("leave")

        await crowd.ask(f"register {port} 0 {few}")
        idle_few = await _idle(server)
        at_few = await _move_often(crowd, server, port, moving, asker, idle_few)
        await server.rest()
        memory = server.resident_bytes()
        await crowd.ask(f"register {port} {few} {many}")
        await server.rest()
        memory = server.resident_bytes() - memory
        idle = await _idle(server)
        at_many = await _move_often(crowd, server, port, moving, asker, idle)
        back = await _move_often(crowd, server, port, storm, asker, idle)
    return [
        Figure(f"registered again, {few:,} online", 1 / at_few.processor, Unit.A_SECOND,
               1 / greeted.processor, "TLS handshake, 1 line back, a core", AtLeast(500)),
        Figure(f"registered again, {many:,} online", 1 / at_many.processor, Unit.A_SECOND,
               1 / at_few.processor, f"the same with {few:,} online",
               AtLeast(500)),
        Figure(f"processor time of it, {many:,} online", at_many.processor, Unit.MILLISECONDS,
               at_few.processor, f"the same with {few:,} online", AtMost(1.15, of_limit=True)),
        Figure("the same, to tell their watchers at the end", at_many.telling, Unit.MILLISECONDS,
               at_few.telling, f"the same with {few:,} online"),
        Figure(f"processor for {many:,} users who do nothing", idle, Unit.PERCENT),
        Figure("memory of each user who watches", memory / (many - few), Unit.KIBIBYTES,
               target=AtMost(36 * 1024)),
        Figure(f"{storm:,} of {many:,} users back at once", back.seconds, Unit.MILLISECONDS,
               greeted.seconds, "as many TLS handshakes", AtMost(2.0, of_limit=True)),
        Figure("processor time for each of them", back.processor, Unit.MILLISECONDS,
               greeted.processor, "TLS handshake, 1 line back"),
        Figure("lookup meanwhile, p99", back.p99, Unit.MILLISECONDS, greeted.p99,
               "TLS echo meanwhile", AtMost(0.015)),
    ]  # fmt: skip


@dataclass(frozen=True)
class Coming:
    """What was measured while users came; `processor`: seconds of the server, for each."""

    seconds: float
    processor: float
    telling: float  # when all had come, until all others had been told
    p99: float


async def _idle(server: Child) -> float:
    """The share of a processor that it takes when nothing happens."""
    await server.rest()
    processor = server.processor_seconds()
    await trio.sleep(IDLE_SECONDS)
    return (server.processor_seconds() - processor) / IDLE_SECONDS


async def _move_often(
    crowd: Child, server: Child, port: int, users: int, asker: LeanUser, idle: float
) -> Coming:
    rounds = [await _move(crowd, server, port, users, asker, idle) for _ in range(ROUNDS)]
    return min(rounds, key=lambda coming: coming.processor)


async def _move(
    crowd: Child, server: Child, port: int, users: int, asker: LeanUser, idle: float
) -> Coming:
    """Let the first users go, and come again when all others have been told."""
    await crowd.ask(f"leave 0 {users}")
    asker.close()
    asker.register(port, context())
    await server.rest()
    looking = Asking(lambda number: asker.look_up(number, "asker"))
    return await _come(crowd, f"register {port} 0 {users}", users, server, looking, idle)


async def _come(
    crowd: Child, command: str, users: int, server: Child, asking: Asking, idle: float = 0.0
) -> Coming:
    """`idle`: a share of a processor, which is not counted."""

    def used() -> float:
        return server.processor_seconds() - idle * time.perf_counter()

    before = used()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, asking.run)
        try:
            seconds = float(await crowd.ask(command))
        finally:
            asking.stop()
    here = used()
    await server.rest()
    told = used()
    return Coming(
        seconds, (here - before) / users, (told - here) / users, percentile(asking.times, 99)
    )


# --- A list among many names ---


async def _list(plan: Plan) -> list[Figure]:
    folder, names = plan.folder / "names", plan.times(NAMES)
    async with directory(folder):
        pass  # it founds its community
    _add_names(folder / FILE, names)
    async with directory(folder) as (server, port):
        asker = LeanUser("asker")
        asker.register(port, context())
        times: list[float] = []
        await server.rest()
        processor = server.processor_seconds()
        for number in range(plan.times(LISTS)):
            start = time.perf_counter()
            page = await trio.to_thread.run_sync(
                asker.list, List(number, prefix="jo", most=PAGE, after=f"jo{number:06}")
            )
            times.append(time.perf_counter() - start)
            assert page.users
        processor = server.processor_seconds() - processor
    return [
        Figure(f"LIST USERS jo among {names:,} names, p50", percentile(times, 50),
               Unit.MILLISECONDS, target=AtMost(0.005)),
        Figure("the same, p99", percentile(times, 99), Unit.MILLISECONDS),
        Figure("processor time of it", processor / len(times), Unit.MILLISECONDS),
    ]  # fmt: skip


def _add_names(database: Path, count: int) -> None:
    """Put users on disk who are away; a tenth of their names begins with jo."""
    starts = ("jo", "an", "be", "ca", "da", "el", "fr", "gi", "ha", "zo")
    names = (f"{starts[number % len(starts)]}{number:06}" for number in range(count))
    rows = ((name, name, os.urandom(32), os.urandom(32), os.urandom(64)) for name in names)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO users (folded, name, key, sealing_key, sealing_proof, registered, seen)"
            " VALUES (?, ?, ?, ?, ?, 0, 0)",
            rows,
        )
