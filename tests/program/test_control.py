"""Commands that are handed to a running peer, over a real socket."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from peer.program import control
from peer.program.control import CommandResult, HandedCommand, hand_over, serve_control
from shared.errors import Unreachable
from shared.local_socket import listen


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
                answers.append(b"".join(iter(partial(asking.recv, 1_000), b"")))

    async with serving(tmp_path):
        await trio.to_thread.run_sync(ask)
    assert answers[0] == b""
    taken, shown, *_ = answers[1].splitlines()
    assert taken == b'{"is_taken":true}'
    assert shown == '{"show":"\'a\ufffd\', False"}'.encode()


# --- A peer that ends, or stops ----------------------------------------------------


@asynccontextmanager
async def answering(
    folder: Path, answer: Callable[[trio.SocketStream], Awaitable[None]]
) -> AsyncIterator[None]:
    """Let something else listen where a running peer does."""
    async with trio.open_nursery() as nursery:
        listener = listen(folder / control.FILE)
        await nursery.start(trio.serve_listeners, answer, [listener])
        yield
        nursery.cancel_scope.cancel()


async def test_who_ended_before_it_took_the_command_has_not_performed_it(tmp_path: Path) -> None:
    async def end(stream: trio.SocketStream) -> None:
        await stream.aclose()

    async def end_later(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b'{"is_taken":true}\n{"show":"half"}\n')
        await stream.aclose()

    async with answering(tmp_path, end):
        assert await hand_over(tmp_path, HandedCommand("LIST"), print) is None
    shown: list[str] = []
    async with answering(tmp_path, end_later):
        with pytest.raises(Unreachable, match="the peer that was asked has ended"):
            await hand_over(tmp_path, HandedCommand("LIST"), shown.append)
    assert shown == ["half"]


async def test_a_long_command_is_awaited_and_a_stopped_peer_is_not(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    is_stopped = False

    async def work(request: HandedCommand, show: Callable[[str], None]) -> CommandResult:
        await trio.sleep(2 * control.TAKEN_SECONDS)
        return CommandResult(6, "no answer")

    async def answer(stream: trio.SocketStream) -> None:
        if is_stopped:
            await trio.sleep_forever()
        await control._serve_one(stream, work)

    async with answering(tmp_path, answer):
        told = await hand_over(tmp_path, HandedCommand("CHAT dave"), print)
        assert told == CommandResult(6, "no answer")
        is_stopped = True
        with pytest.raises(Unreachable, match="did not take the command within 60 seconds"):
            await hand_over(tmp_path, HandedCommand("CHAT dave"), print)
