"""How long the programs take to start."""

import time
from pathlib import Path
from typing import Final

from peer.api import join
from tests.bench.figures import AtMost, Figure, Unit, percentile
from tests.bench.plan import Plan
from tests.bench.processes import directory, python

STARTS: Final = 30
ROOMS: Final = 20  # of one user, at most

HELP: Final = {"peer --help": ["-m", "peer", "--help"],
               "dirserver --help": ["-m", "directory_server", "--help"]}  # fmt: skip


async def measure(plan: Plan) -> list[Figure]:
    prompts: list[float] = []
    nothing: list[float] = []
    helps: dict[str, list[float]] = {what: [] for what in HELP}
    in_rooms: list[float] = []
    async with directory(plan.folder / "directory") as (_, port):
        await _prompt(port, "carol", plan.folder)  # makes the key
        await _found_rooms(port, "dave", plan.folder)
        for _ in range(plan.times(STARTS)):
            nothing.append(await _whole("-c", "pass"))
            for what, arguments in HELP.items():
                helps[what].append(await _whole(*arguments))
            prompts.append(await _prompt(port, "carol", plan.folder))
            in_rooms.append(await _prompt(port, "dave", plan.folder))
    target = AtMost(0.1)
    return [
        *(_figure(what, times, nothing, target) for what, times in helps.items()),
        _figure("peer to its prompt", prompts, nothing, AtMost(0.45)),
        Figure(
            f"the same in {ROOMS} rooms, p50", percentile(in_rooms, 50), Unit.MILLISECONDS,
            percentile(prompts, 50), "in none", AtMost(1.1, of_limit=True),
        ),
    ]  # fmt: skip


def _figure(what: str, ours: list[float], theirs: list[float], target: AtMost) -> Figure:
    bare = percentile(theirs, 50)
    return Figure(
        f"{what}, p50", percentile(ours, 50), Unit.MILLISECONDS, bare, "python -c pass", target
    )


async def _whole(*arguments: str) -> float:
    """From its start to its end."""
    start = time.perf_counter()
    async with python(*arguments) as child:
        await child.wait()
        return time.perf_counter() - start


async def _found_rooms(port: int, name: str, folder: Path) -> None:
    """Let this user found as many rooms as one may be in."""
    async with join(name, "127.0.0.1", port, data=folder / name) as chat:
        for number in range(ROOMS):
            await chat.found_room(f"room{number}")


async def _prompt(port: int, name: str, folder: Path) -> float:
    """From its start to its first line: it is registered and reads the keyboard."""
    arguments = ["-m", "peer", name, "127.0.0.1", str(port), "--data", str(folder / name)]
    start = time.perf_counter()
    async with python(*arguments) as child:
        await child.line()
        seconds = time.perf_counter() - start
        await child.close_input()  # that is QUIT
        await child.wait()
    return seconds
