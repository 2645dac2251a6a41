"""A crowd registers: how fast, how much memory each costs, and what others notice.

First new names, which need a certificate and a place on disk, then the same
users again.  One user who is there already asks all the time where somebody is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from tests.bench import bare
from tests.bench.figures import AtLeast, AtMost, Figure, Unit, percentile
from tests.bench.lean import LeanUser, context
from tests.bench.plan import Plan
from tests.bench.processes import Child, directory, module

USERS: Final = 2_000
SETTLE_SECONDS: Final = 0.5  # until everybody has read of everybody
SETTLE_SECONDS_PER_USER: Final = 0.001
ASKING_PAUSE: Final = 0.01


async def measure(plan: Plan) -> list[Figure]:
    users = plan.times(USERS)
    folder = plan.folder / "bare"
    async with (
        bare.bare_server(folder, "echo", anonymous=True) as (bare_server, bare_port),
        module("crowd", users, folder) as crowd,
        directory(plan.folder / "directory") as (server, port),
    ):
        await crowd.hear()
        greeted = await _greet(crowd, bare_server, bare_port, users, folder)
        asker = LeanUser("asker")
        asker.register(port, context())
        new = await _register(crowd, server, port, users, asker)
        again = await _register(crowd, server, port, users, asker)
    return _figures(users, greeted, new, again)


def _figures(users: int, greeted: "Crowding", new: "Crowding", again: "Crowding") -> list[Figure]:
    rate, program = AtLeast(400), "TLS handshake, 1 line back"
    return [
        Figure("new names registered", new.rate, Unit.A_SECOND, greeted.rate, program, rate),
        Figure("users registered again", again.rate, Unit.A_SECOND, greeted.rate, program, rate),
        Figure("processor time for a new name", new.processor, Unit.MILLISECONDS,
               greeted.processor, program),
        Figure("processor time for a user again", again.processor, Unit.MILLISECONDS,
               greeted.processor, program),
        Figure(f"memory of each of {users:,} users", new.memory, Unit.KIBIBYTES, greeted.memory,
               "TLS connection, 1 task", AtMost(45 * 1024)),
        Figure("lookup meanwhile, p99", new.p99, Unit.MILLISECONDS, greeted.p99,
               "TLS echo meanwhile", AtMost(0.020)),
    ]  # fmt: skip


@dataclass(frozen=True)
class Crowding:
    """What was measured while a crowd came in; of the server, and for each user."""

    rate: float
    processor: float
    memory: float
    p99: float


async def _greet(crowd: Child, server: Child, port: int, users: int, folder: Path) -> Crowding:
    asker = LeanUser("asker")
    asker.connect(port, bare.client_context(folder, anonymous=True))
    asker.read_line()
    return await _come(
        crowd, f"greet {port}", users, server, Asking(lambda n: asker.echo(b"%d\n" % n))
    )


async def _register(
    crowd: Child, server: Child, port: int, users: int, asker: LeanUser
) -> Crowding:
    return await _come(
        crowd, f"register {port}", users, server, Asking(lambda n: asker.look_up(n, "asker"))
    )


async def _come(
    crowd: Child, command: str, users: int, server: Child, asking: "Asking"
) -> Crowding:
    """All come, stay until all is quiet, and go."""
    memory, processor = server.resident_bytes(), server.processor_seconds()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, asking.run)
        try:
            seconds = float(await crowd.ask(command))
        finally:
            asking.stop()
    processor = server.processor_seconds() - processor
    await trio.sleep(SETTLE_SECONDS + users * SETTLE_SECONDS_PER_USER)
    memory = server.resident_bytes() - memory
    await crowd.ask("leave")
    await server.rest()
    return Crowding(
        users / seconds, processor / users, memory / users, percentile(asking.times, 99)
    )


class Asking:
    """Somebody asks again and again, in a thread, until told to stop."""

    def __init__(self, ask: Callable[[int], object]) -> None:
        self._ask, self._stopped = ask, False
        self.times: list[float] = []

    def stop(self) -> None:
        self._stopped = True

    def run(self) -> None:
        while not self._stopped:
            start = time.perf_counter()
            self._ask(len(self.times))
            self.times.append(time.perf_counter() - start)
            time.sleep(ASKING_PAUSE)
