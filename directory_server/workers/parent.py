"""Keep several directories running on one machine, behind one port.

They share the sockets on which the parent listens, so whichever is free takes who comes;
and the store, as directories on several machines do.  The first one has the data folder,
each further one a folder inside of it, with the same key.
"""

import fcntl
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import trio

from directory_server.inherited_sockets import inherited_listeners
from directory_server.output import has_terminal
from directory_server.service_manager import tell_manager
from directory_server.storage.founding import AUTHORITY_FILE
from directory_server.workers.options import VARIABLE, Options
from directory_server.workers.worker import Worker, start_worker
from shared.arguments import USAGE_ERROR
from shared.disk import FolderDisk
from shared.errors import ParleyError, Refused
from shared.private import make_folder
from shared.wire import why_not_heard

log = logging.getLogger(__name__)

BACKLOG: Final = 1_024  # connections that wait for a worker who takes them
PAUSE_SECONDS: Final = 1.0  # before a dead one is started again
ENDED_BY_SIGNAL: Final = 128  # plus its number: the exit code that a shell reports
FREE: Final = 64  # workers get the sockets at descriptors from here on: nothing else is there


class Workers:
    def __init__(self, words: Sequence[str], folder: Path, options: Options) -> None:
        """`words`: of our own command line, which each worker gets, too."""
        self._words, self._folder, self._options = words, folder, options
        self._sockets: list[int] = []
        self._alive: dict[int, Worker] = {}  # by the worker's number
        self._is_stopping = False
        self._code = 0
        self._fault: ParleyError | None = None  # why one could not be started at first

    async def run(self, host: str | None, port: int) -> int:
        """Run all until a signal, or until each has ended by itself; return the exit code.

        Raises ParleyError when the port cannot be had, or one cannot be started at first.
        """
        self._options.of_worker(self._options.latest.workers, self._folder)  # has the last port
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
        if self._fault is not None:
            raise self._fault
        return self._code

    async def _run_all(self, port: int) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._obey, signals)
                async with trio.open_nursery() as working:
                    count = self._options.latest.workers
                    for number in range(1, count + 1):  # the first one may found it all
                        await working.start(self._keep, number)
                    if not self._is_stopping:
                        tell_manager("READY=1", f"STATUS={count} workers on port {port}")
                nursery.cancel_scope.cancel()

    async def _obey(self, signals: AsyncIterator[int]) -> None:
        """Stop all at each signal; let them read the options anew if no terminal sent a SIGHUP."""
        is_at_terminal = has_terminal()  # asked now: one that has hung up is none any more
        async for number in signals:
            if number == signal.SIGHUP and not is_at_terminal:
                if self._options.read_anew():
                    for worker in self._alive.values():
                        worker.read_anew()
            else:
                self._is_stopping = True
                tell_manager("STOPPING=1")
                self._stop_all()

    def _stop_all(self) -> None:
        for worker in self._alive.values():
            worker.stop()

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
                how = f"has died ({code}); it is started again"
            except ParleyError as error:
                code, how = USAGE_ERROR, f"cannot be started, which is tried again: {error}"
                if not ready.is_set() and not self._is_stopping:
                    self._fault = Refused(f"worker {number} cannot be started: {error}")
            if self._is_stopping:  # one that is not ready yet dies of a signal
                break
            if code == 0:
                self._note_end(number)
                break
            if not ready.is_set():  # then the others are not wanted
                self._give_up(number, code)
            else:
                log.warning("worker %d %s", number, how)
                await trio.sleep(PAUSE_SECONDS)
        ready.set()

    def _note_end(self, number: int) -> None:
        log.warning("worker %d has ended; it is not started again", number)
        first = min(self._alive, default=number)
        if number < first:  # it was the one that could be asked
            log.warning(
                "dirserver admin finds another worker with --data %s", self._place_of(first)
            )

    def _give_up(self, number: int, code: int) -> None:
        """Stop all, as a worker did not start: it has said why, unless a signal ended it."""
        if code < 0:
            log.warning("worker %d was ended by signal %d before it was ready", number, -code)
            code = ENDED_BY_SIGNAL - code
        self._code, self._is_stopping = code, True
        self._stop_all()

    async def _run_once(self, number: int, when_ready: Callable[[], None]) -> int:
        """Run a worker to its end; return its exit code.

        Raises ParleyError when it cannot be started.
        """
        folder = self._folder_of(number)
        environment = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
        latest = self._options.latest
        environment[VARIABLE] = self._options.of_worker(number, folder)
        worker = await start_worker(self.command(folder), self._sockets, environment)
        self._alive[number] = worker
        if self._is_stopping:  # meanwhile: it was not told
            worker.stop()
        if self._options.latest is not latest:
            worker.read_anew()
        try:
            return await worker.run(when_ready, is_told=number == 1)
        finally:
            del self._alive[number]

    def _place_of(self, number: int) -> Path:
        return self._folder if number == 1 else self._folder / f"worker{number}"

    def _folder_of(self, number: int) -> Path:
        """Return the data folder of a worker, with the community's key in it."""
        folder = self._place_of(number)
        if number == 1:
            return folder
        key = FolderDisk(self._folder).read(AUTHORITY_FILE)
        make_folder(folder)
        disk = FolderDisk(folder)
        if key is not None and disk.read(AUTHORITY_FILE) != key:
            disk.write(AUTHORITY_FILE, key)
        return folder

    def command(self, folder: Path) -> list[str]:
        """Return the words that start a worker; a list of processes shows its data folder."""
        sockets = ",".join(map(str, self._sockets))
        command = [sys.executable, "-m", "directory_server.workers", sockets, *self._words]
        return [*command, "--workers", "1", "--data", str(folder)]
