"""Commands that are handed to a running peer, over a real socket."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from peer.program import control
from peer.program.control import CommandResult, HandedCommand, hand_over, serve_control


async def perform(request: HandedCommand, show: Callable[[str], None]) -> CommandResult:
    show(f"{request.command!r}, {request.as_json}")
    return CommandResult(3, "busy")


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[None]:
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(serve_control, folder, perform))
            yield
            nursery.cancel_scope.cancel()


async def test_a_command_comes_whole_and_its_answer_too(tmp_path: Path) -> None:
    shown: list[str] = []
    async with serving(tmp_path):
        for request in (
            HandedCommand("PRV dave two\nlines"),
            HandedCommand("grüße ☺", as_json=True),
        ):
            assert await hand_over(tmp_path, request, shown.append) == CommandResult(3, "busy")
    assert shown == [r"'PRV dave two\nlines', False", "'grüße ☺', True"]


async def test_nobody_runs_there(tmp_path: Path) -> None:
    assert await hand_over(tmp_path, HandedCommand("LIST"), print) is None


@pytest.mark.parametrize(
    "nonsense",
    [
        b"LIST USERS\n",
        b'{"command":7}\n',
        b'{"x":' + b"[" * 60_000 + b"\n",
        b"\xff\n",
        b"x" * 65_536,
    ],
    ids=["a bare line", "a number", "deep", "no text", "too long"],
)
async def test_nonsense_ends_only_itself(tmp_path: Path, nonsense: bytes) -> None:
    answers: list[bytes] = []

    def ask() -> None:
        for line in (nonsense, b'{"command":"a\xff"}\n'):
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(tmp_path / control.FILE))
                asking.settimeout(20)
                asking.sendall(line)
                answers.append(asking.recv(1_000))

    async with serving(tmp_path):
        await trio.to_thread.run_sync(ask)
    assert answers[0] == b""
    assert answers[1].startswith('{"show":"\'a\ufffd\', False"}'.encode())
