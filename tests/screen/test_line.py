import os
import pty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from peer.events import Notice
from peer.screen import line
from peer.screen.line import LINE_BYTES, Keyboard, LineScreen, ScreenGone

NEVER_OPENED = 9_999


class Ends:
    """Two ends of something; what the test leaves open is closed after it."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading, self.writing = reading, writing

    def close(self) -> None:
        for fd in (self.reading, self.writing):
            with suppress(OSError):
                os.close(fd)

    def retire(self) -> None:
        """Close them, but keep the number of the writing end taken, for as long as we run.

        The thread of a cancelled write may only begin now: it must not find another test's file.
        """
        with suppress(OSError):  # the test has closed it
            os.close(self.reading)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self.writing)
        os.close(nothing)

    async def read_all(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            await trio.lowlevel.wait_readable(self.reading)
            data += os.read(self.reading, 65_536)
        return data


@pytest.fixture
def pipe() -> Iterator[Ends]:
    ends = Ends(*os.pipe())
    yield ends
    ends.close()


@pytest.fixture
def terminal() -> Iterator[Ends]:
    """Its screen is `writing`, and the person looks at `reading`."""
    ends = Ends(*pty.openpty())
    yield ends
    ends.retire()


def fill(fd: int) -> int:
    """Write to a non-blocking descriptor until it takes no more; how much it took."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            count += os.write(fd, b"x")
    return count


@asynccontextmanager
async def running(screen: LineScreen) -> AsyncIterator[None]:
    """Ends with the block, which may take no more than 10 s."""
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(screen.run)
            yield
            nursery.cancel_scope.cancel()


# --- The screen ------------------------------------------------------------------


async def test_lines_are_written_in_order_and_at_once(pipe: Ends) -> None:
    screen = LineScreen(pipe.writing)
    screen.show(Notice("before the start"))
    async with running(screen):
        screen.show(Notice("carol: grüße ☺"))
        screen.show(Notice("ACTIVE: carol"), Notice("BUSY: -"))
        await screen.flushed()
        assert os.read(pipe.reading, 1_000).decode().splitlines() == [
            "before the start",
            "carol: grüße ☺",
            "ACTIVE: carol",
            "BUSY: -",
        ]
        screen.show(Notice("later"))
        assert await pipe.read_all(6) == b"later\n"
    assert os.get_blocking(pipe.writing)


async def test_what_is_shown_is_harmless_and_forges_no_line(pipe: Ends) -> None:
    screen = LineScreen(pipe.writing)
    async with running(screen):
        screen.show(Notice("dave: \x1b[2J\ud800\ncarol: hi"), Notice(""))
        await screen.flushed()
    assert os.read(pipe.reading, 1_000).decode() == "dave: ␛[2J�\n    carol: hi\n\n"


async def test_a_regular_file_and_dev_null_are_screens_too(tmp_path: Path) -> None:
    for path in (tmp_path / "out", Path("/dev/null")):
        with path.open("wb") as file:
            screen = LineScreen(file.fileno())
            async with running(screen):
                screen.show(Notice("x" * 10_000), Notice("end"))
                await screen.flushed()
    assert (tmp_path / "out").read_text() == "x" * 10_000 + "\nend\n"


async def test_a_terminal_shows_lines(terminal: Ends) -> None:
    screen = LineScreen(terminal.writing)
    async with running(screen):
        screen.show(Notice("hello"))
        await screen.flushed()
        assert await terminal.read_all(7) == b"hello\r\n"
    assert os.get_blocking(terminal.writing)


async def test_a_full_terminal_that_another_program_made_non_blocking_loses_nothing(
    terminal: Ends,
) -> None:
    os.set_blocking(terminal.writing, False)
    before = fill(terminal.writing)
    screen = LineScreen(terminal.writing)
    async with running(screen):
        screen.show(Notice("y" * 100_000))
        await wait_all_tasks_blocked()
        seen = await terminal.read_all(before + 100_002)
    assert seen == b"x" * before + b"y" * 100_000 + b"\r\n"


async def test_two_programs_that_made_a_pipe_non_blocking_both_get_through(pipe: Ends) -> None:
    os.set_blocking(pipe.writing, False)
    before = fill(pipe.writing)
    other = os.dup(pipe.writing)
    screens = [LineScreen(pipe.writing), LineScreen(other)]
    async with running(screens[0]), running(screens[1]):
        for screen in screens:
            screen.show(Notice("y" * 4_000))
        await wait_all_tasks_blocked()
        freed = os.read(pipe.reading, 4_096)  # room for one of them
        await wait_all_tasks_blocked()
        seen = freed + await pipe.read_all(before - len(freed) + 2 * 4_001)
    os.close(other)
    assert seen == b"x" * before + (b"y" * 4_000 + b"\n") * 2


async def test_a_pipe_that_nobody_reads_stops_only_the_screen(pipe: Ends) -> None:
    screen = LineScreen(pipe.writing)
    async with running(screen):
        screen.show(Notice("x" * 1_000_000), Notice("end"))
        await wait_all_tasks_blocked()  # the screen waits for a reader, and we go on
        screen.show(Notice("more"))
        assert (await pipe.read_all(1_000_010)).endswith(b"x\nend\nmore\n")


async def test_a_paused_terminal_stops_neither_us_nor_the_end(terminal: Ends) -> None:
    screen = LineScreen(terminal.writing)
    async with running(screen):
        screen.show(Notice("x" * 1_000_000))
        await wait_all_tasks_blocked()


async def test_what_does_not_fit_is_dropped_from_the_front_and_counted(
    pipe: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "WAITING_BYTES", 20)
    screen = LineScreen(pipe.writing)
    screen.show(*(Notice(f"line {number}") for number in range(10)))
    async with running(screen):
        await screen.flushed()
        screen.show(Notice("y" * 20))
        await screen.flushed()
    assert os.read(pipe.reading, 1_000).decode().splitlines() == [
        "... 8 lines were not shown: the screen did not keep up.",
        "line 8",
        "line 9",
        "... 1 line was not shown: the screen did not keep up.",
    ]


async def test_flushed_means_written_also_when_later_lines_are_dropped(
    pipe: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "WAITING_BYTES", 200_000)
    screen = LineScreen(pipe.writing)
    flushed = trio.Event()

    async def flush() -> None:
        await screen.flushed()
        flushed.set()

    async with running(screen), trio.open_nursery() as nursery:
        screen.show(Notice("x" * 100_000))
        nursery.start_soon(flush)
        await wait_all_tasks_blocked()
        screen.show(*[Notice("y" * 100_000)] * 3)
        await wait_all_tasks_blocked()
        assert not flushed.is_set()
        await pipe.read_all(100_001)
        await flushed.wait()


async def test_a_reader_that_is_gone_ends_the_screen(pipe: Ends) -> None:
    os.close(pipe.reading)
    screen = LineScreen(pipe.writing)
    screen.show(Notice("hello"))
    with trio.fail_after(10):
        with pytest.raises(ScreenGone, match=r"The screen is gone: Broken pipe\."):
            await screen.run()
        screen.show(Notice("nobody sees this"))
        await screen.flushed()


async def test_a_reader_that_goes_while_the_screen_waits_ends_it(pipe: Ends) -> None:
    screen = LineScreen(pipe.writing)
    screen.show(Notice("x" * 1_000_000))

    async def go() -> None:
        await wait_all_tasks_blocked()
        os.close(pipe.reading)

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(go)
            with pytest.raises(ScreenGone):
                await screen.run()


async def test_a_terminal_that_is_gone_ends_the_screen(terminal: Ends) -> None:
    os.close(terminal.reading)
    screen = LineScreen(terminal.writing)
    screen.show(Notice("hello"))
    with trio.fail_after(10), pytest.raises(ScreenGone):
        await screen.run()


async def test_a_closed_output_is_a_screen_that_is_gone() -> None:
    with trio.fail_after(10), pytest.raises(ScreenGone):
        await LineScreen(NEVER_OPENED).run()


async def test_who_waits_for_the_screen_goes_on_when_it_is_cancelled(pipe: Ends) -> None:
    screen = LineScreen(pipe.writing)
    async with running(screen):
        screen.show(Notice("x" * 1_000_000))
        await wait_all_tasks_blocked()
    with trio.fail_after(10):
        await screen.flushed()


# --- The keyboard ----------------------------------------------------------------


async def all_lines(keyboard: Keyboard) -> list[str]:
    lines = []
    with trio.fail_after(10):
        while (text := await keyboard.read_line()) is not None:
            lines.append(text)
        assert await keyboard.read_line() is None  # the end stays the end
    return lines


async def test_typed_lines_come_one_by_one_without_their_line_break(pipe: Ends) -> None:
    os.write(pipe.writing, "CHAT dave\nhello\r\n\ngrüße\rx\nno line break".encode())
    os.close(pipe.writing)
    assert await all_lines(Keyboard(pipe.reading)) == [
        "CHAT dave",
        "hello",
        "",
        "grüße\rx",
        "no line break",
    ]
    assert os.get_blocking(pipe.reading)


async def test_what_is_no_utf8_is_replaced(pipe: Ends) -> None:
    os.write(pipe.writing, b"a\xffb\n\xc3\n")
    os.close(pipe.writing)
    assert await all_lines(Keyboard(pipe.reading)) == ["a�b", "�"]


async def test_a_file_is_typed_too(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_text("one\ntwo\n")
    with path.open("rb") as file:
        assert await all_lines(Keyboard(file.fileno())) == ["one", "two"]


async def test_of_an_endless_line_the_beginning_is_kept_and_the_next_line_is_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "in"
    path.write_text("x" * (3 * LINE_BYTES + 7) + "\nnext\n" + "y" * (LINE_BYTES + 1))
    with path.open("rb") as file:
        lines = await all_lines(Keyboard(file.fileno()))
    assert lines == ["x" * LINE_BYTES, "next", "y" * LINE_BYTES]


@pytest.mark.parametrize("path", ["/dev/null", "/"])
async def test_what_cannot_be_typed_on_is_at_its_end(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        assert await all_lines(Keyboard(fd)) == []
    finally:
        os.close(fd)


async def test_a_closed_input_is_at_its_end() -> None:
    assert await all_lines(Keyboard(NEVER_OPENED)) == []


async def test_a_terminal_is_typed_on_until_control_d(terminal: Ends) -> None:
    os.write(terminal.reading, b"hello\n\x04")
    assert await all_lines(Keyboard(terminal.writing)) == ["hello"]
    assert os.get_blocking(terminal.writing)


async def test_a_terminal_that_is_hung_up_is_at_its_end(terminal: Ends) -> None:
    keyboard = Keyboard(terminal.writing)

    async def hang_up() -> None:
        await wait_all_tasks_blocked()
        os.close(terminal.reading)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hang_up)
        assert await all_lines(keyboard) == []


async def test_a_cancelled_read_loses_nothing(pipe: Ends) -> None:
    keyboard = Keyboard(pipe.reading)
    with trio.fail_after(10):
        for typed in (b"", b"hel"):
            os.write(pipe.writing, typed)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(keyboard.read_line)
                await wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
        os.write(pipe.writing, b"lo\nnext\n")
        with trio.CancelScope() as scope:
            scope.cancel()
            await keyboard.read_line()
        assert await keyboard.read_line() == "hello"
        assert await keyboard.read_line() == "next"


async def test_who_reads_second_on_a_non_blocking_input_waits_for_the_next_line(
    pipe: Ends,
) -> None:
    os.set_blocking(pipe.reading, False)
    other = os.dup(pipe.reading)
    lines: list[str | None] = []

    async def read_one(keyboard: Keyboard) -> None:
        lines.append(await keyboard.read_line())

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read_one, Keyboard(pipe.reading))
            nursery.start_soon(read_one, Keyboard(other))
            await wait_all_tasks_blocked()
            os.write(pipe.writing, b"first\n")
            await wait_all_tasks_blocked()
            os.write(pipe.writing, b"second\n")
    os.close(other)
    assert lines == ["first", "second"]
