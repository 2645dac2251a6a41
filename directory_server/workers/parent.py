"""Keep several directories running on one machine, behind one port.

They share the sockets on which the parent listens, so whichever is free takes who comes;
and the store, as directories on several machines do.  The first one has the data folder,
each further one a folder inside of it, with the same key.
"""

import fcntl
import logging
import os
import signal
import subprocess  # nosec B404  # its own program, with words that it was started with
import sys
from codecs import getincrementaldecoder
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import trio

from directory_server.inherited_sockets import inherited_listeners
from directory_server.output import say
from directory_server.service_manager import tell_manager
from directory_server.storage.founding import AUTHORITY_FILE
from shared.disk import FolderDisk
from shared.errors import ParleyError, Refused
from shared.private import make_folder
from shared.wire import why_not_heard

log = logging.getLogger(__name__)

BACKLOG: Final = 1_024  # connections that wait for a worker who takes them
PAUSE_SECONDS: Final = 1.0  # before a dead one is started again
FREE: Final = 64  # workers get the sockets at descriptors from here on: nothing else is there
CHUNK: Final = 4_096  # bytes of what a worker prints

Place = tuple[str, int]


class Workers:
    def __init__(
        self, count: int, words: Sequence[str], folder: Path, metrics: Place | None
    ) -> None:
        """`words`: of our own command line, which each worker gets, too."""
        self._count, self._words, self._folder, self._metrics = count, words, folder, metrics
        self._sockets: list[int] = []
        self._alive: dict[int, trio.Process] = {}  # by the worker's number
        self._is_stopping = False
        self._code = 0

    async def run(self, host: str | None, port: int) -> int:
        """Run all until a signal, or until each has ended by itself; return the exit code.

        Raises Refused when the port cannot be had.
        """
        try:
            listeners = inherited_listeners(port) or await trio.open_tcp_listeners(
                port, host=host, backlog=BACKLOG
            )
        except OSError as error:
            raise Refused(why_not_heard(error, host, port, "directory"), "LISTEN") from None
        for listener in listeners:
            with listener.socket as one:
                self._sockets.append(fcntl.fcntl(one.fileno(), fcntl.F_DUPFD_CLOEXEC, FREE))
        try:
            await self._run_all(port)
        finally:
            for descriptor in self._sockets:
                os.close(descriptor)
        return self._code

    async def _run_all(self, port: int) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._obey, signals)
                async with trio.open_nursery() as working:
                    for number in range(1, self._count + 1):  # the first one may found it all
                        await working.start(self._keep, number)
                    tell_manager("READY=1", f"STATUS={self._count} workers on port {port}")
                nursery.cancel_scope.cancel()

    async def _obey(self, signals: AsyncIterator[int]) -> None:
        """Hand each signal on; all but SIGHUP mean the end."""
        async for number in signals:
            if number != signal.SIGHUP:
                self._is_stopping = True
                tell_manager("STOPPING=1")
            self._tell_all(signal.Signals(number))

    def _tell_all(self, number: signal.Signals) -> None:
        for process in self._alive.values():
            process.send_signal(number)

    async def _keep(self, number: int, task_status: trio.TaskStatus[None]) -> None:
        """Run one worker, and start it again whenever it dies."""
        ready = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run_again_and_again, number, ready)
            await ready.wait()
            task_status.started()

    async def _run_again_and_again(self, number: int, ready: trio.Event) -> None:
        while not self._is_stopping:
            try:
                code = await self._run_once(number, ready.set)
            except ParleyError as error:
                log.warning("worker %d cannot be started: %s", number, error)
                code = 1
            if code == 0 or self._is_stopping:  # one that is not ready yet dies of a signal
                break
            if not ready.is_set():  # it has said why; then the others are not wanted
                self._code, self._is_stopping = code, True
                self._tell_all(signal.SIGTERM)
            else:
                log.warning("worker %d has died (%d); it is started again", number, code)
                await trio.sleep(PAUSE_SECONDS)
        ready.set()

    async def _run_once(self, number: int, is_ready: Callable[[], None]) -> int:
        """Run a worker to its end; return its exit code.  Raises StorageError."""
        process = await trio.lowlevel.open_process(
            self.command(number, self._folder_of(number)),
            stdout=subprocess.PIPE,
            pass_fds=self._sockets,
            start_new_session=True,  # a Ctrl+C is for us, who hand it on
            env={key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"},
        )
        self._alive[number] = process
        if self._is_stopping:  # meanwhile: it was not told
            process.send_signal(signal.SIGTERM)
        try:
            await _hear(process, is_ready, is_told=number == 1)
            return await process.wait()
        finally:
            del self._alive[number]
            if process.returncode is None:
                process.kill()

    def _folder_of(self, number: int) -> Path:
        """Return the data folder of a worker, with the community's key in it."""
        if number == 1:
            return self._folder
        folder = self._folder / f"worker{number}"
        key = FolderDisk(self._folder).read(AUTHORITY_FILE)
        make_folder(folder)
        disk = FolderDisk(folder)
        if key is not None and disk.read(AUTHORITY_FILE) != key:
            disk.write(AUTHORITY_FILE, key)
        return folder

    def command(self, number: int, folder: Path) -> list[str]:
        """Return the words that start a worker with this data folder."""
        sockets = ",".join(map(str, self._sockets))
        command = [sys.executable, "-m", "directory_server.workers", sockets, *self._words]
        command += ["--workers", "1", "--data", str(folder)]
        command += ["--no-announce"] if number > 1 else []  # one speaks for all
        if self._metrics is not None:
            host, port = self._metrics
            shown = f"[{host}]" if ":" in host else host
            command += ["--metrics", f"{shown}:{port + number - 1}"]
        return command


async def _hear(process: trio.Process, is_ready: Callable[[], None], *, is_told: bool) -> None:
    """Read what a worker prints until it ends: it is ready once it has said something.

    `is_told`: whether it goes on to our own output, as each says the same.
    """
    assert process.stdout is not None
    decoder = getincrementaldecoder("utf-8")(errors="replace")  # a chunk may end in a character
    async with process.stdout:
        while chunk := await process.stdout.receive_some(CHUNK):
            if is_told:
                say(decoder.decode(chunk))
            is_ready()
