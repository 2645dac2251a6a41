"""The screen stands before the work begins, and outlives it."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from peer.events import Event, Notice
from peer.program.arguments import parse
from peer.program.lifecycle import FLUSH_SECONDS, HAS_TO_WAIT, Lifecycle, face_of
from peer.program.settings import complete
from peer.screen.frontend import Line
from peer.screen.line import LineFrontend, ScreenGone
from peer.screen.ui_state import UiState
from peer.storage.vault import Vault


class SlowFace:
    """A `peer.screen.frontend.Face` which takes its time, or never stands."""

    looks_back = False

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._stands = trio.Event()
        self.shown: list[Event] = []

    def show(self, *events: Event, then: Callable[[], None] | None = None) -> None:
        self.shown += events

    def stands(self, outlook: UiState) -> None:
        raise NotImplementedError

    def remember(self, folder: Path, vault: Vault | None = None) -> None:
        raise NotImplementedError

    async def read_line(self) -> Line | None:
        await trio.sleep(1.0)
        return Line("/list")

    async def sought(self) -> str:
        await trio.sleep_forever()
        raise AssertionError("it never ends")

    async def touched(self) -> None:
        await trio.sleep_forever()

    async def flushed(self) -> None:
        await self._stands.wait()

    async def run(self) -> None:
        await trio.sleep(self._seconds)
        self._stands.set()
        await trio.sleep_forever()


@pytest.mark.parametrize("words", [["--find"], ["carol", "h", "1", "DOCTOR"], ["carol", "--plain"]])
def test_what_only_shows_lines_needs_no_prompt(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    arguments = parse(words)
    complete(arguments, {}, tmp_path / "config.toml", at_terminal=True)
    assert isinstance(face_of(arguments), LineFrontend)


class GoneFace(SlowFace):
    async def run(self) -> None:
        self._stands.set()
        raise ScreenGone("The terminal is gone.")


@pytest.mark.parametrize("seconds", [0.0, 1.0, FLUSH_SECONDS + 60])
async def test_the_work_waits_for_the_screen_but_not_for_ever(
    autojump_clock: trio.testing.MockClock, seconds: float
) -> None:
    begun: list[float] = []

    async def work() -> int:
        begun.append(trio.current_time())
        return 7

    start = trio.current_time()
    assert await Lifecycle(SlowFace(seconds)).play(work) == 7
    assert begun == [pytest.approx(start + min(seconds, FLUSH_SECONDS))]


async def test_a_screen_that_is_gone_stops_what_waits_for_the_keyboard(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = Lifecycle(GoneFace())

    async def work() -> int:
        assert await stage.read_text() is None
        assert stage.stopped.is_set()
        return 0

    assert await stage.play(work) == 0


class TypingFace(SlowFace):
    """What is typed is there at once."""

    def __init__(self, *lines: str | None) -> None:
        super().__init__(0.0)
        self._lines = list(lines)

    async def read_line(self) -> Line | None:
        await trio.sleep(1.0)
        line = self._lines.pop(0)
        return None if line is None else Line(line)


@pytest.mark.parametrize("words", [("quit",), ("LIST USERS", "/Exit"), (None,)])
async def test_who_waits_can_quit(
    autojump_clock: trio.testing.MockClock, words: tuple[str | None, ...]
) -> None:
    stage = Lifecycle(TypingFace(*words))

    async def work() -> int:
        async with stage.quits_at_once():
            await trio.sleep_forever()

    assert await stage.play(work) == 0


async def test_what_was_typed_while_waiting_is_read_later(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = Lifecycle(TypingFace("LIST USERS", "CHAT dave", "QUIT", "HELP"))

    async def work() -> int:
        async with stage.quits_at_once():
            await trio.sleep(2.5)
        assert [await stage.read_text() for _ in range(4)] == [
            "LIST USERS",
            "CHAT dave",
            "QUIT",
            "HELP",
        ]
        return 7

    assert await stage.play(work) == 7


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("DOCTOR", "", "HELP"), []),  # just begun, and then nothing is typed
        (("", "DOCTOR", "HELP", "LIST USERS"), [Notice(HAS_TO_WAIT)]),  # once for all of them
    ],
)
async def test_a_line_that_has_to_wait_long_is_told_so_once(
    autojump_clock: trio.testing.MockClock, words: tuple[str, ...], told: list[Event]
) -> None:
    stage = Lifecycle(face := TypingFace(*words))

    async def work() -> int:
        async with stage.quits_at_once():
            await trio.sleep(len(words) - 0.5)
        return 7

    assert await stage.play(work) == 7
    assert face.shown == told


@pytest.mark.parametrize("can_examine", [True, False])
async def test_doctor_is_performed_while_others_wait(
    autojump_clock: trio.testing.MockClock, *, can_examine: bool
) -> None:
    stage = Lifecycle(face := TypingFace("LIST USERS", "/doctor", "DOCTOR dave"))
    examined: list[str] = []

    async def examine(line: Line) -> None:
        examined.append(line.text)
        if not can_examine:
            await trio.sleep_forever()

    async def work() -> int:
        async with stage.quits_at_once(examine):
            await trio.sleep(3.5)
        later = [] if can_examine else ["/doctor"]
        for text in ("LIST USERS", *later, "DOCTOR dave"):
            assert await stage.read_text() == text
        return 7

    assert await stage.play(work) == 7
    assert examined == ["/doctor"]
    assert face.shown == [Notice(HAS_TO_WAIT)]


async def test_who_waits_in_vain_reads_on(autojump_clock: trio.testing.MockClock) -> None:
    stage = Lifecycle(TypingFace("one", "two"))

    async def work() -> int:
        with suppress(OSError):
            async with stage.quits_at_once():
                await trio.sleep(1.5)
                raise OSError("nobody answers")
        assert [await stage.read_text(), await stage.read_text()] == ["one", "two"]
        return 7

    assert await stage.play(work) == 7


async def test_a_line_is_read_where_the_screen_stands(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = Lifecycle(face := SlowFace())

    async def work() -> int:
        stage.face.show(Notice(await stage.read_text() or ""))
        return 0

    assert await stage.play(work) == 0
    assert face.shown == [Notice("/list")]
