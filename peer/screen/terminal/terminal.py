"""The full terminal: events scroll by above one prompt that never ends.

Trio stays in the main thread and paints; the editor reads keys and writes, in a
thread of its own.  Events are gathered for a moment, so that a hundred texts a
second cost a few writes.
"""

import logging
import math
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio
from msgspec.structs import replace
from prompt_toolkit.history import History
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from peer.commands.grammar import (
    Go,
    LeaveMessage,
    Nothing,
    Private,
    Say,
    SayIn,
    ToAll,
    Unknown,
    WriteLine,
)
from peer.commands.parsing import parse
from peer.core.past.looking_back import SCREEN_TEXTS
from peer.events import Event, Invited, KeepMore, Notice
from peer.results import Asked, NotSent, Typed
from peer.screen.attention import Attention
from peer.screen.catching_up import CatchUp
from peer.screen.editor.editor import Editor
from peer.screen.editor.tty import Tty, modes_kept
from peer.screen.frontend import Line, Then
from peer.screen.line import ScreenGone
from peer.screen.presence_lines import PresenceLines
from peer.screen.terminal.canvas import Canvas
from peer.screen.terminal.completion import Completions
from peer.screen.terminal.editor_thread import run_editor
from peer.screen.terminal.main_thread import MainThread
from peer.screen.terminal.paint_queue import NextWrite, PaintQueue
from peer.screen.terminal.presenter import Presenter, again
from peer.screen.terminal.prompt import STYLE
from peer.screen.terminal.typed_lines import TypedLines
from peer.screen.ui_state import UiState
from peer.storage.input_history import InputHistory
from shared.log import HarmlessFormatter
from shared.messages.common import TEXT_CHARACTERS
from shared.names import fold
from shared.wording import system_reason

if TYPE_CHECKING:
    from peer.storage.vault import Vault
    from shared.world import Clock

GATHER_SECONDS: Final = 0.1  # between two writes; an event after a pause is written at once

# These lines need not be shown as typed: their results show the same.
SHOWN_ANYWAY: Final = Say | WriteLine | Private | ToAll | LeaveMessage | Go | Unknown | Nothing


class Terminal:
    """A frontend for people (`peer.screen.frontend.Frontend`)."""

    looks_back = True

    def __init__(
        self, terminal: Input | None = None, output: Output | None = None, *,
        notify: bool = False, notify_text: bool = False, clock: "Clock | None" = None,
        keeps_history: bool = True,
    ) -> None:  # fmt: skip
        """`keeps_history`: of many texts that come late a part is enough, HISTORY has the rest."""
        output = output or Tty.from_pty(sys.stdout, term=os.environ.get("TERM"))
        self._main = MainThread()
        self._typed, self._queue, self._calm = TypedLines(), PaintQueue(), PresenceLines()
        self._catch_up = CatchUp(SCREEN_TEXTS if keeps_history else math.inf)
        self._attention = Attention(notify=notify, with_text=notify_text)
        self._presenter = Presenter(self._main, self._typed, self._queue, self._attention, output)
        self._canvas = Canvas(output, clock)
        self._editor = Editor(
            terminal or create_input(),
            output,
            self._presenter,
            Completions(self._presenter),
            style=Style.from_dict(STYLE),
            colours=self._canvas.depth,
        )
        self._progress = trio.lowlevel.ParkingLot()
        self._is_up = self._is_over = False

    # --- Frontend ---

    def show(self, *events: Event, then: Then | None = None) -> None:
        for event in events:
            if isinstance(event, Invited | KeepMore | Asked):
                self._typed.asked()
            elif isinstance(event, NotSent):
                give_back = self._editor.give_back
                self._editor.call(partial(give_back, event.line, event.target, again(event)))
        self._queue.add(self._calm.of(self._catch_up.of(events)), then)

    def stands(self, ui_state: UiState) -> None:
        if ui_state != self._presenter.state:
            self._presenter.state = ui_state
            self._editor.call(self._editor.redraw)
            self._queue.wake()  # for the title

    def remember(self, folder: Path, vault: "Vault | None" = None) -> None:
        """Keep what is typed in this folder, for Up and Ctrl-R."""
        try:
            before: History = InputHistory(folder, vault)
        except OSError as error:
            why = system_reason(error)
            self.show(Notice(f"What is typed cannot be remembered: {why}."))
        else:
            self._editor.call(lambda: self._editor.remember(before))

    async def read_line(self) -> Line | None:
        line = await self._typed.get()
        if not self._presenter.state.me or not self._is_shown_anyway(line):
            self.show(Typed(line.text))
        return line

    def _is_shown_anyway(self, line: Line) -> bool:
        """Whether the result of the line shows what was typed."""
        if len(line.text) > TEXT_CHARACTERS:
            return False  # the refusal is enough
        context = self._presenter.state.context
        if line.target is not None:
            context = line.target.within(context)
        if not self._typed.may_answer(line):
            context = replace(context, question_open=False)  # it is not an answer, see Console
        command = parse(line.text, context)
        if isinstance(command, SayIn):
            return fold(command.room) in map(fold, context.rooms)  # else it is refused
        return isinstance(command, SHOWN_ANYWAY)

    async def touched(self) -> None:
        await self._typed.touched()

    async def sought(self) -> str:
        return await self._typed.sought()

    async def flushed(self) -> None:
        await trio.lowlevel.checkpoint()
        self._queue.flush(is_on=True)
        try:
            while self._has_unwritten and not self._is_over:
                await self._progress.park()
        finally:
            self._queue.flush(is_on=False)

    @property
    def _has_unwritten(self) -> bool:
        return self._queue.has_events or bool(self._queue.live) or not self._is_up

    async def run(self) -> None:
        """Run the terminal; leave it as it was found, whatever happens."""
        self._main.enter()
        gone: BaseExceptionGroup[OSError | EOFError] | None = None
        # Ctrl-Z is blocked here, so that it stops the editor's thread at once.
        signals = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        try:
            with modes_kept(), _logging_to(_NoticeHandler(self._main, self._queue)):
                await self._live_on()
        except* (OSError, EOFError) as failures:
            gone = failures  # what is raised here comes in a group, before Python 3.11.4
        finally:
            self._is_over = True
            self._progress.unpark_all()
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        if gone is not None:
            raise ScreenGone("The terminal is gone.") from gone

    async def _live_on(self) -> None:
        """Run the editor and the painter; end with an error only."""
        async with trio.open_nursery() as nursery:
            await nursery.start(run_editor, self._editor, self._main)
            self._is_up = True
            self._progress.unpark_all()
            nursery.start_soon(self._follow_size)
            nursery.start_soon(self._sum_up)
            nursery.start_soon(self._sum_up_late)
            self._canvas.import_painter()
            await self._paint(nursery)

    async def _follow_size(self) -> None:
        """Draw again after SIGWINCH, and after SIGCONT: others have written to the terminal."""
        with trio.open_signal_receiver(signal.SIGWINCH, signal.SIGCONT) as signals:
            async for number in signals:
                is_resized = number == signal.SIGWINCH
                self._editor.call(self._editor.resized if is_resized else self._editor.continued)

    async def _sum_up(self) -> None:
        """Show how many others came and went."""
        while True:
            self.show(await self._calm.sum())

    async def _sum_up_late(self) -> None:
        """Show how many texts came late that are not shown."""
        while True:
            self.show(*await self._catch_up.sum())

    # --- Painting ---

    async def _paint(self, nursery: trio.Nursery) -> None:
        while True:
            await self._queue.wait()
            batch = self._queue.next()
            for sent in batch.begun:
                nursery.start_soon(self._queue.await_mark, sent)
            await self._write(batch)
            for then in batch.thens:
                then()
            self._progress.unpark_all()
            if self._queue.has_events:
                self._queue.wake()
            await trio.sleep(GATHER_SECONDS)

    async def _write(self, batch: NextWrite) -> None:
        """Write a batch, with what else the terminal is to be told; return when it is there."""
        now, ui_state = trio.current_time(), self._presenter.state
        bells = [self._attention.heed(event, ui_state, now) for event in batch.taken]
        text = self._canvas.lines(batch.written, ui_state.me)
        live = self._canvas.live_lines(self._queue.live)
        raw = next(filter(None, bells), "") + self._presenter.new_title()
        done = trio.Event()

        def write() -> None:
            self._editor.print(text, live, raw)
            self._main.call(done.set)

        self._editor.call(write)
        await done.wait()


@contextmanager
def _logging_to(handler: logging.Handler) -> Iterator[None]:
    """Hand what is logged within the block to this: stderr is the same terminal."""
    root = logging.getLogger()
    before = root.handlers
    root.handlers = [handler]
    try:
        yield
    finally:
        root.handlers = before


class _NoticeHandler(logging.Handler):
    """Shows what was logged, in any thread."""

    def __init__(self, main: MainThread, queue: PaintQueue) -> None:
        super().__init__()
        self.setFormatter(HarmlessFormatter())
        self._main, self._queue = main, queue

    def emit(self, record: logging.LogRecord) -> None:
        self._main.call(self._queue.add, (Notice(self.format(record)),))
