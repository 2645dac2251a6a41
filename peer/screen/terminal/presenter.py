"""Tell the editor what to show, from the state of the peer, and pass on what is typed."""

import signal
import time
from typing import Final

import trio
from msgspec.structs import replace
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.output import Output

from peer.commands.grammar import FoundRoom
from peer.commands.parsing import parse
from peer.core.targets.desk import Desk
from peer.core.targets.leading import leads_to
from peer.core.targets.place import Place
from peer.core.targets.places import PlaceState
from peer.core.targets.target import Target, destination, misdirected
from peer.events import Notice
from peer.results import NotSent
from peer.screen.attention import Attention
from peer.screen.frontend import Line
from peer.screen.terminal.hint import hint
from peer.screen.terminal.main_thread import MainThread
from peer.screen.terminal.paint_queue import PaintQueue
from peer.screen.terminal.prompt import prompt, title, toolbar
from peer.screen.terminal.typed_lines import TypedLines
from peer.screen.ui_state import UiState
from shared.errors import Refused
from shared.names import fold

FOUNDED_MOST: Final = 20  # names of rooms; nobody may be in more
LEAVING: Final = "QUIT leaves the program; in a conversation, QUIT CONVERSATION first."


class Presenter:
    """Stands between the two threads (`peer.screen.editor.host.EditorHost`).

    The main thread replaces `state`; the editor's thread reads it, and knows where I am.
    """

    def __init__(
        self, main: MainThread, typed: TypedLines, queue: PaintQueue, attention: Attention,
        output: Output,
    ) -> None:  # fmt: skip
        self._main, self._typed, self._queue = main, typed, queue
        self._attention, self._output = attention, output
        self.state = UiState()  #: of the peer
        self._founded: list[str] = []  # rooms that my user founded, whose news may not be here yet
        self.desk = Desk()  #: used in the editor's thread only
        self._title = ""  # of the window, as it is now

    # --- Called in the editor's thread ---

    @property
    def ui_state(self) -> UiState:
        """The present state, with the place where the prompt is."""
        state, desk = self.state, self.desk
        if not state.places:  # nobody is registered yet
            return state
        return replace(state, here=desk.here, back=desk.back, places=desk.seen(state.places))

    @property
    def places(self) -> tuple[PlaceState, ...]:
        return self.state.places

    @property
    def unread_of_others(self) -> int:
        return self.state.elsewhere

    @property
    def target(self) -> Target:
        return self.ui_state.target

    def submit(self, text: str, begun: float, target: Target) -> Place | None:
        led = self._leads(text, begun)
        self._main.call(self._take, text, begun, target, led)
        return led

    def _leads(self, text: str, begun: float) -> Place | None:
        """Return where the line leads; an answer that is too early to be one leads nowhere."""
        state = self.ui_state
        if not state.places:
            return None
        command = parse(text, state.context)
        if isinstance(command, FoundRoom):
            self._founded = [*self._founded, command.name][-FOUNDED_MOST:]
        known = {fold(room) for room, _ in state.rooms}
        self._founded = [room for room in self._founded if fold(room) not in known]
        rooms = [*known, *self._founded]
        each = zip(state.questions, state.leads, state.seen_at, strict=True)
        asked = [(about, place) for about, place, at in each if at <= begun + self._main.ahead]
        try:
            return leads_to(command, self.desk.back, rooms, asked, state.namesakes)
        except Refused:
            return None  # the console says why

    def went(self, place: Place) -> None:
        self._main.call(self._take, "", time.monotonic(), self.target, place)

    def touched(self) -> None:
        self._main.call(self._touched)

    def seek(self, beginning: str) -> None:
        self._main.call(self._typed.seek, beginning)

    def hold_back(self, text: str, begun: Target, now: Target) -> str:
        context = self.ui_state.context
        why = misdirected(text, begun, now, context)
        if not why:
            return ""
        would = destination(text, now, context, self.ui_state.everybody())
        held = NotSent(text, why, would, now)
        self._main.call(self._queue.add, (Notice(str(held)),))
        return again(held)

    def interrupt(self) -> str:
        """Return the hint for Ctrl-C, which ends the program while nobody is registered."""
        if self.ui_state.me:
            return LEAVING
        self._main.call(signal.raise_signal, signal.SIGINT)
        return ""

    def hint(self, text: str) -> str:
        return hint(text, self.ui_state, self._output.get_size().columns)

    def prompt(self) -> StyleAndTextTuples:
        return prompt(self.ui_state, self._output.get_size().columns)

    def toolbar(self) -> StyleAndTextTuples:
        attention = self._attention
        return toolbar(
            self.ui_state,
            self._output.get_size().columns,
            attention.unread - attention.unread_elsewhere,
            attention.letters_shown,
            attention.letters,
        )

    # --- Called in the main thread ---

    def _take(self, text: str, begun: float, target: Target, led: Place | None) -> None:
        """Take a line that was typed; `begun` is on the clock of all threads."""
        begun = trio.current_time() - (time.monotonic() - begun)
        if not self._typed.put(Line(text, begun, target, led)):
            told = "Too much was typed at once: the last line was not taken."
            self._queue.add((Notice(told),))

    def _touched(self) -> None:
        self._typed.hit()
        if self._attention.unread:
            self._attention.touched()
            self._queue.wake()

    def new_title(self) -> str:
        """Return what gives the window its title, "" if it has the right one."""
        heading = title(self.state, self._attention.unread)
        if heading == self._title:
            return ""
        self._title = heading
        return f"\x1b]2;{heading}\a"


def again(held: NotSent) -> str:
    """Return the hint below a line that was held back."""
    return f"Not sent. Enter again: {held.would}."
