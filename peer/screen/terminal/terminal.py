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
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import trio
from msgspec.structs import replace
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.input import Input, create_input
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.styles import Style

from peer.commands.grammar import LeaveMessage, Nothing, Private, Say, ToAll, Unknown, WriteLine
from peer.commands.parsing import parse
from peer.core.target import Target, destination, misdirected
from peer.events import Event, Invited, KeepMore, Notice
from peer.results import SEEN_SECONDS, Asked, NotSent, Sent, Typed
from peer.screen.attention import Attention
from peer.screen.frontend import Line, Then
from peer.screen.line import ScreenGone
from peer.screen.presence_lines import PresenceLines
from peer.screen.shown_names import mentions
from peer.screen.terminal.completion import Completions
from peer.screen.terminal.editor import Editor, Tty
from peer.screen.terminal.hint import hint
from peer.screen.terminal.prompt import STYLE, prompt, title, toolbar
from peer.screen.ui_state import UiState
from peer.storage.input_history import InputHistory
from shared.log import HarmlessFormatter
from shared.messages.common import TEXT_CHARACTERS
from shared.wording import system_reason

if TYPE_CHECKING:
    from rich.console import RenderableType

    from peer.screen.paint.colours import Colours
    from peer.storage.vault import Vault

GATHER_SECONDS: Final = 0.1  # between two writes; an event after a pause is written at once
WAITING_MOST: Final = 5_000  # events for a slow terminal; beyond that the oldest are dropped
AT_ONCE: Final = 200  # events in one write; then the keys get their turn
LIVE_SECONDS: Final = 3.0  # how long a text of mine waits below for its mark
HOLD_SECONDS: Final = 0.3  # how long later events wait for that text
LIVE_MOST: Final = 4  # texts
STOP_SECONDS: Final = 2.0  # for the editor to leave the terminal as it was
LEAVING: Final = "QUIT leaves the program; in a conversation, QUIT CONVERSATION first."
LINES_MOST: Final = 1_000  # typed, and not performed yet

# These lines need not be shown as typed: their results show the same.
SHOWN_ANYWAY: Final = Say | WriteLine | Private | ToAll | LeaveMessage | Unknown | Nothing


class Terminal:
    """A frontend for people (`peer.screen.frontend.Frontend`)."""

    def __init__(
        self,
        terminal: Input | None = None,
        output: Output | None = None,
        *,
        notify: bool = False,
        notify_text: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._ui_state = UiState()
        self._events: deque[tuple[tuple[Event, ...], Then | None]] = deque()
        self._calm = PresenceLines(self.show)
        self._asked_at = -math.inf  # when a question was shown last
        self._dropped = 0  # since the user was last told
        self._live: dict[Sent, float] = {}  # since when each waits below everything
        self._is_flushing = False
        self._news = trio.Event()
        self._key = trio.Event()  # the next one
        self._progress = trio.lowlevel.ParkingLot()
        self._is_up = self._is_over = False
        self._typed, self._lines = trio.open_memory_channel[Line](LINES_MOST)
        self._title = ""
        self._attention = Attention(mentions, notify=notify, with_text=notify_text)
        self._now = now
        self._output = output or Tty.from_pty(sys.stdout, term=os.environ.get("TERM"))
        depth, self._colours = _colours()
        self._editor = Editor(
            terminal or create_input(),
            self._output,
            submit=lambda text, begun, target: self._call(self._take, text, begun, target),
            touched=lambda: self._call(self._touched),
            target=lambda: self._ui_state.target,
            held_back=self._hold_back,
            interrupt=self._interrupt,
            completer=Completions(lambda: self._ui_state),
            hint=lambda text: hint(text, self._ui_state),
            prompt=self._prompt,
            toolbar=self._toolbar,
            style=Style.from_dict(STYLE),
            colours=depth,
        )

    # --- Frontend ---

    def show(self, *events: Event, then: Then | None = None) -> None:
        for event in events:
            if isinstance(event, Invited | KeepMore | Asked):
                self._asked_at = trio.current_time()
            elif isinstance(event, NotSent):
                again = _again(event.would)
                self._editor.call(partial(self._editor.give_back, event.line, event.target, again))
        self._events.append((self._calm.of(events), then))
        while len(self._events) > WAITING_MOST:
            self._dropped += len(self._events.popleft()[0])
        self._news.set()

    def stands(self, ui_state: UiState) -> None:
        if ui_state != self._ui_state:
            self._ui_state = ui_state
            self._editor.call(self._editor.redraw)
            self._news.set()  # for the title

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
        line = await self._lines.receive()
        context = self._ui_state.context
        if line.begun is not None and line.begun < self._asked_at + SEEN_SECONDS:
            context = replace(context, question_open=False)  # it is not an answer, see Console
        is_too_long = len(line.text) > TEXT_CHARACTERS  # the refusal is enough
        if not self._ui_state.me or not (
            is_too_long or isinstance(parse(line.text, context), SHOWN_ANYWAY)
        ):
            self.show(Typed(line.text))
        return line

    async def touched(self) -> None:
        await self._key.wait()

    async def flushed(self) -> None:
        await trio.lowlevel.checkpoint()
        self._is_flushing = True
        self._news.set()
        try:
            while (self._events or self._live or not self._is_up) and not self._is_over:
                await self._progress.park()
        finally:
            self._is_flushing = False

    async def run(self) -> None:
        """Run the terminal; leave it as it was found, whatever happens."""
        self._token = trio.lowlevel.current_trio_token()
        before = _modes()
        # Ctrl-Z is blocked here, so that it stops the editor's thread at once.
        signals = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        try:
            with _logging_to(self._log):
                await self._live_on()
        except* (OSError, EOFError) as gone:
            raise ScreenGone("The terminal is gone.") from gone
        finally:
            self._is_over = True
            self._progress.unpark_all()
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
            _restore(before)

    async def _live_on(self) -> None:
        """Run the editor and the painter; end with an error only."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._edit)
            self._is_up = True
            self._progress.unpark_all()
            nursery.start_soon(self._follow_size)
            nursery.start_soon(self._calm.run)
            self._import_painter()
            await self._paint(nursery)

    def _log(self, text: str) -> None:
        """Show what was logged.  Called in any thread."""
        self._call(self.show, Notice(text))

    # --- The editor's thread ---

    async def _edit(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Run the editor's thread; end only with its error, or EOFError when no key can come."""
        is_up, is_over = trio.Event(), trio.Event()
        failures: list[BaseException] = [EOFError()]

        def live() -> None:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
            try:
                self._editor.run(lambda: self._call(is_up.set))
            except BaseException as failure:  # raised again in the main thread, see below
                failures.append(failure)
            self._call(is_over.set)
            self._call(is_up.set)

        threading.Thread(target=live, name="editor", daemon=True).start()
        try:
            await is_up.wait()
            task_status.started()
            await is_over.wait()
        finally:
            self._editor.call(self._editor.stop)
            with trio.move_on_after(STOP_SECONDS, shield=True):
                await is_over.wait()
        raise failures[-1]

    def _call(self, work: Callable[..., object], *arguments: object) -> None:
        """Do this in the main thread, while there is one."""
        try:
            self._token.run_sync_soon(work, *arguments)
        except trio.RunFinishedError:
            return

    def _hold_back(self, text: str, begun: Target, now: Target) -> str:
        """Tell the user why a line is not sent; return the hint.  Called in the editor's thread."""
        context = self._ui_state.context
        why = misdirected(text, begun, now, context)
        if not why:
            return ""
        held = NotSent(text, why, destination(text, now, context), now)
        self._call(self.show, Notice(str(held)))
        return _again(held.would)

    def _interrupt(self) -> str:
        """Return the hint for Ctrl-C, which ends the program while nobody is registered.

        Called in the editor's thread.
        """
        if self._ui_state.me:
            return LEAVING
        self._call(signal.raise_signal, signal.SIGINT)
        return ""

    def _take(self, text: str, begun: float, target: Target) -> None:
        """Take a line that was typed; `begun` is on the clock of all threads."""
        begun = trio.current_time() - (time.monotonic() - begun)
        try:
            self._typed.send_nowait(Line(text, begun, target))
        except trio.WouldBlock:
            self.show(Notice("Too much was typed at once: the last line was not taken."))

    def _touched(self) -> None:
        self._key.set()
        self._key = trio.Event()
        if self._attention.unread:
            self._attention.touched()
            self._news.set()

    def _prompt(self) -> StyleAndTextTuples:
        return prompt(self._ui_state, self._output.get_size().columns)

    def _toolbar(self, width: int) -> StyleAndTextTuples:
        attention = self._attention
        return toolbar(
            self._ui_state,
            width,
            attention.unread_private,
            attention.unread,
            attention.letters_shown,
            attention.letters,
        )

    async def _follow_size(self) -> None:
        """Draw again after SIGWINCH, and after SIGCONT: others have written to the terminal."""
        with trio.open_signal_receiver(signal.SIGWINCH, signal.SIGCONT) as signals:
            async for number in signals:
                is_resized = number == signal.SIGWINCH
                self._editor.call(self._editor.resized if is_resized else self._editor.continued)

    # --- Painting ---

    def _import_painter(self) -> None:
        """Import the painter after the prompt is shown; it takes a twentieth of a second."""
        from peer.screen.paint.paint import Painter, ansi, mark  # noqa: PLC0415

        self._painter, self._to_ansi, self._mark = Painter(self._me, self._now), ansi, mark

    def _me(self) -> str:
        return self._ui_state.me

    async def _paint(self, nursery: trio.Nursery) -> None:
        while True:
            await self._news.wait()
            self._news = trio.Event()
            text, raw, thens = self._next(nursery)
            done = trio.Event()
            self._editor.call(self._writer(text, raw, done))
            await done.wait()
            for then in thens:
                then()
            self._progress.unpark_all()
            if self._events:
                self._news.set()
            await trio.sleep(GATHER_SECONDS)

    def _writer(self, text: str, raw: str, done: trio.Event) -> Callable[[], None]:
        live = self._ansi([row for one in self._live for row in self._live_rows(one)])

        def write() -> None:
            self._editor.print(text, live, raw)
            self._call(done.set)

        return write

    def _next(self, nursery: trio.Nursery) -> tuple[str, str, list[Then]]:
        """Return what to write above the prompt, what else to send, and what to call afterwards."""
        now = trio.current_time()
        batch: list[Event] = []
        raw, thens = "", []
        if self._dropped:
            batch.append(Notice(f"... {self._dropped} not shown: the terminal did not keep up."))
            self._dropped = 0
        while self._events and len(batch) < AT_ONCE:
            events, then = self._events[0]
            mine = [one for one in events if isinstance(one, Sent) and one.handle is not None]
            if not mine:
                # Nothing that was said after a text of mine may appear above it.
                batch += self._ripe(now - HOLD_SECONDS)
                if self._live:
                    break
                batch += events
            for sent in mine:
                self._live[sent] = now
                nursery.start_soon(self._await_mark, sent)
            self._events.popleft()
            for event in events:
                bell = self._attention.heed(event, self._ui_state, now)  # counts each event
                raw = raw or bell
            if then is not None:
                thens.append(then)
        batch += self._ripe(now - LIVE_SECONDS)
        text = self._ansi(self._painter.paint_all(batch))
        heading = title(self._ui_state, self._attention.unread)
        if heading != self._title:
            self._title = heading
            raw += f"\x1b]2;{heading}\a"
        return text, raw, thens

    def _ripe(self, late: float) -> list[Sent]:
        """Take the texts of mine that need not wait for their mark any more, in order."""
        ripe: list[Sent] = []
        for sent, since in list(self._live.items()):
            is_late = since <= late or len(self._live) > LIVE_MOST or self._is_flushing
            if not (is_late or _is_everywhere(sent)):
                break
            del self._live[sent]
            ripe.append(sent)
        return ripe

    async def _await_mark(self, sent: Sent) -> None:
        assert sent.handle is not None
        for seconds in (HOLD_SECONDS, LIVE_SECONDS - HOLD_SECONDS):
            with trio.move_on_after(seconds):
                await sent.handle.delivered()
            self._news.set()
            if _is_everywhere(sent):
                return

    def _live_rows(self, sent: Sent) -> "list[RenderableType]":
        states = sent.handle.states() if sent.handle is not None else {}
        return self._painter.paint_sent(sent, self._mark(states), is_live=True)

    def _ansi(self, rows: "list[RenderableType]") -> str:
        return self._to_ansi(rows, width=self._output.get_size().columns, colours=self._colours)


def _again(would: str) -> str:
    """Return the hint below a line that was held back."""
    return f"Not sent. Enter again: {would}."


def _is_everywhere(sent: Sent) -> bool:
    return sent.handle is None or sent.handle.is_everywhere


def _colours() -> "tuple[ColorDepth, Colours | None]":
    """Return the colours of the terminal: for the editor, and for the painter."""
    term = os.environ.get("TERM", "")
    if os.environ.get("NO_COLOR"):
        return ColorDepth.DEPTH_1_BIT, None
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return ColorDepth.DEPTH_24_BIT, "truecolor"
    if "256color" in term or "direct" in term:
        return ColorDepth.DEPTH_8_BIT, "256"
    return ColorDepth.DEPTH_4_BIT, "standard"


@contextmanager
def _logging_to(write: Callable[[str], None]) -> Iterator[None]:
    """Write what is logged within the block with `write`: stderr is the same terminal."""
    root = logging.getLogger()
    before = root.handlers
    root.handlers = [_Handler(write)]
    try:
        yield
    finally:
        root.handlers = before


class _Handler(logging.Handler):
    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self.setFormatter(HarmlessFormatter())
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(self.format(record))


def _modes() -> list[Any] | None:
    """Return the modes of the terminal, None if there is none."""
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def _restore(modes: list[Any] | None) -> None:
    if modes is not None:
        with suppress(termios.error):  # it is gone
            termios.tcsetattr(0, termios.TCSANOW, modes)
