"""The full terminal: what happens goes to an emulator, keys come from a pipe."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec.structs import replace

from peer import events
from peer.core.conversation.sent_text import SentText
from peer.core.targets.place import Place
from peer.core.targets.places import PlaceState
from peer.events import Event, Notice, Said
from peer.results import Sent
from peer.screen.line import ScreenGone
from peer.screen.terminal import paint_queue, presenter, typed_lines
from peer.screen.terminal.terminal import Terminal
from peer.screen.ui_state import UiState
from peer.storage.input_history import FILE, InputHistory
from shared.messages.common import Status
from shared.messages.directory import Presence
from tests.kit.screens import PATIENCE, Screen, StoppedClock, keys
from tests.kit.ui_states import ASKED, OUTSIDE, TALKING

ENTER = "\r"
LONG = 10_000.0  # seconds that no test takes


class Desk:
    """A terminal that runs, and the keys and the screen of who sits there."""

    def __init__(self, **options: Any) -> None:
        self.screen = Screen()
        self.options = options
        self.over = trio.Event()
        self.failure: BaseException | None = None

    @asynccontextmanager
    async def sits_down(self, *shown: Event) -> AsyncIterator["Desk"]:
        """`shown`: what had happened before."""
        with keys() as self.keys:
            self.face = Terminal(
                self.keys, self.screen.output(), clock=StoppedClock(1_700_000_000.0), **self.options
            )
            self.face.show(*shown)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._live)
                await self.screen.sees("not registered")
                yield self
                nursery.cancel_scope.cancel()

    async def _live(self) -> None:
        try:
            await self.face.run()
        except Exception as failure:
            self.failure = failure
        finally:
            self.over.set()

    def hits(self, *keys: str) -> None:
        self.keys.send_text("".join(keys))

    def stands(self, outlook: UiState) -> None:
        self.face.stands(outlook)

    async def shows(self, *shown: Event) -> None:
        """Returns when it stands there."""
        there = trio.Event()
        self.face.show(*shown, then=there.set)
        await there.wait()

    def above(self) -> list[str]:
        """The lines above the prompt, without their times."""
        return [line[6:] for line in self.screen.above if line]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    with trio.fail_after(2 * PATIENCE):
        async with Desk().sits_down() as desk:
            desk.stands(TALKING)
            await desk.screen.sees("carol -> dave>")
            yield desk


class Copies:
    """Who has a text of mine: what a Handle tells of it."""

    def __init__(self, *names: str) -> None:
        self._states = dict.fromkeys(names, "waiting")
        self._changed = trio.Event()

    def arrives_at(self, name: str) -> None:
        self._states[name] = "delivered"
        self._changed.set()
        self._changed = trio.Event()

    def states(self) -> dict[str, str]:
        return dict(self._states)

    @property
    def is_everywhere(self) -> bool:
        return set(self.states().values()) <= {"delivered"}

    async def delivered(self) -> None:
        while set(self._states.values()) != {"delivered"}:
            await self._changed.wait()


def said_by_me(text: str, copies: Copies) -> Sent:
    handle: Any = copies
    assert set(dir(SentText)) >= {"states", "delivered", "is_everywhere"}
    return Sent(text, handle=handle)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of mine wait for their marks as long as it takes."""
    monkeypatch.setattr(paint_queue, "LIVE_SECONDS", LONG)
    monkeypatch.setattr(paint_queue, "HOLD_SECONDS", LONG / 2)


# --- What happens -----------------------------------------------------------------


async def test_what_is_shown_stands_above_the_prompt(desk: Desk) -> None:
    desk.hits("draft")
    await desk.screen.sees("dave> draft")
    await desk.shows(Notice("one"), Said("dave", "two"))
    assert desk.above() == ["-- one", "dave  two"]
    assert desk.screen.text.count("carol -> dave> draft") == 1


async def test_then_is_called_once_it_stands_there(desk: Desk) -> None:
    seen: list[bool] = []
    called = trio.Event()

    def then() -> None:
        seen.append("hello" in desk.screen.text)
        called.set()

    desk.face.show(Said("dave", "hello"), then=then)
    assert not seen
    await called.wait()
    assert seen == [True]


async def test_what_came_before_the_prompt_is_shown_too() -> None:
    async with Desk().sits_down(Notice("early")) as desk:
        await desk.screen.sees("early")


async def test_all_of_many_comes_in_order(desk: Desk) -> None:
    order: list[int] = []
    for number in range(500):
        desk.face.show(Said("dave", f"text {number}"), then=partial(order.append, number))
    await desk.shows(Notice("the end"))
    assert order == list(range(500))
    assert desk.above() == [*(f"dave  text {number}" for number in range(500)), "-- the end"]


async def test_a_hundred_texts_take_a_few_writes(desk: Desk) -> None:
    before = desk.screen.writes
    for number in range(100):
        desk.face.show(Said("dave", f"text {number}"))
    await desk.shows(Notice("the end"))
    assert desk.screen.writes - before <= 10


async def test_what_a_slow_terminal_did_not_take_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paint_queue, "WAITING_MOST", 10)
    early = Desk()
    async with early.sits_down() as desk:
        for number in range(13):
            desk.face.show(Notice(f"text {number}"))
        await desk.shows(Notice("the end"))
        assert desk.above()[0] == "-- ... 4 not shown: the terminal did not keep up."
        assert desk.above()[1:] == [*(f"-- text {number}" for number in range(4, 13)), "-- the end"]


async def test_flushed_returns_when_all_of_it_stands_there(desk: Desk) -> None:
    desk.face.show(Notice("the last word"))
    await desk.face.flushed()
    assert "the last word" in desk.screen.text


# --- Texts of mine ----------------------------------------------------------------


async def test_the_mark_of_a_text_changes_where_it_stands(desk: Desk, patient: None) -> None:
    copies = Copies("dave", "erin")
    desk.face.show(said_by_me("hello", copies))
    await desk.screen.sees("carol  hello  …")
    copies.arrives_at("dave")
    desk.face.show(said_by_me("again", Copies("dave")))
    await desk.screen.sees("carol  hello  1/2")
    copies.arrives_at("erin")
    await desk.screen.sees("carol  hello  ✓")
    assert desk.above() == ["carol  hello  ✓", "carol  again  …"]


async def test_what_others_say_waits_for_the_mark_of_what_i_said_before(
    desk: Desk, patient: None
) -> None:
    copies = Copies("dave")
    desk.face.show(said_by_me("question", copies))
    desk.face.show(Said("dave", "answer"))
    await desk.screen.sees("question  …")
    assert "answer" not in desk.screen.text
    copies.arrives_at("dave")
    await desk.screen.sees("answer")
    assert desk.above() == ["carol  question  ✓", "dave  answer"]


async def test_but_not_for_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paint_queue, "HOLD_SECONDS", 0.0)
    desk.face.show(said_by_me("question", Copies("dave")))
    desk.face.show(Said("dave", "answer"))
    await desk.screen.sees("answer")
    assert desk.above() == ["carol  question  …", "dave  answer"]


async def test_a_text_that_does_not_arrive_keeps_its_mark(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paint_queue, "HOLD_SECONDS", 0.0)
    monkeypatch.setattr(paint_queue, "LIVE_SECONDS", 0.0)
    there = trio.Event()
    desk.face.show(said_by_me("hello", Copies("dave")), then=there.set)
    await there.wait()
    assert desk.above() == ["carol  hello  …"]


async def test_my_texts_stand_in_their_order_whichever_arrives_first(
    desk: Desk, patient: None
) -> None:
    one, other = Copies("dave"), Copies("dave")
    desk.face.show(said_by_me("one", one))
    desk.face.show(said_by_me("other", other))
    other.arrives_at("dave")
    await desk.screen.sees("other  ✓")
    assert desk.above() == ["carol  one  …", "carol  other  ✓"]
    one.arrives_at("dave")
    await desk.screen.sees("one  ✓")
    await desk.shows(Notice("later"))
    assert desk.above() == ["carol  one  ✓", "carol  other  ✓", "-- later"]


async def test_at_most_a_few_texts_wait_for_their_marks(desk: Desk, patient: None) -> None:
    for number in range(30):
        desk.face.show(said_by_me(f"text {number}", Copies("dave")))
    await desk.screen.sees("text 29  …")
    assert desk.above() == [f"carol  text {number}  …" for number in range(30)]


async def test_flushed_does_not_wait_for_marks(desk: Desk, patient: None) -> None:
    desk.face.show(said_by_me("hello", Copies("dave")))
    desk.face.show(Notice("Good bye! ☺"))
    await desk.face.flushed()
    assert desk.above() == ["carol  hello  …", "-- Good bye! ☺"]


async def test_a_private_line_of_mine_waits_for_nothing(desk: Desk) -> None:
    await desk.shows(Sent("psst", to="dave"))
    assert desk.above() == ["[private] carol -> dave: psst"]


# --- Lines ------------------------------------------------------------------------


async def test_a_typed_line_is_read_with_the_time_of_its_first_key(desk: Desk) -> None:
    before = trio.current_time()
    desk.hits("h")
    await desk.screen.sees("dave> h")
    begun = trio.current_time()
    desk.hits("i", ENTER)
    line = await desk.face.read_line()
    assert line is not None
    assert line.text == "hi"
    assert line.begun is not None
    assert before - 0.001 <= line.begun <= begun + 0.001  # two clocks, read one after the other


async def test_a_command_stays_on_the_screen_and_a_text_does_not(desk: Desk) -> None:
    desk.hits("/members", ENTER, "hello", ENTER)
    lines = [await desk.face.read_line(), await desk.face.read_line()]
    assert [line.text for line in lines if line is not None] == ["/members", "hello"]
    await desk.shows(Notice("later"))
    assert desk.above() == ["> /members", "-- later"]


async def test_a_cancelled_read_loses_nothing(desk: Desk) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await desk.face.read_line()
    desk.hits("hello", ENTER)
    line = await desk.face.read_line()
    assert line is not None
    assert line.text == "hello"


async def test_too_many_lines_are_refused_aloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(typed_lines, "LINES_MOST", 2)
    async with Desk().sits_down() as desk:
        desk.hits("one", ENTER, "two", ENTER, "three", ENTER)
        await desk.screen.sees("the last line was not taken")
        read = [await desk.face.read_line() for _ in range(2)]
        assert [line.text for line in read if line] == ["one", "two"]


async def test_what_is_typed_is_remembered_in_a_file(desk: Desk, tmp_path: Path) -> None:
    InputHistory(tmp_path).append_string("from before")
    desk.face.remember(tmp_path)
    desk.hits("hello", ENTER)
    await desk.face.read_line()
    entries = [*InputHistory(tmp_path).load_history_strings()]
    assert entries == ["hello", "from before"]


async def test_a_folder_that_cannot_remember_is_told(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    desk.face.remember(tmp_path)
    await desk.screen.sees("What is typed cannot be remembered: is a directory.")


# --- Around the prompt ------------------------------------------------------------


async def test_prompt_toolbar_and_title_follow_how_things_stand(desk: Desk) -> None:
    await desk.screen.sees("BUSY | dave direct")
    desk.stands(ASKED)
    await desk.screen.sees("dave, erin ask: Y name")
    await desk.screen.sees("carol>")
    desk.stands(OUTSIDE)
    await desk.shows(Notice("something"))
    assert desk.screen.title == "parley: carol"
    assert "ask: Y" not in desk.screen.text


async def test_a_key_reads_what_is_unread(desk: Desk) -> None:
    await desk.shows(events.SaidPrivately("dave", "psst"))
    desk.stands(replace(TALKING, places=(PlaceState(Place("dave"), 0, 1, 1),)))
    await desk.screen.sees("dave 1")
    assert desk.screen.title.startswith("(1) ")
    assert desk.screen.emulator.bells == 0  # BUSY
    desk.hits("x")
    await desk.screen.sees("dave> x")
    await desk.shows(Notice("later"))
    assert not desk.screen.title.startswith("(")


async def test_the_bell_rings_for_an_invitation() -> None:
    async with Desk().sits_down() as desk:
        desk.stands(OUTSIDE)
        await desk.shows(events.Invited("i1", "dave", ("dave",)))
        assert desk.screen.emulator.bells == 1


async def test_a_notification_only_where_it_was_asked_for() -> None:
    for options, is_notified in (({}, False), ({"notify": True}, True)):
        async with Desk(**options).sits_down() as desk:
            desk.stands(OUTSIDE)
            await desk.shows(events.SaidPrivately("dave", "psst"))
            assert ("\x1b]9;A message from dave\a" in desk.screen.written) == is_notified


async def test_tab_knows_who_is_there(desk: Desk) -> None:
    desk.hits("@da\t")
    await desk.screen.sees("@dave")


def with_users(*names: str) -> UiState:
    users = tuple(Presence(name, Status.ACTIVE, 0.0) for name in names)
    return replace(TALKING, users=users)


async def test_who_is_found_later_shows_in_the_menu_if_the_word_is_still_the_same(
    desk: Desk,
) -> None:
    desk.hits("/chat jo\t")
    assert await desk.face.sought() == "jo"
    desk.stands(with_users("dave", "joan", "john"))
    await desk.screen.sees("joan")
    await desk.screen.sees("john")
    desk.hits("\t")
    await desk.screen.sees("/chat joan")


async def test_who_is_found_too_late_changes_nothing(desk: Desk) -> None:
    desk.hits("/chat jo\t")
    assert await desk.face.sought() == "jo"
    desk.hits("e")
    await desk.screen.sees("/chat joe")
    desk.stands(with_users("dave", "joel", "joey"))
    desk.hits("x")
    await desk.screen.sees("/chat joex")
    assert "joey" not in "".join(desk.screen.lines)


# --- The end ----------------------------------------------------------------------


async def test_the_end_of_input_is_the_end_of_the_screen(desk: Desk) -> None:
    desk.keys.close()
    await desk.over.wait()
    assert isinstance(desk.failure, ScreenGone)
    await desk.face.flushed()  # waits for nobody


async def test_nobody_waits_for_a_screen_that_is_gone(desk: Desk) -> None:
    desk.keys.close()
    await desk.over.wait()
    called: list[int] = []
    desk.face.show(Notice("too late"), then=lambda: called.append(1))
    desk.stands(OUTSIDE)
    await desk.face.flushed()
    assert not called


async def test_the_terminal_is_given_back_as_it_was() -> None:
    async with Desk().sits_down() as desk:
        desk.hits("draft")
        await desk.screen.sees("draft")
    assert desk.over.is_set()
    assert desk.failure is None
    assert desk.screen.written.endswith("\x1b[23;2t")
    assert "draft" not in desk.screen.text
    assert not desk.screen.emulator.cursor.hidden


async def test_a_bug_in_the_editors_thread_comes_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bug(Exception):
        pass

    def hint(text: str, *_: object) -> str:
        raise Bug(text)

    monkeypatch.setattr(presenter, "hint", hint)
    desk.hits("x")
    await desk.over.wait()
    assert isinstance(desk.failure, ExceptionGroup)
    assert desk.failure.subgroup(Bug) is not None


async def test_what_is_logged_stands_among_the_lines_and_not_across_them(desk: Desk) -> None:
    logging.getLogger("peer").error("link refused: %s", "\x1b[2J")
    await desk.screen.sees("-- link refused: ␛[2J")
    await trio.to_thread.run_sync(logging.getLogger("asyncio").error, "in another thread")
    await desk.screen.sees("-- in another thread")
    assert "link refused" in desk.screen.text


async def test_a_yes_begun_before_the_question_is_the_text_that_it_was_meant_to_be(
    desk: Desk,
) -> None:
    desk.stands(replace(TALKING, questions=("erin",)))
    desk.hits("yes")
    await desk.screen.sees("yes to erin")
    await desk.shows(events.Invited("1", "erin", ("erin",)))
    desk.hits(ENTER)
    await desk.face.read_line()
    await desk.shows(Notice("after it"))
    assert not [line for line in desk.above() if line.startswith("> yes")]
    desk.hits("Y", ENTER)
    line = await desk.face.read_line()
    assert line is not None
    assert line.text == "Y"


async def test_whoever_waits_for_a_key_hears_of_one_before_enter(desk: Desk) -> None:
    told = trio.Event()

    async def wait() -> None:
        await desk.face.touched()
        told.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert not told.is_set()
        desk.hits("h")
        await told.wait()


async def test_a_text_for_a_room_is_shown_once_and_a_refused_one_as_it_was_typed() -> None:
    async with Desk().sits_down() as desk:
        desk.stands(replace(OUTSIDE, rooms=(("lab", ("dave",)),)))
        await desk.screen.sees("carol>")
        desk.hits("#lab hello" + ENTER)
        assert await desk.face.read_line() is not None
        desk.hits("#ops hello" + ENTER)
        assert await desk.face.read_line() is not None
        await desk.shows(Notice("done"))
        assert desk.above() == ["> #ops hello", "-- done"]
