"""What somebody at the full terminal feels: how soon a key is seen, also in a busy conversation."""

import os
import pty
import re
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fcntl import ioctl
from pathlib import Path
from typing import Final

import trio

from peer.api import Chat, Outcome, join
from tests.bench.figures import AtMost, Figure, Unit, percentile
from tests.bench.plan import Plan
from tests.bench.processes import ROOT, directory, environment

KEYS: Final = 300
TEXTS_A_SECOND: Final = 100
BUSY_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 10.0
SETTLE_SECONDS: Final = 1.0
STARTS: Final = 10
KEY_SECONDS: Final = 0.01  # between two keys: a fast typist needs ten times that
TYPING_SECONDS: Final = 0.1  # as such a typist does, while texts come
PATIENCE: Final = 60.0
FIRST_GLYPH: Final = 0x400  # Cyrillic: in no text, no name and no escape sequence
GLYPHS: Final = 90  # two lines of them, so that none is taken for an earlier one
CLEAR: Final = b"\x15"  # Ctrl-U
ONCE: Final = 45  # keys in a line

_WAKE_UPS = re.compile(r"\nvoluntary_ctxt_switches:\s+(\d+)")


class Seat:
    """A `peer` at a terminal of its own."""

    def __init__(self, process: trio.Process, terminal: int) -> None:
        self.process, self._terminal = process, terminal
        self._seen = bytearray()
        self._news = trio.Event()

    async def read(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._terminal)
            try:
                self._seen += os.read(self._terminal, 65_536)
            except OSError:  # the program has ended
                return
            self._news.set()

    def hits(self, keys: bytes) -> None:
        """And forgets what was seen before."""
        self._seen.clear()
        os.write(self._terminal, keys)

    async def sees(self, part: bytes) -> None:
        with trio.fail_after(PATIENCE):
            while part not in self._seen:
                self._news = trio.Event()
                await self._news.wait()

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wake_ups(self) -> dict[str, int]:
        """So far, of each thread."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        told = {task.name: (task / "status").read_text() for task in tasks}
        return {name: int(_WAKE_UPS.findall(status)[0]) for name, status in told.items()}


@asynccontextmanager
async def seat(folder: Path, port: int) -> AsyncIterator[Seat]:
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "peer", "carol", "127.0.0.1", str(port), "--data", str(folder)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env={**environment(), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        async with trio.open_nursery() as nursery:
            here = Seat(process, ours)
            nursery.start_soon(here.read)
            yield here
            nursery.cancel_scope.cancel()
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        os.close(ours)


async def measure(plan: Plan) -> list[Figure]:
    starts: list[float] = []
    async with (
        directory(plan.folder / "directory") as (_, port),
        join("dave", "127.0.0.1", port, data=plan.folder / "dave") as dave,
    ):
        for left in reversed(range(plan.times(STARTS) + 1)):  # the first one makes the key
            before = time.perf_counter()
            async with seat(plan.folder / "carol", port) as carol:
                await carol.sees(b"carol>")
                starts.append(time.perf_counter() - before)
                if left:
                    continue
                wake_ups = await _idle(carol, max(1.0, IDLE_SECONDS * plan.share))
                quiet = await _keys(carol, plan.times(KEYS, least=ONCE))
                busy, share = await _busy(carol, dave, max(1.0, BUSY_SECONDS * plan.share))
    start = percentile(starts[1:], 50)
    return [
        *_figures("a key and its glyph", quiet, quiet, AtMost(0.01)),
        *_figures(f"the same, {TEXTS_A_SECOND} texts/s coming", busy, quiet, AtMost(0.01)),
        Figure("share of one core then", share, Unit.PERCENT, target=AtMost(0.2)),
        Figure("wake-ups of an idle terminal", wake_ups, Unit.A_SECOND, target=AtMost(1)),
        Figure("full terminal to its prompt, p50", start, Unit.MILLISECONDS, target=AtMost(0.45)),
    ]


def _figures(what: str, times: list[float], quiet: list[float], target: AtMost) -> list[Figure]:
    return [
        Figure(
            f"{what}, p{percent}",
            percentile(times, percent),
            Unit.MILLISECONDS,
            None if times is quiet else percentile(quiet, percent),
            "" if times is quiet else "a key when nothing comes",
            target if percent == 50 else None,
        )
        for percent in (50, 95)
    ]


async def _key(carol: Seat, number: int) -> float:
    glyph = chr(FIRST_GLYPH + number % GLYPHS).encode()
    before = time.perf_counter()
    carol.hits(glyph)
    await carol.sees(glyph)
    return time.perf_counter() - before


async def _keys(carol: Seat, count: int) -> list[float]:
    times = []
    for number in range(count):
        times.append(await _key(carol, number))
        if number % ONCE == ONCE - 1:
            carol.hits(CLEAR)
        await trio.sleep(KEY_SECONDS)
    carol.hits(CLEAR)
    return times


async def _idle(carol: Seat, seconds: float) -> float:
    """Wake-ups a second, once what the start brought is over."""
    await trio.sleep(SETTLE_SECONDS)
    before = carol.wake_ups()
    await trio.sleep(seconds)
    after = carol.wake_ups()
    return sum(count - before.get(name, 0) for name, count in after.items()) / seconds


async def _busy(carol: Seat, dave: Chat, seconds: float) -> tuple[list[float], float]:
    """The times of keys, and the share of a core, while texts come."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_accept, carol)
        result = await dave.invite("carol")
        assert result.outcome is Outcome.CONNECTED, result
        nursery.cancel_scope.cancel()
    times: list[float] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_talk, dave)
        used, begun = carol.processor_seconds(), time.perf_counter()
        while time.perf_counter() - begun < seconds:
            times.append(await _key(carol, len(times)))
            if len(times) % ONCE == 0:
                carol.hits(CLEAR)
            await trio.sleep(TYPING_SECONDS)
        share = (carol.processor_seconds() - used) / (time.perf_counter() - begun)
        nursery.cancel_scope.cancel()
    return times, share


async def _accept(carol: Seat) -> None:
    await carol.sees(b"invites you")
    await trio.sleep(1.0)  # who answers at once did not read the question
    carol.hits(b"y\r")
    await trio.sleep_forever()


async def _talk(dave: Chat) -> None:
    begun, said = time.perf_counter(), 0
    while True:
        said += 1
        await dave.say(f"{said} is a text of no importance at all, but it must be painted too")
        await trio.sleep(max(0.0, begun + said / TEXTS_A_SECOND - time.perf_counter()))
