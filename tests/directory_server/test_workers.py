"""How the parent of several directories on one port starts each of them."""

import io
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from directory_server import arguments
from directory_server.output import has_terminal
from directory_server.workers.options import VARIABLE, Options
from directory_server.workers.parent import Workers
from shared.errors import Refused
from shared.wording import system_reason

STORE = "postgresql://db1/parley"
HOST = "127.0.0.1"
READY = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"
NEVER_READY = "exec sleep 1000"
SECONDS = 40.0  # far more than it takes


class Shells(Workers):
    """Workers that are shells."""

    def __init__(self, folder: Path, *scripts: str) -> None:
        words = ["5000", "--store", STORE, "--workers", "2"]
        options = arguments.parse(words)
        options.workers = len(scripts)
        super().__init__(words, folder, Options(options, lambda: arguments.parse(words)))
        self._scripts = dict(zip(map(self._place_of, range(1, 9)), scripts, strict=False))

    def command(self, folder: Path) -> list[str]:
        return ["sh", "-c", self._scripts[folder]]

    def stop(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # nothing of the product tells a test
        await trio.sleep(0.01)


async def test_a_worker_that_is_stopped_before_it_is_ready_has_not_failed(tmp_path: Path) -> None:
    """The others are not told a second time, which would end them in the middle of their end."""
    workers = Shells(tmp_path, READY, NEVER_READY)

    async def stop() -> None:
        await until(lambda: len(workers._alive) == 2)
        workers.stop()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop)
        with trio.fail_after(SECONDS):
            assert await workers.run(HOST, 0) == 0


async def test_a_worker_that_is_begun_when_all_are_told_to_stop_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers, begun = Shells(tmp_path, READY, READY), trio.lowlevel.open_process

    async def begin(command: list[str], **options: Any) -> trio.Process:
        process = await begun(command, **options)
        if workers._alive:  # this is the second one
            workers.stop()
            await until(lambda: workers._is_stopping)
        return process

    monkeypatch.setattr("trio.lowlevel.open_process", begin)
    with trio.fail_after(SECONDS):
        assert await workers.run(HOST, 0) == 0


async def test_options_are_read_anew_by_a_worker_once_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before, the signal would end it, and the service."""
    monkeypatch.setattr("directory_server.workers.parent.has_terminal", lambda: False)
    go, printed = tmp_path / "go", ""
    busy = f"while ! [ -e {go} ]; do sleep 0.05; done; trap 'echo read anew' HUP; {READY}"
    workers = Shells(tmp_path, busy, READY)

    def is_read_anew() -> bool:
        nonlocal printed
        printed += capsys.readouterr().out
        return "read anew" in printed

    async def reload() -> None:
        await until(lambda: 1 in workers._alive)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: workers._alive[1]._is_to_read_anew)
        go.touch()
        await until(is_read_anew)
        await until(lambda: len(workers._alive) == 2)
        workers.stop()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reload)
        with trio.fail_after(SECONDS):
            assert await workers.run(HOST, 0) == 0


async def test_options_are_read_anew_by_a_worker_that_is_begun_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory_server.workers.parent.has_terminal", lambda: False)
    workers, begun = Shells(tmp_path, f"trap 'exit 0' HUP; {READY}"), trio.lowlevel.open_process

    async def begin(command: list[str], **options: Any) -> trio.Process:
        process, before = await begun(command, **options), workers._options.latest
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: workers._options.latest is not before)
        return process

    monkeypatch.setattr("trio.lowlevel.open_process", begin)
    with trio.fail_after(SECONDS):
        assert await workers.run(HOST, 0) == 0


@pytest.mark.parametrize(
    "fault",
    [
        BlockingIOError(11, "Resource temporarily unavailable"),
        OSError(24, "Too many open files"),
        RuntimeError("can't start new thread"),
    ],
)
async def test_a_worker_that_cannot_be_started_again_is_tried_until_it_can(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Exception,
) -> None:
    """The other one serves meanwhile."""
    monkeypatch.setattr("directory_server.workers.parent.PAUSE_SECONDS", 0.0)
    workers, begun, faults = Shells(tmp_path, READY, READY), trio.lowlevel.open_process, [fault] * 3

    async def begin(command: list[str], **options: Any) -> trio.Process:
        if len(workers._alive) == 1 and 1 not in workers._alive and faults:
            raise faults.pop()
        return await begun(command, **options)

    async def kill_the_first_one() -> None:
        await until(lambda: [one.is_ready for one in workers._alive.values()] == [True, True])
        workers._alive[1].process.kill()
        await until(lambda: not faults and len(workers._alive) == 2)
        workers.stop()

    monkeypatch.setattr("trio.lowlevel.open_process", begin)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill_the_first_one)
        with trio.fail_after(SECONDS):
            assert await workers.run(HOST, 0) == 0
    why = system_reason(fault)
    assert caplog.messages == [
        "worker 1 has died (-9); it is started again",
        *[f"worker 1 cannot be started, which is tried again: sh: {why}"] * 3,
    ]


async def test_a_worker_that_cannot_be_started_at_first_ends_the_others_with_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers, begun = Shells(tmp_path, READY, READY), trio.lowlevel.open_process

    async def begin(command: list[str], **options: Any) -> trio.Process:
        if workers._alive:
            raise OSError(24, "Too many open files")
        return await begun(command, **options)

    monkeypatch.setattr("trio.lowlevel.open_process", begin)
    with trio.fail_after(SECONDS), pytest.raises(Refused) as error:
        await workers.run(HOST, 0)
    assert str(error.value) == "worker 2 cannot be started: sh: too many open files"
    assert not workers._alive


async def test_workers_begin_only_if_there_is_a_port_for_the_metrics_of_each(
    tmp_path: Path,
) -> None:
    workers = Shells(tmp_path, "exit 1", "exit 1")
    workers._options.latest.metrics = (HOST, 65_535)
    with pytest.raises(Refused, match="--metrics: 65536 is not a port"):
        await workers.run(HOST, 0)


async def test_workers_end_with_their_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("directory_server.workers.parent.has_terminal", lambda: True)
    workers = Shells(tmp_path, READY, READY)

    async def close_the_terminal() -> None:
        await until(lambda: len(workers._alive) == 2)
        os.kill(os.getpid(), signal.SIGHUP)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(close_the_terminal)
        with trio.fail_after(SECONDS):
            assert await workers.run(HOST, 0) == 0
    assert not caplog.messages


async def test_workers_end_when_a_real_terminal_hangs_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no terminal any more when the signal arrives."""
    terminal, screen = pty.openpty()
    workers = Shells(tmp_path, READY, READY)

    async def hang_up() -> None:
        await until(lambda: [one.is_ready for one in workers._alive.values()] == [True, True])
        os.close(terminal)
        assert not has_terminal()
        os.kill(os.getpid(), signal.SIGHUP)

    with open(screen, "w") as output:  # noqa: ASYNC230  # it does not wait
        monkeypatch.setattr("sys.stdout", output)
        monkeypatch.setattr("sys.stdin", None)
        monkeypatch.setattr("sys.stderr", None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hang_up)
            with trio.fail_after(SECONDS):
                assert await workers.run(HOST, 0) == 0


async def test_a_worker_that_is_interrupted_is_told_to_stop(tmp_path: Path) -> None:
    """An interrupt would be a traceback while its Python begins."""
    workers = Shells(tmp_path, f"trap 'echo interrupted' INT; {READY}")

    async def interrupt() -> None:
        await until(lambda: [one.is_ready for one in workers._alive.values()] == [True])
        os.kill(os.getpid(), signal.SIGINT)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(interrupt)
        with trio.fail_after(SECONDS):
            assert await workers.run(HOST, 0) == 0


@pytest.mark.parametrize(
    ("script", "told"),
    [("exit 3", []), (READY, [("READY=1", "STATUS=1 workers on port 0"), ("STOPPING=1",)])],
)
async def test_a_service_manager_is_not_told_that_a_failed_start_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: list[tuple[str, ...]]
) -> None:
    workers, states = Shells(tmp_path, script), []

    def tell(*words: str) -> None:
        states.append(words)
        if "READY=1" in words:
            workers.stop()

    monkeypatch.setattr("directory_server.workers.parent.tell_manager", tell)
    with trio.fail_after(SECONDS):
        assert await workers.run(HOST, 0) == (0 if told else 3)
    assert states == told


async def test_a_worker_that_a_signal_ends_before_it_is_ready_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with trio.fail_after(SECONDS):
        assert await Shells(tmp_path, "kill -KILL $$", READY).run(HOST, 0) == 128 + signal.SIGKILL
    assert caplog.messages == ["worker 1 was ended by signal 9 before it was ready"]


async def test_a_worker_that_somebody_stops_is_named_and_who_can_be_asked_instead(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workers = Shells(tmp_path, *[READY] * 4)

    async def stop(number: int) -> None:
        workers._alive[number].stop()
        await until(lambda: number not in workers._alive)

    async def stop_three() -> None:
        await until(lambda: [one.is_ready for one in workers._alive.values()] == [True] * 4)
        await stop(1)
        await stop(3)
        await stop(2)
        workers.stop()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_three)
        with trio.fail_after(SECONDS):
            assert await workers.run(HOST, 0) == 0
    assert caplog.messages == [
        "worker 1 has ended; it is not started again",
        f"dirserver admin finds another worker with --data {tmp_path / 'worker2'}",
        "worker 3 has ended; it is not started again",
        "worker 2 has ended; it is not started again",
        f"dirserver admin finds another worker with --data {tmp_path / 'worker4'}",
    ]


class Unread(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("output", [Unread(), None])
async def test_workers_go_on_when_nobody_reads_what_they_print(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    output: Unread | None,
) -> None:
    """The first one is started again all the same, although it prints its lines again."""
    monkeypatch.setattr("sys.stdout", output)
    monkeypatch.setattr("directory_server.workers.parent.PAUSE_SECONDS", 0.0)
    workers = Shells(tmp_path, READY, READY)

    async def kill_the_first_one() -> None:
        await until(lambda: len(workers._alive) == 2)
        killed = workers._alive[1]
        killed.process.kill()
        await until(lambda: workers._alive.get(1, killed) is not killed)
        workers.stop()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill_the_first_one)
        with trio.fail_after(SECONDS):
            assert await workers.run(HOST, 0) == 0
    assert "worker 1 has died (-9); it is started again" in caplog.messages
    told = "nobody reads our output: [Errno 32] Broken pipe" in caplog.messages
    assert told == (output is not None)


async def test_a_character_may_come_in_two_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("directory_server.workers.worker.CHUNK", 1)
    workers = Shells(tmp_path, "echo '\u00e9'")
    with trio.fail_after(SECONDS):
        assert await workers.run(HOST, 0) == 0
    assert capsys.readouterr().out == "\u00e9\n"


def test_a_worker_ends_when_its_parent_has_died(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as listening:
        port, number = listening.getsockname()[1], listening.fileno()
        words = [str(port), "--data", str(tmp_path), "--no-announce"]
        options = Options(arguments.parse(words), lambda: arguments.parse(words))
        worker = subprocess.Popen(
            [sys.executable, "-m", "directory_server.workers", str(number), *words],
            stdout=subprocess.PIPE,
            pass_fds=[number],
            env={**os.environ, VARIABLE: options.of_worker(1, tmp_path)},
        )
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline().startswith(b"Directory listening on ")
        worker.stdout.close()  # as the end of the parent does
        assert worker.wait(SECONDS) == 0
    finally:
        worker.kill()
        worker.wait()
