"""The screen stands before the work begins, and outlives it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from peer.events import Event, Notice
from peer.screen.face import Line
from peer.screen.line import ScreenGone
from peer.screen.outlook import Outlook
from peer.stage import FLUSH_SECONDS, Stage


class SlowFace:
    """A `peer.screen.face.Face` which takes its time, or never stands."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._stands = trio.Event()
        self.shown: list[Event] = []

    def show(self, *events: Event, then: Callable[[], None] | None = None) -> None:
        self.shown += events

    def stands(self, outlook: Outlook) -> None:
        raise NotImplementedError

    def remember(self, folder: Path) -> None:
        raise NotImplementedError

    async def read_line(self) -> Line | None:
        await trio.sleep(1.0)
        return Line("/list")

    async def flushed(self) -> None:
        await self._stands.wait()

    async def run(self) -> None:
        await trio.sleep(self._seconds)
        self._stands.set()
        await trio.sleep_forever()


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
    assert await Stage(SlowFace(seconds)).play(work) == 7
    assert begun == [pytest.approx(start + min(seconds, FLUSH_SECONDS))]


async def test_a_screen_that_is_gone_stops_what_waits_for_the_keyboard(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = Stage(GoneFace())

    async def work() -> int:
        assert await stage.read_text() is None
        assert stage.stopped.is_set()
        return 0

    assert await stage.play(work) == 0


async def test_a_line_is_read_where_the_screen_stands(
    autojump_clock: trio.testing.MockClock,
) -> None:
    stage = Stage(face := SlowFace())

    async def work() -> int:
        stage.face.show(Notice(await stage.read_text() or ""))
        return 0

    assert await stage.play(work) == 0
    assert face.shown == [Notice("/list")]
