"""How long the programs take to start."""

import time
from pathlib import Path
from typing import Final

from tests.bench.figures import AtMost, Figure, Unit, percentile
from tests.bench.plan import Plan
from tests.bench.processes import directory, python

STARTS: Final = 30

HELP: Final = {"peer --help": ["-m", "peer", "--help"],
               "dirserver --help": ["-m", "directory_server", "--help"]}  # fmt: skip


async def measure(plan: Plan) -> list[Figure]:
    prompts: list[float] = []
    nothing: list[float] = []
    helps: dict[str, list[float]] = {what: [] for what in HELP}
    async with directory(plan.folder / "directory") as (_, port):
        await _prompt(port, plan.folder / "carol")  # makes the key
        for _ in range(plan.times(STARTS)):
            nothing.append(await _whole("-c", "pass"))
            for what, arguments in HELP.items():
                helps[what].append(await _whole(*arguments))
            prompts.append(await _prompt(port, plan.folder / "carol"))
    target = AtMost(0.1)
    return [
        *(_figure(what, times, nothing, target) for what, times in helps.items()),
        _figure("peer to its prompt", prompts, nothing, AtMost(0.45)),
    ]


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


async def _prompt(port: int, folder: Path) -> float:
    """From its start to its first line: it is registered and reads the keyboard."""
    arguments = ["-m", "peer", "carol", "127.0.0.1", str(port), "--data", str(folder)]
    start = time.perf_counter()
    async with python(*arguments) as child:
        await child.line()
        seconds = time.perf_counter() - start
        await child.close_input()  # that is QUIT
        await child.wait()
    return seconds
