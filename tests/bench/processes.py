"""The other processes of a benchmark, and their certain end."""

import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final

import msgspec
import trio

ROOT: Final = Path(__file__).parents[2]
POLITE_SECONDS: Final = 3.0  # between SIGTERM and SIGKILL
LINE_SECONDS: Final = 300.0  # until a child answers; far more than any of them needs
REST_SECONDS: Final = 0.5
RESTING: Final = 0.02  # seconds of a processor in that time


class ChildFailed(Exception):
    """A child ended, or said nothing, while we waited for its word."""


class Child:
    """A process that speaks lines: commands in, JSON out."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._rest = bytearray()
        self.pid = process.pid

    async def line(self) -> str:
        """The next line that it writes."""
        assert self._process.stdout is not None
        with trio.fail_after(LINE_SECONDS):
            while b"\n" not in self._rest:
                chunk = await self._process.stdout.receive_some()
                if not chunk:
                    raise ChildFailed(f"{self._process.args!r} ended")
                self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    async def hear(self) -> Any:
        return msgspec.json.decode(await self.line())

    async def ask(self, command: str) -> Any:
        assert self._process.stdin is not None
        await self._process.stdin.send_all(f"{command}\n".encode())
        return await self.hear()

    async def close_input(self) -> None:
        assert self._process.stdin is not None
        await self._process.stdin.aclose()

    async def wait(self) -> None:
        await self._process.wait()

    def resident_bytes(self) -> int:
        """How much memory it has in use."""
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found[1]) * 1024

    def processor_seconds(self) -> float:
        """How much of a processor it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def rest(self) -> None:
        """Wait until it has nothing left to do."""
        before = -1.0
        while (now := self.processor_seconds()) - before > RESTING:
            before = now
            await trio.sleep(REST_SECONDS)


def environment() -> dict[str, str]:
    """Of our children: as at a user's, Python compiles nothing that it has compiled before."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}


@asynccontextmanager
async def python(*arguments: str) -> AsyncIterator[Child]:
    """`python *arguments`, ended with the block, however that ends.

    In a session of its own, so that Ctrl-C reaches only us, who then end it.
    """
    process = await trio.lowlevel.open_process(
        [sys.executable, *arguments], stdin=PIPE, stdout=PIPE, cwd=ROOT, env=environment(),
        start_new_session=True,
    )  # fmt: skip
    try:
        yield Child(process)
    finally:
        with trio.CancelScope(shield=True):
            await _end(process)


async def _end(process: trio.Process) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdin.aclose()
    process.terminate()
    with trio.move_on_after(POLITE_SECONDS):
        await process.wait()
    if process.poll() is None:
        process.kill()
        await process.wait()
    await process.stdout.aclose()


@asynccontextmanager
async def module(name: str, *arguments: object) -> AsyncIterator[Child]:
    """One of the programs beside this file, once it has said that it is ready."""
    async with python("-m", f"tests.bench.{name}", *map(str, arguments)) as child:
        yield child


@asynccontextmanager
async def directory(folder: Path) -> AsyncIterator[tuple[Child, int]]:
    """A real directory on this machine, and its port."""
    arguments = [
        "-m",
        "directory_server",
        "0",
        "--host",
        "127.0.0.1",
        "--data",
        str(folder),
        "--names-per-address",
        "0",
    ]  # a crowd comes from this one address
    async with python(*arguments) as child:
        found = re.search(r":(\d+),", await child.line())
        if found is None:
            raise ChildFailed("the directory did not say where it listens")
        yield child, int(found[1])
