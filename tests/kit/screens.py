"""A terminal for tests: an emulator keeps what it shows, and a test presses the keys."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyte
import trio
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import ColorDepth

from peer.screen.editor.tty import Tty

PATIENCE = 30.0  # seconds until a test stops waiting
ROWS = 24
COLUMNS = 80


class StoppedClock:
    """A clock that always shows the same time."""

    def __init__(self, now: float) -> None:
        self._now = now

    def time(self) -> float:
        return self._now


class Emulator(pyte.Screen):
    """A screen that counts bells, and keeps the lines that left it at the top."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self.bells = 0
        self.above: list[str] = []

    def bell(self, *_: object) -> None:
        self.bells += 1

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            self.above.append(self.display[0].rstrip())
        super().index()


class Screen:
    """A file to write to, and the screen it leads to.  Any thread may look."""

    encoding = "utf-8"

    def __init__(self, columns: int = COLUMNS, rows: int = ROWS) -> None:
        self.emulator = Emulator(columns, rows)
        self.written = ""  #: all that was written
        self.writes = 0
        self._stream = pyte.Stream(self.emulator)
        self._changed = threading.Condition(threading.RLock())

    # --- A file ---

    def write(self, data: str) -> int:
        with self._changed:
            self.written += data
            self.writes += 1
            self._stream.feed(data)
            self._changed.notify_all()
        return len(data)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True

    # --- A terminal ---

    def output(self) -> Tty:
        return Tty(
            self,  # type: ignore[arg-type]
            self._size,
            term="xterm-256color",
            default_color_depth=ColorDepth.DEPTH_8_BIT,
        )

    def _size(self) -> Size:
        return Size(rows=self.emulator.lines, columns=self.emulator.columns)

    def becomes(self, columns: int, rows: int) -> None:
        with self._changed:
            self.emulator.resize(rows, columns)

    # --- What it shows ---

    @property
    def lines(self) -> list[str]:
        """All lines, with those that have left the screen."""
        with self._changed:
            shown = [row.rstrip() for row in self.emulator.display]
            return [*self.emulator.above, *shown]

    @property
    def above(self) -> list[str]:
        """The lines above the cursor."""
        with self._changed:
            return self.lines[: self.emulator.cursor.y - self.emulator.lines]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def visible(self) -> str:
        """The text of the screen, without lines that have left it."""
        with self._changed:
            return "\n".join(row.rstrip() for row in self.emulator.display)

    @property
    def title(self) -> str:
        return self.emulator.title

    def waits_until(self, holds: Callable[[], bool], what: str) -> None:
        """Block this thread until it holds; check at each write."""
        with self._changed:
            if not self._changed.wait_for(holds, PATIENCE):
                raise AssertionError(f"never {what}:\n{self.text}")

    def shows(self, part: str) -> None:
        """Wait until some line contains this."""
        self.waits_until(lambda: any(part in line for line in self.lines), f"saw {part!r}")

    def shows_no_more(self, part: str) -> None:
        self.waits_until(lambda: part not in self.text, f"lost {part!r}")

    async def sees(self, part: str) -> None:
        """Wait until some line contains this, while trio continues."""
        await trio.to_thread.run_sync(self.shows, part)

    async def sees_no_more(self, part: str) -> None:
        await trio.to_thread.run_sync(self.shows_no_more, part)


@contextmanager
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as pressed:
        yield pressed
