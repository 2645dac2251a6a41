"""Line mode: plain lines in, plain lines out, for pipes, files and `--plain`.

Both descriptors stay blocking, since a terminal shares that flag with every other
program on it.  So we read or write only when that cannot block, or else in a thread.
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

WAITING_BYTES = 8 * 2**20  # for a paused or slow screen; beyond that the oldest lines are dropped
LINE_BYTES = 2**20  # at most, kept of one line; nobody types a longer one
READ_BYTES = 2**16
LINES_AT_ONCE = 32  # at most, read without a pause; then other tasks get a turn
PIECE_BYTES = select.PIPE_BUF  # a ready pipe is sure to take this much at once, and not more

Spell = Callable[[Event], list[str]]
"""Return the lines that are written for an event."""


class ScreenGone(ParleyError):
    """The screen is gone: nobody can see what is shown any more."""


class NotShown(Event, frozen=True):
    """`count` lines were dropped, since the screen is too slow."""

    count: int

    def said(self) -> tuple[str, str]:
        were = "line was" if self.count == 1 else "lines were"
        return f"... {self.count} {were} not shown: the screen did not keep up.", ""


def plain_lines(event: Event) -> list[str]:
    """Return the event's lines, cleaned; where one breaks, its further lines are indented."""
    return [line for text in event.lines() for line in lines_of("", text)]


def folded_lines(event: Event) -> list[str]:
    """Like `plain_lines`, but with only the beginning of a long text."""
    return plain_lines(fold_event(event))


def lines_for(fd: int) -> Spell:
    """Return how events are written to this descriptor.

    Lines for a terminal are wrapped here: it would wrap them to its left edge, where a text
    could look like the line of another user.
    """
    if not os.isatty(fd):
        return folded_lines

    from peer.screen.paint.line_wrap import wrapped_lines  # noqa: PLC0415

    def spell(event: Event) -> list[str]:
        lines = folded_lines(event)
        with contextlib.suppress(OSError):  # it is gone, which the next write reports
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
        self._done = 0  # how many of these, from the first on, are written or dropped
        self._dropped = 0  # since the user was last told
        self._over = False
        self._arrived = trio.Event()
        self._progress = trio.lowlevel.ParkingLot()

    def show(self, *events: Event, then: Then | None = None) -> None:
        """Write events soon; `then` is called once all are written, and never if one is dropped."""
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
        """Write what is shown, for ever; raise ScreenGone when nobody can see it."""
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
        """Take about one piece of the next lines; these cannot be dropped any more."""
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
        """Write in a thread, since a ready terminal may take one byte and block at the second.

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
        """Return the next line without its line break, or None at the end of input.

        Only the first LINE_BYTES of a line are kept.  A cancelled call loses nothing.
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
        del self._pending[LINE_BYTES:]  # of a line that is too long
        self._pending += data
        self._ended = not data

    async def _read(self) -> bytes:
        try:
            await trio.lowlevel.wait_readable(self._fd)
        except PermissionError:  # from epoll, for a regular file or /dev/null: always ready
            return await trio.to_thread.run_sync(os.read, self._fd, READ_BYTES)
        return os.read(self._fd, READ_BYTES)


class LineFrontend:
    """A screen and a keyboard of lines.  It does not show the state of the peer."""

    looks_back = False

    def __init__(self, reading: int = 0, writing: int = 1, spell: Spell | None = None) -> None:
        """Take two file descriptors; `spell` turns events into lines (None: for people)."""
        self._keyboard = Keyboard(reading)
        self._screen = LineScreen(writing, spell or lines_for(writing))
        self._calm = None if spell else PresenceLines()

    def show(self, *events: Event, then: Then | None = None) -> None:
        shown = self._calm.of(events) if self._calm else events
        self._screen.show(*shown, then=then)

    def stands(self, ui_state: UiState) -> None:
        pass

    def remember(self, folder: Path, vault: "Vault | None" = None) -> None:
        """Do nothing: the user's own tools keep a history, if any."""

    async def read_line(self) -> Line | None:
        text = await self._keyboard.read_line()
        return None if text is None else Line(text)

    async def touched(self) -> None:
        await trio.sleep_forever()

    async def sought(self) -> str:
        await trio.sleep_forever()
        raise AssertionError("it never ends")

    async def flushed(self) -> None:
        await self._screen.flushed()

    async def run(self) -> None:
        """Run until an error, which is raised as it is, not in a group."""
        gone: ScreenGone | None = None
        try:
            async with trio.open_nursery() as nursery:
                if self._calm:
                    nursery.start_soon(self._sum_up, self._calm)
                try:
                    await self._screen.run()
                except ScreenGone as failure:
                    gone = failure
                nursery.cancel_scope.cancel()
        finally:
            if gone is not None:
                raise gone  # also when we are cancelled at the same moment

    async def _sum_up(self, calm: PresenceLines) -> None:
        """Show how many others came and went."""
        while True:
            self._screen.show(await calm.sum())
