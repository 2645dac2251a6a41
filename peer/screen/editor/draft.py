"""The line that is being typed: when it was begun, for whom, and whether Enter may send it."""

import time
from typing import Final

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.layout import BufferControl, SearchBufferControl
from prompt_toolkit.layout.processors import BeforeInput, HighlightIncrementalSearchProcessor

from peer.core.targets.desk import TypedText
from peer.core.targets.place import Place
from peer.core.targets.target import Target
from peer.screen.editor.host import EditorHost, LateCompleter

GO: Final = "/go "  # with the slash it is a command wherever it is typed
PASTED_LINES: Final = 5  # more than these are sent only after a second Enter


class Draft:
    """The text that is typed and not sent yet."""

    def __init__(self, host: EditorHost, completer: LateCompleter) -> None:
        self._host, self._desk, self._completer = host, host.desk, completer
        self._says = ""  # shown instead of the hint, until the next key
        self._is_confirmed = False  # the user wants to send this many lines
        self.searching = SearchBufferControl(
            buffer=Buffer(), input_processors=[BeforeInput("search: ")], ignore_case=True
        )
        self.control = BufferControl(
            buffer=self._new_buffer(InMemoryHistory()),
            input_processors=[HighlightIncrementalSearchProcessor(), BeforeInput(host.prompt)],
            search_buffer_control=self.searching,
            preview_search=True,
        )

    def _new_buffer(self, history: History) -> Buffer:
        return Buffer(
            completer=self._completer,
            history=history,
            multiline=True,
            enable_history_search=False,
            on_text_changed=lambda _: self.changed(),
        )

    @property
    def text(self) -> str:
        return self.control.buffer.text

    @property
    def hint(self) -> str:
        """The hint: the effect of Enter, or a sentence that replaces it until the next key."""
        return self._says or self._host.hint(self.text)

    @property
    def offers(self) -> int:
        """The number of completions in the menu."""
        state = self.control.buffer.complete_state
        return len(state.completions) if state is not None else 0

    def is_choosing(self) -> bool:
        """Whether a completion is highlighted in the menu: Enter takes it, and sends nothing."""
        state = self.control.buffer.complete_state
        return state is not None and state.current_completion is not None

    def offer_late(self) -> None:
        """Show a menu of what the completer has learned, if the line is still the same."""
        buffer = self.control.buffer
        if not self.is_choosing() and self._completer.has_more(buffer.document.text_before_cursor):
            buffer.start_completion()

    # --- Changes ---

    def remember(self, history: History) -> None:
        """Let Up and Ctrl-R find what this history holds, from now on."""
        document = self.control.buffer.document
        self.control.buffer = self._new_buffer(history)
        self.control.buffer.document = document

    def say(self, text: str) -> None:
        """Show this instead of the hint, until the next key."""
        self._says = text

    def give_back(self, text: str, target: Target, words: str) -> None:
        """Make a line that was not sent the draft again, unless another one was begun."""
        if not target.place.is_same(self._desk.here):
            self._desk.keep(TypedText(text, len(text)), target, time.monotonic())
        elif not self.text:
            self.control.buffer.insert_text(text)
            self._hold(target, words)

    def clear(self) -> None:
        self.control.buffer.reset()
        self.changed()

    def changed(self) -> None:
        self._says, self._is_confirmed = "", False
        self.notice_begin()
        self._host.touched()

    def notice_begin(self) -> None:
        """Remember the time and the target of the first key; show a line that waits here."""
        self._desk.settle(self._host.places)
        self._desk.notice(self.text, time.monotonic(), self._host.target)
        if not self.text:
            self._show(self._desk.take_up())

    def _show(self, typed: TypedText) -> None:
        if typed.text:
            self.control.buffer.reset(Document(typed.text, typed.cursor))

    # --- Elsewhere ---

    def go(self, place: Place | None, otherwise: str) -> None:
        """Go there by a key; the line stays behind.  Without a place, say `otherwise`."""
        if place is None:
            self.say(otherwise)
            return
        self._go(place)
        self._host.went(place)
        self._host.touched()

    def begin_go(self) -> None:
        """Begin the command GO; the line that is typed waits here until it is needed."""
        buffer = self.control.buffer
        self._desk.put_aside(TypedText(buffer.text, buffer.cursor_position))
        buffer.reset(Document(GO, len(GO)))
        self.changed()

    def _go(self, place: Place) -> None:
        buffer = self.control.buffer
        typed = TypedText(buffer.text, buffer.cursor_position)
        there = self._desk.go(place, typed, self._host.places)
        buffer.reset(Document(there.text, there.cursor))
        self._says, self._is_confirmed = "", False

    # --- Enter ---

    def enter(self) -> None:
        """Send the draft, or say why not."""
        buffer = self.control.buffer
        lines = buffer.text.rstrip("\n").count("\n") + 1
        if lines > PASTED_LINES and not self._is_confirmed:
            self.say(f"These are {lines} lines. Enter once more sends them, Ctrl-C clears them.")
            self._is_confirmed = True
            return
        text, now, target = buffer.text, time.monotonic(), self._host.target
        if text and not self._may_go(text, target):
            return
        if text.strip():
            buffer.append_to_history()
        begun = self._desk.begun if text else None
        led = self._host.submit(text, now if begun is None else begun, target)
        buffer.reset()
        self._desk.notice("", now, target)
        self._says, self._is_confirmed = "", False
        if led is None:
            self._show(self._desk.take_up())
        else:
            self._go(led)

    def quit(self) -> None:
        """Send the command QUIT."""
        self._host.submit("QUIT", time.monotonic(), self._host.target)

    def _may_go(self, text: str, target: Target) -> bool:
        """Whether the text may go to this target.

        If not, show why; then it belongs to this target, and a later Enter sends it.
        """
        if self._desk.is_too_soon(time.monotonic()):
            return False
        if words := self._host.hold_back(text, self._desk.aimed_at(target), target):
            self._hold(target, words)
            return False
        return True

    def _hold(self, target: Target, words: str) -> None:
        self._desk.hold(time.monotonic(), target)
        self.say(words)
