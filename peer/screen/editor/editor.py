"""The prompt that never ends: prompt_toolkit in a thread of its own.

Everything here runs in that thread, except for the few methods that are marked.
Events are written above the prompt as plain lines, so that the terminal's own
scrollback, search and selection work; the draft below stays as it is.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from prompt_toolkit.application import Application
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import merge_key_bindings
from prompt_toolkit.key_binding.defaults import load_key_bindings
from prompt_toolkit.output import ColorDepth, Output
from prompt_toolkit.styles import Style

from peer.core.targets.target import Target
from peer.screen.editor.draft import Draft
from peer.screen.editor.host import EditorHost, LateCompleter
from peer.screen.editor.key_bindings import Keys
from peer.screen.editor.layout import EditorLayout
from peer.screen.editor.loop_calls import LoopCalls
from peer.screen.editor.tty import erase, held

KEEP_TITLE: Final = "\x1b[22;2t"  # xterm's stack of titles; other terminals have it too
OLD_TITLE: Final = "\x1b[23;2t"


class Editor:
    """Reads lines, and shows the prompt, a hint and the toolbar around them."""

    def __init__(
        self, terminal: Input, output: Output, host: EditorHost, completer: LateCompleter, *,
        style: Style, colours: ColorDepth | None,
    ) -> None:  # fmt: skip
        self._output = output
        self._draft = Draft(host, completer)
        self._layout = EditorLayout(self._draft, host)
        self._calls = LoopCalls()
        keys = Keys(self._draft, host).bindings()
        self._app: Application[None] = Application(
            layout=self._layout.layout(),
            key_bindings=merge_key_bindings([load_key_bindings(), keys]),
            style=style,
            color_depth=colours,
            input=terminal,
            output=output,
            erase_when_done=True,
            enable_page_navigation_bindings=False,
            terminal_size_polling_interval=None,  # resized() is called
            before_render=lambda _: self._draft.notice_begin(),
        )
        self._app.ttimeoutlen = 0.05  # seconds for the rest of an escape sequence

    # --- Called in other threads ---

    def call(self, work: Callable[[], None]) -> None:
        """Do this in the editor's thread once it is up; do nothing if it is over."""
        self._calls.call(work)

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
            self._calls.open(loop)
            started()

        try:
            await self._app.run_async(pre_run=is_up, set_exception_handler=False)
        finally:
            self._calls.close()

    def _fail(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the editor with a failure in a callback, which asyncio would only log."""
        if self._is_running:
            self._app.exit(exception=context.get("exception") or RuntimeError(context["message"]))

    @property
    def _is_running(self) -> bool:
        return self._app.is_running and not self._app.is_done

    # --- Called with call() ---

    def stop(self) -> None:
        if self._is_running:
            self._app.exit()

    def print(self, ansi: str, live: str, raw: str) -> None:
        """Write lines above the prompt; `live` are the last of them, which may still change.

        `raw` goes to the terminal as it is: a bell, a title.
        """
        with held(self._output):
            if ansi:
                erase(self._app)
                self._output.write_raw(ansi.replace("\n", "\r\n"))
            self._layout.live = live
            self._app._redraw()
            self._output.write_raw(raw)

    def redraw(self) -> None:
        self._draft.offer_late()
        self._app.invalidate()

    def resized(self) -> None:
        """Draw again: the terminal has reflowed its lines, and what we drew has moved."""
        if not self._is_running:
            return
        with held(self._output):
            erase(self._app, columns=self._output.get_size().columns)
            self._app._redraw()

    def continued(self) -> None:
        """Draw below what others have written meanwhile."""
        if not self._is_running:
            return
        with held(self._output):
            self._output.write_raw("\r")
            self._output.erase_down()
            self._app.renderer.reset()
            self._app._redraw()

    def remember(self, history: History) -> None:
        """Let Up and Ctrl-R find what this history holds, from now on."""
        self._draft.remember(history)
        self._app.invalidate()

    def give_back(self, text: str, target: Target, words: str) -> None:
        """Make a line that was not sent the draft again, unless another one was begun."""
        self._draft.give_back(text, target, words)
        self._app.invalidate()
