"""The prompt that never ends: prompt_toolkit in a thread of its own.

Everything here runs in that thread, except for the few methods that are marked.
Events are written above the prompt as plain lines, so that the terminal's own
scrollback, search and selection work; the draft below stays as it is.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer
from prompt_toolkit.filters import Condition, has_completions, is_done, is_searching
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.key_binding.bindings.search import (
    start_forward_incremental_search,
    start_reverse_incremental_search,
)
from prompt_toolkit.key_binding.defaults import load_key_bindings
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Dimension,
    Float,
    FloatContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    SearchBufferControl,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import BeforeInput, HighlightIncrementalSearchProcessor
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from peer.core.target import Target

MENU_ROWS: Final = 6  # of the menu of completions
DRAFT_ROWS: Final = 10  # of a draft are shown at once
PASTED_LINES: Final = 5  # more than these are sent only after a second Enter
KEEP_TITLE: Final = "\x1b[22;2t"  # xterm's stack of titles; other terminals have it too
OLD_TITLE: Final = "\x1b[23;2t"
AGAIN_SECONDS: Final = 0.5  # after a line was held back, Enter may be of the same stroke


class Tty(Vt100_Output):
    """The terminal, whose flushes can be held back until all is drawn."""

    is_held = False

    def flush(self) -> None:
        if not self.is_held:
            super().flush()

    def erase_down(self) -> None:
        """Erase below, but not from the upper left corner.

        Terminals save in their scrollback what is erased from there.  The cursor is saved and
        restored, since a step back behind a full row would not put it where it was.
        """
        self.write_raw("\x1b7\x1b[K\x1b[C\x1b[J\x1b8")

    @property
    def responds_to_cpr(self) -> bool:
        """False: the answer with the cursor's position would mix with what is typed."""
        return False


class Editor:
    """Reads lines, and shows the prompt, a hint and the toolbar around them.

    `submit` is called with each line, the monotonic time at which it was begun, and its
    target; `touched` when the draft changes.  `target` returns the target that the prompt
    shows now; `held_back` returns the hint for a line that was begun for the first target
    and must not go to the second, "" when it may.  `interrupt` is called for Ctrl-C on an
    empty line, and returns a hint.  All of them are called in the editor's thread.
    """

    def __init__(
        self,
        terminal: Input,
        output: Output,
        *,
        submit: Callable[[str, float, Target], None],
        touched: Callable[[], None],
        target: Callable[[], Target],
        held_back: Callable[[str, Target, Target], str],
        interrupt: Callable[[], str],
        completer: Completer,
        hint: Callable[[str], str],
        prompt: Callable[[], StyleAndTextTuples],
        toolbar: Callable[[int], StyleAndTextTuples],
        style: Style,
        colours: ColorDepth | None,
    ) -> None:
        self._output, self._submit, self._touched = output, submit, touched
        self._target, self._held_back, self._interrupt = target, held_back, interrupt
        self._completer, self._hint = completer, hint
        self._prompt, self._toolbar = prompt, toolbar
        self._begun = 0.0  # when the first key of the line was hit
        self._is_begun = False
        self._aimed_at = Target()  # what the prompt showed then
        self._held_at = -math.inf  # when this line was held back
        self._says = ""  # instead of the hint, until the next key
        self._is_confirmed = False  # that this many lines are to be sent
        self._live = ""  # ANSI, above the prompt
        self._gate = threading.Lock()  # for the three below
        self._loop: asyncio.AbstractEventLoop | None = None
        self._early: list[Callable[[], None]] = []  # called before there was a loop
        self._is_over = False
        self._searching = SearchBufferControl(buffer=Buffer(), ignore_case=True)
        self._control = BufferControl(
            buffer=self._new_buffer(InMemoryHistory()),
            input_processors=[
                HighlightIncrementalSearchProcessor(),
                BeforeInput(self._prompt),
            ],
            search_buffer_control=self._searching,
            preview_search=True,
        )
        self._app: Application[None] = Application(
            layout=Layout(self._container(), self._control),
            key_bindings=merge_key_bindings([load_key_bindings(), self._keys()]),
            style=style,
            color_depth=colours,
            input=terminal,
            output=output,
            erase_when_done=True,
            enable_page_navigation_bindings=False,
            terminal_size_polling_interval=None,  # resized() is called
            before_render=lambda _: self._notice_begin(),
        )
        self._app.ttimeoutlen = 0.05  # seconds for the rest of an escape sequence

    # --- Called in other threads ---

    def call(self, work: Callable[[], None]) -> None:
        """Do this in the editor's thread once it is up; do nothing if it is over."""
        with self._gate:
            if self._is_over:
                return
            if self._loop is None:
                self._early.append(work)
            else:
                self._loop.call_soon_threadsafe(work)

    def run(self, started: Callable[[], None]) -> None:
        """Run the editor until stop(), as the whole life of a thread.

        `started` is called when the editor is up.  Raise EOFError or OSError when the
        terminal is gone, and whatever a bug raises, wherever in the thread it is.
        """
        self._output.write_raw(KEEP_TITLE)
        try:
            asyncio.run(self._serve(started))
        finally:
            with suppress(OSError):  # the terminal is gone
                self._output.write_raw(OLD_TITLE)
                self._output.flush()

    async def _serve(self, started: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fail)

        def is_up() -> None:
            with self._gate:
                self._loop = loop
                for work in self._early:
                    loop.call_soon(work)
                self._early.clear()
            started()

        try:
            await self._app.run_async(pre_run=is_up, set_exception_handler=False)
        finally:
            with self._gate:  # before the loop is closed
                self._is_over = True

    def _fail(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the editor with a failure in a callback, which asyncio would only log."""
        if self._app.is_running and not self._app.is_done:
            self._app.exit(exception=context.get("exception") or RuntimeError(context["message"]))

    # --- Called with call() ---

    def stop(self) -> None:
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    def print(self, ansi: str, live: str, raw: str) -> None:
        """Write lines above the prompt; `live` are the last of them, which may still change.

        `raw` goes to the terminal as it is: a bell, a title.
        """
        with self._held():
            if ansi:
                self._erase()
                self._output.write_raw(ansi.replace("\n", "\r\n"))
            self._live = live
            self._app._redraw()
            self._output.write_raw(raw)

    def redraw(self) -> None:
        self._app.invalidate()

    def resized(self) -> None:
        """Draw again: the terminal has reflowed its lines, and what we drew has moved."""
        if not self._app.is_running or self._app.is_done:
            return
        with self._held():
            self._erase(columns=self._output.get_size().columns)
            self._app._redraw()

    def continued(self) -> None:
        """Draw below what others have written meanwhile."""
        if not self._app.is_running or self._app.is_done:
            return
        with self._held():
            self._output.write_raw("\r")
            self._output.erase_down()
            self._app.renderer.reset()
            self._app._redraw()

    def remember(self, history: History) -> None:
        """Let Up and Ctrl-R find what this history holds, from now on."""
        draft = self._control.buffer.document
        self._control.buffer = self._new_buffer(history)
        self._control.buffer.document = draft
        self._app.invalidate()

    def say(self, text: str) -> None:
        """Show this instead of the hint, until the next key."""
        self._says = text
        self._app.invalidate()

    def give_back(self, text: str, target: Target, words: str) -> None:
        """Make a line that was not sent the draft again, unless another one was begun."""
        if not self._control.buffer.text:
            self._control.buffer.insert_text(text)
            self._hold(target, words)

    # --- Layout ---

    def _container(self) -> FloatContainer:
        live = ConditionalContainer(
            Window(
                FormattedTextControl(lambda: ANSI(self._live.rstrip("\n"))),
                dont_extend_height=True,
                wrap_lines=True,
            ),
            Condition(lambda: bool(self._live)) & ~is_done,
        )
        draft = Window(
            self._control,
            height=lambda: Dimension(min=1 + self._rows_of_menu(), max=DRAFT_ROWS),
            wrap_lines=True,
            dont_extend_height=True,
        )
        searching = ConditionalContainer(Window(self._searching, height=1), is_searching)
        hint = ConditionalContainer(
            Window(
                FormattedTextControl(self._hint_line),
                height=1,
                style="class:hint",
                wrap_lines=False,
            ),
            ~is_searching,  # Enter takes what was found, and sends nothing yet
        )
        toolbar = Window(
            FormattedTextControl(lambda: self._toolbar(self._output.get_size().columns)),
            height=1,
            style="class:toolbar",
            wrap_lines=False,
        )
        below = ConditionalContainer(HSplit([hint, toolbar]), ~is_done)
        menu = CompletionsMenu(max_height=MENU_ROWS, extra_filter=has_completions)
        return FloatContainer(
            HSplit([live, ConditionalContainer(draft, ~is_done), searching, below]),
            [Float(menu, xcursor=True, ycursor=True)],
        )

    def _rows_of_menu(self) -> int:
        state = self._control.buffer.complete_state
        return min(MENU_ROWS, len(state.completions)) if state is not None else 0

    def _hint_line(self) -> StyleAndTextTuples:
        return [("class:hint", self._says or self._hint(self._control.buffer.text))]

    def _new_buffer(self, history: History) -> Buffer:
        return Buffer(
            completer=self._completer,
            history=history,
            multiline=True,
            enable_history_search=False,
            on_text_changed=lambda _: self._changed(),
        )

    # --- The draft ---

    def _changed(self) -> None:
        self._says, self._is_confirmed = "", False
        self._notice_begin()
        self._touched()

    def _notice_begin(self) -> None:
        is_begun = bool(self._control.buffer.text)
        if is_begun and not self._is_begun:
            self._begun, self._aimed_at = time.monotonic(), self._target()
            self._held_at = -math.inf  # this is not the line that was held back
        self._is_begun = is_begun

    def _enter(self) -> None:
        buffer = self._control.buffer
        lines = buffer.text.rstrip("\n").count("\n") + 1
        if lines > PASTED_LINES and not self._is_confirmed:
            self.say(f"These are {lines} lines. Enter once more sends them, Ctrl-C clears them.")
            self._is_confirmed = True
            return
        text, begun = buffer.text, self._begun if buffer.text else time.monotonic()
        target = self._target()
        if text and not self._may_go(text, target):
            return
        if text.strip():
            buffer.append_to_history()
        buffer.reset()
        self._is_begun = self._is_confirmed = False
        self._says = ""
        self._submit(text, begun, target)

    def _may_go(self, text: str, target: Target) -> bool:
        """Whether the text may go to this target.

        If not, show why; then it belongs to this target, and a later Enter sends it.
        """
        if time.monotonic() < self._held_at + AGAIN_SECONDS:
            return False
        if words := self._held_back(text, self._aimed_at, target):
            self._hold(target, words)
            return False
        return True

    def _hold(self, target: Target, words: str) -> None:
        self._held_at, self._aimed_at = time.monotonic(), target
        self.say(words)

    # --- Keys ---

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        is_typing = ~is_searching
        has_menu = Condition(self._is_choosing)

        @keys.add("enter", filter=is_typing & has_menu)
        def take(event: KeyPressEvent) -> None:
            event.current_buffer.complete_state = None

        @keys.add("enter", filter=is_typing & ~has_menu)
        def enter(_: KeyPressEvent) -> None:
            self._enter()

        @keys.add("escape", "enter", filter=is_typing)
        def new_line(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

        @keys.add("c-c", eager=True)
        def clear(event: KeyPressEvent) -> None:
            if not is_typing():
                event.app.layout.focus(self._control)
                self._control.search_state.text = ""
            elif self._control.buffer.text:
                self._control.buffer.reset()
                self._changed()
            else:
                self.say(self._interrupt())

        @keys.add("c-d", eager=True, filter=is_typing)
        def leave(event: KeyPressEvent) -> None:
            if self._control.buffer.text:
                event.current_buffer.delete()
            else:
                self._submit("QUIT", time.monotonic(), self._target())

        @keys.add("c-l", eager=True)
        def repaint(event: KeyPressEvent) -> None:
            with self._held():
                self._erase()
                # Scroll what is above into the scrollback: not every terminal saves it itself.
                self._output.write_raw("\r\n" * (self._output.get_size().rows - 1))
                event.app.renderer.clear()
                event.app._redraw()

        @keys.add("c-z", eager=True)
        def pause(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

        @keys.add("tab", filter=is_typing)
        def complete(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            if buffer.complete_state:
                buffer.complete_next()
            else:
                buffer.start_completion(insert_common_part=True)

        @keys.add("pageup", eager=True)
        @keys.add("pagedown", eager=True)
        def scroll(_: KeyPressEvent) -> None:
            """Do nothing: the terminal scrolls by itself, and old lines are not called back."""

        keys.add("c-r", filter=is_typing)(start_reverse_incremental_search)
        keys.add("c-s", filter=is_typing)(start_forward_incremental_search)
        return keys

    def _is_choosing(self) -> bool:
        """Whether a completion is highlighted in the menu: Enter takes it, and sends nothing."""
        state = self._control.buffer.complete_state
        return state is not None and state.current_completion is not None

    # --- Drawing ---

    def _erase(self, columns: int | None = None) -> None:
        """Put the cursor where the prompt began, with nothing below.

        `columns`: the new width of the terminal, which has reflowed the lines that were wider.
        """
        renderer = self._app.renderer
        screen, cursor = renderer.last_rendered_screen, renderer._cursor_pos
        if columns is None or screen is None:
            renderer.erase()
            return
        up = cursor.x // columns
        for y in range(cursor.y):
            row = screen.data_buffer[y]
            width = max((x for x, cell in row.items() if cell.char.strip()), default=0) + 1
            up += -(-width // columns)
        self._output.write_raw("\r")
        self._output.cursor_up(up)
        self._output.erase_down()
        renderer.reset()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Write everything in the block at once, so that nothing flickers."""
        if not isinstance(self._output, Tty):
            yield
            return
        self._output.is_held = True
        try:
            yield
        finally:
            self._output.is_held = False
            self._output.flush()
