"""Keep a screen, a keyboard and the signals running, while the work comes and goes."""

import argparse
import logging
import math
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import trio

from peer.commands.grammar import Context, Diagnose, Quit
from peer.commands.parsing import parse
from peer.console.codes import Code
from peer.events import Notice
from peer.screen.frontend import Frontend, Line
from peer.screen.line import LineFrontend, ScreenGone
from peer.screen.ui_state import UiState
from shared.clean import on_one_line
from shared.errors import ParleyError, Refused, StorageError
from shared.log import log_to_stderr
from shared.names import is_name
from shared.process import UNWRITTEN, open_standard_files, say_on_stderr, say_unwritten
from shared.wording import clause

FLUSH_SECONDS: Final = 2.0  # for the prompt to appear, and for the last lines to be written
TYPED_AHEAD_SECONDS: Final = 2.0  # a line within these is performed soon
HAS_TO_WAIT: Final = "What you type now waits until the directory answers; QUIT gives up."
UNFINISHED: Final = "Not everything that was typed has been delivered or stored."
INTERRUPTED: Final = 130  # the exit code when a signal came before there was anything to finish

Examine = Callable[[Line], Awaitable[None]]
Work = Callable[[argparse.Namespace, "Lifecycle"], Awaitable[int]]


def run(arguments: argparse.Namespace, work: Work) -> int:
    """Perform the work with a screen and a keyboard; return the exit code."""
    open_standard_files()
    level = logging.INFO if arguments.verbose else logging.ERROR
    log_to_stderr(level, "peer: %(message)s")
    stage = Lifecycle(face_of(arguments))
    if arguments.name is not None and is_name(arguments.name):
        stage.face.stands(UiState(me=arguments.name))
    code = trio.run(stage.play, lambda: work(arguments, stage))
    if stage.last_words:
        say_on_stderr(f"peer: {on_one_line(stage.last_words)}")
    if stage.advice:
        say_on_stderr(f"peer: {on_one_line(stage.advice)}")
    if stage.screen_gone is not None:
        say_unwritten(stage.screen_gone.__cause__)
        return code or UNWRITTEN
    return code


def face_of(arguments: argparse.Namespace) -> Frontend:
    """Return the frontend that fits the arguments and the terminal."""
    if arguments.json:
        from peer.screen.json_lines import JsonFrontend  # noqa: PLC0415

        return JsonFrontend()
    shows_little = arguments.plain or arguments.command or arguments.find
    if arguments.by_hand and not shows_little and _can_draw():
        from peer.screen.terminal.terminal import Terminal  # noqa: PLC0415

        with_text = arguments.notify_text
        return Terminal(
            notify=arguments.notify or with_text, notify_text=with_text,
            keeps_history=not arguments.no_history,
        )  # fmt: skip
    return LineFrontend()


def _can_draw() -> bool:
    return os.environ.get("TERM", "dumb") != "dumb"


class Lifecycle:
    def __init__(self, face: Frontend) -> None:
        self.face = face
        self.stopped = trio.Event()  #: set by a signal, or when nobody can see us any more
        self.may_finish = False  #: whether there is something to finish after a signal
        self.last_words = ""  #: for stderr, once the screen is gone
        self.advice = ""  #: for a line of its own below them
        self.screen_gone: ScreenGone | None = None  #: set if it went before all was shown
        self._work = trio.CancelScope()
        self._code = INTERRUPTED  # the exit code of cancelled work
        self._early: deque[Line] = deque()  # typed while the work waited

    def fail(self, failure: ParleyError) -> int:
        """Set the line for stderr at the end; return the exit code."""
        self.last_words = f"{clause(failure)}."
        if isinstance(failure, Refused):
            is_usage = failure.code in ("LISTEN", "LOCK", "NAME", "USAGE")
            return Code.USAGE if is_usage else Code.REFUSED
        return Code.USAGE if isinstance(failure, StorageError) else Code.DIRECTORY

    async def play(self, work: Callable[[], Awaitable[int]]) -> int:
        """Run the screen and the signals until `work` ends; return the exit code."""
        code: int | None = None
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await nursery.start(self._watch_signals)
            nursery.start_soon(self._keep_screen)
            with self._work:
                await self._flush()
                code = await work()
            await self._flush()
            nursery.cancel_scope.cancel()
        return self._code if code is None else code

    @asynccontextmanager
    async def quits_at_once(self, examine: Examine | None = None) -> AsyncIterator[None]:
        """Let QUIT end the work within the block, as a signal does; other lines wait.

        The first of them is told so, unless the block has just begun.  `examine` performs
        DOCTOR as soon as that is of use, perhaps not within the block.
        """
        waiting, has_ended = trio.CancelScope(), trio.Event()
        told_from = trio.current_time() + TYPED_AHEAD_SECONDS

        async def wait_for_quit() -> None:
            nonlocal told_from
            with waiting:
                async with trio.open_nursery() as nursery:
                    while not self._work.cancel_called:
                        line = await self.face.read_line()
                        command = Quit() if line is None else parse(line.text, Context())
                        if line is None or command == Quit():
                            self._code = 0
                            self._work.cancel()
                            break
                        self._early.append(line)
                        if command == Diagnose() and examine is not None:
                            nursery.start_soon(self._examine, examine, line)
                        elif line.text.strip() and trio.current_time() >= told_from:
                            told_from = math.inf
                            self.face.show(Notice(HAS_TO_WAIT))
                    nursery.cancel_scope.cancel()
            has_ended.set()

        self._nursery.start_soon(wait_for_quit)
        try:
            yield
        finally:
            waiting.cancel()
            await has_ended.wait()

    async def _examine(self, examine: Examine, line: Line) -> None:
        """Perform a line that waits, unless its turn comes first."""
        await examine(line)
        if line in self._early:
            self._early.remove(line)

    async def read_line(self) -> Line | None:
        """Return the next line, None at the end of input.  A cancelled call loses nothing."""
        return self._early.popleft() if self._early else await self.face.read_line()

    async def read_text(self) -> str | None:
        """Return the text of the next line, None at the end of input or when we are stopped."""
        async with self.until_stopped():
            line = await self.read_line()
            return None if line is None else line.text
        return None

    @asynccontextmanager
    async def until_stopped(self) -> AsyncIterator[None]:
        """Cancel the block when we are stopped."""

        async def stop() -> None:
            await self.stopped.wait()
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop)
            yield
            nursery.cancel_scope.cancel()

    async def _flush(self) -> None:
        with trio.move_on_after(FLUSH_SECONDS):
            await self.face.flushed()

    async def _keep_screen(self) -> None:
        try:
            await self.face.run()
        except ScreenGone as gone:
            self.screen_gone = gone
            self.stopped.set()

    async def _watch_signals(self, *, task_status: trio.TaskStatus[None]) -> None:
        ends = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as nohup asks for
            ends.remove(signal.SIGHUP)
        with trio.open_signal_receiver(*ends) as signals:
            task_status.started()
            async for number in signals:
                if self.stopped.is_set():
                    os._exit(128 + number)  # a second signal: end at once
                self.stopped.set()
                if not self.may_finish:
                    self._work.cancel()
