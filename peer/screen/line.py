"""Line mode: plain lines in, plain lines out, for pipes, files and `--plain`.

Both descriptors stay blocking, since a terminal shares that flag with every other
program on it.  So nothing is read or written before it can be done at once, or
else it is done in a thread.
"""

import contextlib
import os
import select
import stat
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from peer.events import Event
from peer.screen.frontend import Line, Then
from peer.screen.paint.long_texts import fold_event
from peer.screen.presence_lines import PresenceLines
from peer.screen.ui_state import UiState
from shared.clean import lines_of
from shared.errors import ParleyError

if TYPE_CHECKING:
    from peer.storage.vault import Vault

WAITING_BYTES = 8 * 2**20  # for a screen that is paused or slow; then the oldest lines go
LINE_BYTES = 2**20  # of one typed line; what is longer is no longer typing
READ_BYTES = 2**16
LINES_AT_ONCE = 32  # of what is there already; then everybody else gets a turn
PIECE_BYTES = select.PIPE_BUF  # a pipe that is ready takes so much at once, and no more for sure

Spell = Callable[[Event], list[str]]
"""The lines that stand for what happened, as they are written."""


class ScreenGone(ParleyError):
    """Nobody can see what is shown any more."""


class NotShown(Event, frozen=True):
    """So many lines are lost: whoever reads them is too slow."""

    count: int

    def said(self) -> tuple[str, str]:
        were = "line was" if self.count == 1 else "lines were"
        return f"... {self.count} {were} not shown: the screen did not keep up.", ""


def plain_lines(event: Event) -> list[str]:
    """Each line of it is made clean and begins a line; its further ones are indented."""
    return [line for text in event.lines() for line in lines_of("", text)]


def folded_lines(event: Event) -> list[str]:
    """As plain_lines, but of a long text only the beginning."""
    return plain_lines(fold_event(event))


def lines_for(fd: int) -> Spell:
    """How lines are written there: a terminal would wrap them to its left edge, where a text
    could look like the line of another user.
    """
    if not os.isatty(fd):
        return folded_lines

    from peer.screen.paint.line_wrap import wrapped_lines  # noqa: PLC0415

    def spell(event: Event) -> list[str]:
        lines = folded_lines(event)
        with contextlib.suppress(OSError):  # it is gone: who writes to it sees that
            return wrapped_lines(lines, os.get_terminal_size(fd).columns)
        return lines

    return spell


class LineScreen:
    """Writes lines to a file descriptor, and never makes the caller wait."""

    def __init__(self, fd: int = 1, spell: Spell = plain_lines) -> None:
        self._fd, self._spell = fd, spell
        self._lines: deque[tuple[bytes, Then | None]] = deque()
        self._bytes = 0  # in _lines
        self._shown = 0  # lines ever shown
        self._done = 0  # the first so many of them are written, or dropped
        self._dropped = 0  # since the user was last told
        self._over = False
        self._arrived = trio.Event()
        self._progress = trio.lowlevel.ParkingLot()

    def show(self, *events: Event, then: Then | None = None) -> None:
        """`then` is called once all of it is written, and never if it was dropped."""
        lines = [f"{line}\n".encode() for event in events for line in self._spell(event)]
        if then is not None and not lines:
            lines = [b""]
        for line in lines[:-1]:
            self._add(line, None)
        for line in lines[-1:]:
            self._add(line, then)
        self._arrived.set()

    def _add(self, line: bytes, then: Then | None) -> None:
        self._lines.append((line, then))
        self._shown += 1
        self._bytes += len(line)
        while self._bytes > WAITING_BYTES:
            self._bytes -= len(self._lines.popleft()[0])
            self._dropped += 1

    async def flushed(self) -> None:
        """Return when all that was shown before is written, or run() is over."""
        last = self._shown
        await trio.lowlevel.checkpoint()
        while self._done < last and not self._over:
            await self._progress.park()

    async def run(self) -> None:
        """Write what is shown, for ever; raises ScreenGone when nobody can see it."""
        try:
            write = self._write_when_ready if _is_pipe(self._fd) else self._write_in_thread
            while True:
                await self._arrived.wait()
                self._arrived = trio.Event()
                while self._lines or self._dropped:
                    taken, thens = self._take()
                    last = self._shown - len(self._lines)
                    rest = memoryview(taken)
                    while rest:
                        rest = rest[await write(rest[:PIECE_BYTES]) :]
                    self._done = last
                    for then in thens:
                        then()
                    self._progress.unpark_all()
        except OSError as fault:
            raise ScreenGone(f"The screen is gone: {fault.strerror}.") from fault
        finally:
            self._over = True
            self._progress.unpark_all()

    def _take(self) -> tuple[bytes, list[Then]]:
        """The next lines, about one piece of them; nothing of it is dropped any more."""
        taken, thens, size = [], [], 0
        if self._dropped:
            taken += [f"{line}\n".encode() for line in self._spell(NotShown(self._dropped))]
            self._dropped = 0
        while self._lines and size < PIECE_BYTES:
            line, then = self._lines.popleft()
            taken.append(line)
            size += len(line)
            if then is not None:
                thens.append(then)
        self._bytes -= size
        return b"".join(taken), thens

    async def _write_when_ready(self, piece: memoryview) -> int:
        await trio.lowlevel.wait_writable(self._fd)
        try:
            return os.write(self._fd, piece)
        except BlockingIOError:  # somebody else made it non-blocking, and was faster
            return 0

    async def _write_in_thread(self, piece: memoryview) -> int:
        """A terminal that is ready may have room for one byte, and wait with the second.

        The thread of a cancelled write stays behind, and ends with the process.
        """
        try:
            return await trio.to_thread.run_sync(os.write, self._fd, piece, abandon_on_cancel=True)
        except BlockingIOError:
            await trio.lowlevel.wait_writable(self._fd)
            return 0


def _is_pipe(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class Keyboard:
    """Reads lines from a file descriptor; one task may read at a time."""

    def __init__(self, fd: int = 0) -> None:
        self._fd = fd
        self._pending = bytearray()
        self._ended = False
        self._lines_read = 0  # lines

    async def read_line(self) -> str | None:
        """The next line without its line break, or None at the end of input.

        Of a line longer than LINE_BYTES only the beginning is kept.  A cancelled
        call loses nothing.
        """
        self._lines_read += 1
        if self._lines_read % LINES_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        while (end := self._pending.find(b"\n")) < 0 and not self._ended:
            await self._read_more()
        if end < 0:
            end = len(self._pending)
            if not end:
                return None
        line = self._pending[:end].removesuffix(b"\r")[:LINE_BYTES]
        del self._pending[: end + 1]
        return line.decode(errors="replace")

    async def _read_more(self) -> None:
        try:
            data = await self._read()
        except BlockingIOError:  # somebody else made it non-blocking, and was faster
            return
        except OSError:  # closed, or the terminal was hung up
            data = b""
        del self._pending[LINE_BYTES:]  # of an unfinished line
        self._pending += data
        self._ended = not data

    async def _read(self) -> bytes:
        try:
            await trio.lowlevel.wait_readable(self._fd)
        except PermissionError:  # from epoll, for a regular file or /dev/null: always ready
            return await trio.to_thread.run_sync(os.read, self._fd, READ_BYTES)
        return os.read(self._fd, READ_BYTES)


class LineFrontend:
    """A screen and a keyboard of lines.  It does not show how things stand."""

    def __init__(self, reading: int = 0, writing: int = 1, spell: Spell | None = None) -> None:
        """The two file descriptors, and how what happens becomes lines: None is for people."""
        self._keyboard = Keyboard(reading)
        self._screen = LineScreen(writing, spell or lines_for(writing))
        self._calm = None if spell else PresenceLines(self._screen.show)

    def show(self, *events: Event, then: Then | None = None) -> None:
        shown = self._calm.of(events) if self._calm else events
        self._screen.show(*shown, then=then)

    def stands(self, ui_state: UiState) -> None:
        pass

    def remember(self, folder: Path, vault: "Vault | None" = None) -> None:
        """Whoever types here has a history of their own, if any."""

    async def read_line(self) -> Line | None:
        text = await self._keyboard.read_line()
        return None if text is None else Line(text)

    async def flushed(self) -> None:
        await self._screen.flushed()

    async def run(self) -> None:
        """Ends with an error only, which comes out as it is, not in a group."""
        gone: ScreenGone | None = None
        try:
            async with trio.open_nursery() as nursery:
                if self._calm:
                    nursery.start_soon(self._calm.run)
                try:
                    await self._screen.run()
                except ScreenGone as failure:
                    gone = failure
                nursery.cancel_scope.cancel()
        finally:
            if gone is not None:
                raise gone  # also when we are cancelled at the same moment
