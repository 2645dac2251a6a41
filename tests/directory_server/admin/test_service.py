"""The admin socket: strangers, nonsense and slow clients end only themselves."""

import contextlib
import json
import os
import select
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from directory_server.admin import requests as ask
from directory_server.admin import service
from directory_server.admin.requests import LINE_BYTES, Answer, AnyRequest, Said
from directory_server.admin.service import FILE, AdminService, Tell
from shared import local_socket
from shared.errors import Refused, StorageError
from shared.local_socket import connect
from tests.kit.world import RaisedBugs


async def perform(request: AnyRequest, tell: Tell) -> None:
    match request:
        case ask.Users():
            raise Refused("not today", "NOBODY")
        case ask.Bans():
            raise StorageError("the disk is full")
    await tell(Said(f"{request}"))


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Path]:
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(AdminService(folder, perform, RaisedBugs()).run)
            yield folder / FILE
            nursery.cancel_scope.cancel()


async def answers(path: Path, line: bytes) -> list[dict[str, str]]:
    """Send the line, and read until the end."""
    found = b""
    async with await connect(path) as stream:
        await stream.send_all(line)
        async for chunk in stream:
            found += chunk
    return [json.loads(one) for one in found.splitlines()]


async def test_a_request_is_answered_line_by_line(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await answers(path, b'{"do":"status"}\n') == [
            {"t": "said", "text": "Status()"},
            {"t": "done"},
        ]
        assert await answers(path, b'{"do":"users"}\n') == [
            {"t": "no", "code": "NOBODY", "text": "not today"}
        ]
        assert await answers(path, b'{"do":"bans"}\n') == [
            {"t": "no", "code": "DISK", "text": "the disk is full"}
        ]
    assert not path.exists()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"status\n",
        b'{"do":"reboot"}\n',
        b'{"do":"status","more":1}\n',
        b'{"do":"ban","whom":"","reason":""}\n',
        b'{"do":"ban","whom":"carol","seconds":-1}\n',
        b'{"do":"ban","whom":"carol","reason":"' + b"x" * 400 + b'"}\n',
        b'{"do":"notice","text":"\xff"}\n',
        b"[" * 10_000 + b"\n",
        b"x" * (LINE_BYTES + 1),
        b"x" * LINE_BYTES * 20 + b"\n",
    ],
    ids=lambda one: one[:30].decode(errors="replace"),
)
async def test_nonsense_is_refused_and_ends_only_itself(tmp_path: Path, nonsense: bytes) -> None:
    async with serving(tmp_path) as path:
        try:
            (no,) = await answers(path, nonsense)
        except trio.BrokenResourceError:  # it hung up before all of it was sent
            assert len(nonsense) > LINE_BYTES
        else:
            assert (no["t"], no["code"]) == ("no", "PROTOCOL")
        assert len(await answers(path, b'{"do":"status"}\n')) == 2


async def test_who_says_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "REQUEST_SECONDS", 0.05)
    async with serving(tmp_path) as path:
        for silence in (b"", b'{"do":'):
            (no,) = await answers(path, silence)
            assert no["code"] == "PROTOCOL"


async def test_few_may_ask_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ASKING_AT_ONCE", 2)
    enough = trio.Event()

    async def waits(_: AnyRequest, tell: Tell) -> None:
        await enough.wait()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(AdminService(tmp_path, waits, RaisedBugs()).run)
            path = tmp_path / FILE
            async with await connect(path) as one, await connect(path) as two:
                for waiting in (one, two):
                    await waiting.send_all(b'{"do":"status"}\n')
                (no,) = await answers(path, b'{"do":"status"}\n')
                assert no["text"] == "too many ask at this moment"
                enough.set()
                for waiting in (one, two):
                    assert await waiting.receive_some() == b'{"t":"done"}\n'
                    assert await waiting.receive_some() == b""
            assert await answers(path, b'{"do":"status"}\n') == [{"t": "done"}]
            nursery.cancel_scope.cancel()


async def test_who_empties_the_directory_reads_the_end_when_its_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before: who copies the folder next would copy files that still change."""
    kept: list[int] = []
    copy = os.dup
    monkeypatch.setattr(os, "dup", lambda number: kept.append(copy(number)))
    async with contextlib.AsyncExitStack() as stack:
        async with serving(tmp_path) as path:
            stream = await stack.enter_async_context(await connect(path))
            await stream.send_all(b'{"do":"drain"}\n')
            told = b""
            while not told.endswith(b'{"t":"done"}\n'):
                told += await stream.receive_some()
        assert not path.exists()
        assert select.select([stream.socket], [], [], 0)[0] == []
        (descriptor,) = kept
        os.close(descriptor)  # as the kernel does at the end
        assert await stream.receive_some() == b""


async def test_who_does_not_read_the_answer_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ANSWER_SECONDS", 0.05)
    ended = trio.Event()

    async def talks_for_ever(_: AnyRequest, tell: Tell) -> None:
        answer: Answer = Said("x" * 1_000)
        try:
            while True:
                await tell(answer)
        finally:
            ended.set()

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(AdminService(tmp_path, talks_for_ever, RaisedBugs()).run)
            async with await connect(tmp_path / FILE) as stream:
                await stream.send_all(b'{"do":"status"}\n')
                await ended.wait()
            nursery.cancel_scope.cancel()


async def test_a_bug_is_met_at_the_border_even_if_it_is_an_error_of_the_system(
    tmp_path: Path,
) -> None:
    met: list[str] = []

    class Noted:
        def met(self, where: str, bug: Exception) -> None:
            met.append(f"{where}: {bug!r}")

    async def fails(_: AnyRequest, tell: Tell) -> None:
        raise PermissionError("ours")

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            await nursery.start(AdminService(tmp_path, fails, Noted()).run)
            assert await answers(tmp_path / FILE, b'{"do":"status"}\n') == [
                {
                    "t": "no",
                    "code": "BUG",
                    "text": "the directory met a bug: see its log",
                }
            ]
            nursery.cancel_scope.cancel()
    assert len(met) == 1
    assert "PermissionError('ours')" in met[0]


async def test_a_stranger_whom_the_kernel_names_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(local_socket, "user_of", lambda _: 12_345)
    async with serving(tmp_path) as path:
        (no,) = await answers(path, b'{"do":"status"}\n')
    assert no["text"] == "only the directory's own user, and root, may ask"
    assert "another user of this machine asked the admin socket" in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("mode", [0o600, 0o666])
async def test_another_user_of_the_machine_gets_nothing(mode: int) -> None:
    """The mode keeps them out; where somebody has opened it, the kernel's word does."""
    attempt = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534);"
        " s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        ' s.sendall(b\'{"do":"status"}\\n\'); print(s.recv(1000).decode())'
    )
    with tempfile.TemporaryDirectory() as open_folder:
        os.chmod(open_folder, 0o755)
        async with serving(Path(open_folder)) as path:
            os.chmod(path, mode)
            done = await trio.run_process(
                [sys.executable, "-c", attempt, f"{path}"],
                capture_stdout=True,
                capture_stderr=True,
                check=False,
            )
    said = done.stdout.decode()
    if mode == 0o600:
        assert (said, b"PermissionError" in done.stderr) == ("", True)
    else:
        assert "only the directory's own user, and root, may ask" in said
        assert "Status" not in said


def test_the_user_at_the_other_end_is_known(tmp_path: Path) -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        asked = trio.socket.from_stdlib_socket(one)
        assert local_socket.user_of(asked) == os.geteuid()
    code = "from shared.local_socket import user_of"  # it needs nothing else
    subprocess.run([sys.executable, "-c", code], check=True)
