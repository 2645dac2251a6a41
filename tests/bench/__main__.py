"""python -m tests.bench [--quick] [NAME ...]"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import trio
from rich.console import Console

from tests.bench import (
    catching_up,
    connecting,
    group,
    leaving,
    one_way,
    registering,
    room,
    round_trip,
    starts,
    terminal,
    watching,
)
from tests.bench.figures import Figure
from tests.bench.plan import Plan
from tests.bench.table import table

PAGE_WIDTH: Final = 120  # when it is not printed on a terminal
STOPPED: Final = 130
QUICK: Final = 0.1  # of the repetitions of a full run

BENCHMARKS: Final[dict[str, Callable[[Plan], Awaitable[list[Figure]]]]] = {
    "round-trip": round_trip.measure,
    "one-way": one_way.measure,
    "group": group.measure,
    "catching-up": catching_up.measure,
    "room": room.measure,
    "connecting": connecting.measure,
    "registering": registering.measure,
    "leaving": leaving.measure,
    "starts": starts.measure,
    "terminal": terminal.measure,
    "watching": watching.measure,
}


def main() -> int:
    """The exit code: 0 whatever the figures, 1 when one could not be measured, 130 if stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: under 30 s")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return trio.run(bench, arguments.names or list(BENCHMARKS), QUICK if arguments.quick else 1.0)


async def bench(names: list[str], share: float) -> int:
    """Ctrl-C ends it cleanly, and shows what is measured by then."""
    figures: list[Figure] = []
    failures: list[str] = []
    stopped = True
    console = Console(width=None if sys.stdout.isatty() else PAGE_WIDTH)
    async with trio.open_nursery() as nursery:
        await nursery.start(_end_on_signal, nursery.cancel_scope)
        for name in names:
            start = time.perf_counter()
            try:
                figures += await _measure(name, share)
            except Exception:  # the others can still be measured
                failures.append(name)
                console.print_exception()
            console.print(f"{name}: {time.perf_counter() - start:.0f} s")
        stopped = False
        nursery.cancel_scope.cancel()
    console.print(table(figures))
    return STOPPED if stopped else int(bool(failures))


async def _measure(name: str, share: float) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        return await BENCHMARKS[name](Plan(Path(folder), share))


async def _end_on_signal(
    everything: trio.CancelScope, *, task_status: trio.TaskStatus[None]
) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            everything.cancel()


if __name__ == "__main__":
    sys.exit(main())
