"""One of several workers: hand signals to it, and read what it prints, until it ends."""

import signal
import subprocess  # nosec B404  # its own program, with words that it was started with
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from typing import Final

import trio

from directory_server.output import say
from shared.errors import Refused
from shared.wording import system_reason

CHUNK: Final = 4_096  # bytes of what a worker prints


class Worker:
    """A process that is ready once it has printed something: before, a signal would end it."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.is_ready = False
        self._is_to_read_anew = False  # told before it was ready

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)  # SIGINT is a traceback while Python begins

    def read_anew(self) -> None:
        """Let it read the options anew, as soon as it can."""
        if self.is_ready:
            self.process.send_signal(signal.SIGHUP)
        else:
            self._is_to_read_anew = True

    async def run(self, when_ready: Callable[[], None], *, is_told: bool) -> int:
        """Read what it prints until it ends; return its exit code.

        `is_told`: whether it goes on to our own output, as each worker says the same.
        """
        assert self.process.stdout is not None
        try:
            await self._hear(self.process.stdout, when_ready, is_told=is_told)
            return await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.process.kill()

    async def _hear(
        self, stdout: trio.abc.ReceiveStream, when_ready: Callable[[], None], *, is_told: bool
    ) -> None:
        decoder = getincrementaldecoder("utf-8")(errors="replace")  # a chunk may end in a character
        async with stdout:
            while chunk := await stdout.receive_some(CHUNK):
                if is_told:
                    say(decoder.decode(chunk))
                if not self.is_ready:
                    self._becomes_ready()
                    when_ready()

    def _becomes_ready(self) -> None:
        self.is_ready = True
        if self._is_to_read_anew:
            self.read_anew()


async def start_worker(
    command: Sequence[str], sockets: Sequence[int], environment: dict[str, str]
) -> Worker:
    """Start a process that has these sockets.  A Ctrl+C is for the parent, which hands it on.

    Raises Refused when the system starts none.
    """
    try:
        process = await trio.lowlevel.open_process(
            command,
            stdout=subprocess.PIPE,
            pass_fds=sockets,
            start_new_session=True,
            env=environment,
        )
    except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be started
        raise Refused(f"{command[0]}: {system_reason(error)}") from error
    return Worker(process)
