"""Keys at the prompt that never ends, and what stands on the screen then."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from msgspec.structs import replace
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from peer.core.targets.desk import AGAIN_SECONDS
from peer.core.targets.desk import Desk as Whereabouts
from peer.core.targets.place import HOME, Place
from peer.core.targets.places import PlaceState
from peer.core.targets.target import Target
from peer.screen.editor.editor import KEEP_TITLE, OLD_TITLE, Editor
from peer.screen.terminal.completion import Completions
from peer.screen.terminal.presenter import LEAVING
from tests.kit.screens import PATIENCE, Screen, keys
from tests.kit.ui_states import OUTSIDE

ENTER = "\r"
NEW_LINE = "\x1b\r"  # Alt-Enter
CTRL_C, CTRL_D, CTRL_L, CTRL_R, CTRL_S = "\x03", "\x04", "\x0c", "\x12", "\x13"
UP, DOWN, LEFT, ESCAPE = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b"
TAB = "\t"
PROMPT = "carol> "


def pasted(*lines: str) -> str:
    """As a terminal sends it."""
    return f"\x1b[200~{chr(10).join(lines)}\x1b[201~"


class FakeHost:
    """What an editor is told of the rest of the terminal."""

    def __init__(self) -> None:
        self.submitted: queue.Queue[tuple[str, float]] = queue.Queue()
        self.touches = 0
        self.before = PROMPT
        self.home = Target()  # what the prompt shows at home
        self.ui_state = OUTSIDE
        self.desk = Whereabouts()
        self.places: tuple[PlaceState, ...] = (PlaceState(HOME, 1),)
        self.unread_of_others = 0
        self.went_to: list[Place] = []

    @property
    def target(self) -> Target:
        return replace(self.home, place=self.desk.here)

    def submit(self, text: str, begun: float, target: Target) -> Place | None:
        self.submitted.put((text, begun))
        return Place(text.removeprefix("GO ")) if text.startswith("GO ") else None

    def went(self, place: Place) -> None:
        self.went_to.append(place)

    def touched(self) -> None:
        self.touches += 1

    def hold_back(self, text: str, begun: Target, now: Target) -> str:
        return "" if begun.is_same(now) else f"not sent to {', '.join(now.others)}"

    def interrupt(self) -> str:
        return LEAVING

    def hint(self, text: str) -> str:
        return f"[{len(text)} characters]"

    def seek(self, beginning: str) -> None:
        pass

    def prompt(self) -> StyleAndTextTuples:
        return [("", self.before)]

    def toolbar(self) -> StyleAndTextTuples:
        return [("", "the toolbar")]


class Desk:
    """An editor in its thread, somebody's keys, and the screen before them."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.screen = Screen(columns, rows)
        self.host = FakeHost()
        self.failures: list[BaseException] = []

    def sits_down(self) -> Iterator["Desk"]:
        with keys() as self.keys:
            self.editor = Editor(
                self.keys,
                self.screen.output(),
                self.host,
                Completions(self.host),
                style=Style([]),
                colours=ColorDepth.DEPTH_8_BIT,
            )
            is_up = threading.Event()
            thread = threading.Thread(target=self._live, args=(is_up,))
            thread.start()
            try:
                assert is_up.wait(PATIENCE)
                self.screen.shows("the toolbar")
                yield self
            finally:
                self.editor.call(self.editor.stop)
                thread.join(PATIENCE)
            assert not thread.is_alive()

    def _live(self, is_up: threading.Event) -> None:
        try:
            self.editor.run(is_up.set)
        except BaseException as failure:
            self.failures.append(failure)

    def hits(self, *keys: str) -> None:
        self.keys.send_text("".join(keys))

    def sends(self) -> str:
        """The next line that was taken from the keyboard."""
        text, _ = self.host.submitted.get(timeout=PATIENCE)
        return text

    def does(self, work: Callable[[], object]) -> None:
        """In the editor's thread; returns when it is done."""
        done = threading.Event()

        def do() -> None:
            work()
            done.set()

        self.editor.call(do)
        assert done.wait(PATIENCE)

    def gives_the_terminal_back(self) -> None:
        self.screen.waits_until(lambda: self.screen.written.endswith(OLD_TITLE), "ended")

    def remembers(self, *lines: str) -> None:
        """Wait until these can be called back: they are read beside the keys."""
        end = time.monotonic() + PATIENCE
        while self._remembered()[:-1] != [*lines]:
            assert time.monotonic() < end, self._remembered()

    def _remembered(self) -> list[str]:
        found: list[str] = []
        self.does(lambda: found.extend(self.editor._draft.control.buffer._working_lines))
        return found

    @property
    def cursor(self) -> tuple[int, int]:
        cursor = self.screen.emulator.cursor
        return cursor.x, cursor.y


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from Desk().sits_down()


# --- Lines ------------------------------------------------------------------------


def test_enter_sends_the_line_and_leaves_an_empty_prompt(desk: Desk) -> None:
    desk.hits("hello")
    desk.screen.shows("carol> hello")
    desk.screen.shows("[5 characters]")
    desk.hits(ENTER)
    assert desk.sends() == "hello"
    desk.screen.shows_no_more("hello")
    assert desk.screen.lines.count("carol>") == 1


def test_an_empty_line_is_sent_too(desk: Desk) -> None:
    desk.hits(ENTER)
    assert desk.sends() == ""


def test_lines_come_in_the_order_in_which_they_were_typed(desk: Desk) -> None:
    desk.hits("one", ENTER, "two", ENTER, "three", ENTER)
    assert [desk.sends() for _ in range(3)] == ["one", "two", "three"]


def test_alt_enter_begins_another_line_of_the_same_text(desk: Desk) -> None:
    desk.hits("one", NEW_LINE, "two", ENTER)
    assert desk.sends() == "one\ntwo"


def test_a_line_was_begun_with_its_first_key_not_with_enter(desk: Desk) -> None:
    before = time.monotonic()
    desk.hits("h")
    desk.screen.shows("carol> h")
    begun = time.monotonic()
    desk.hits("i", ENTER)
    text, since = desk.host.submitted.get(timeout=PATIENCE)
    assert text == "hi"
    assert before <= since <= begun


def test_a_line_that_was_emptied_is_begun_anew(desk: Desk) -> None:
    desk.hits("x")
    desk.screen.shows("carol> x")
    desk.hits("\x7f")
    desk.screen.shows_no_more("carol> x")
    before = time.monotonic()
    desk.hits("y", ENTER)
    text, since = desk.host.submitted.get(timeout=PATIENCE)
    assert text == "y"
    assert since >= before


def test_an_empty_line_is_begun_with_enter(desk: Desk) -> None:
    before = time.monotonic()
    desk.hits(ENTER)
    _, since = desk.host.submitted.get(timeout=PATIENCE)
    assert since >= before


def test_each_key_is_noticed(desk: Desk) -> None:
    desk.hits("a", "b")
    desk.screen.shows("carol> ab")
    assert desk.host.touches == 2


def test_a_draft_that_is_wider_than_the_screen_goes_on_in_the_next_row(desk: Desk) -> None:
    desk.hits("x" * 100)
    desk.screen.shows(PROMPT + "x" * 73)
    desk.screen.waits_until(lambda: "x" * 27 in desk.screen.lines, "wrapped the draft")
    desk.hits(ENTER)
    assert desk.sends() == "x" * 100


# --- Keys that are no text --------------------------------------------------------


def test_ctrl_c_clears_the_line_and_sends_nothing(desk: Desk) -> None:
    desk.hits("secret")
    desk.screen.shows("carol> secret")
    desk.hits(CTRL_C)
    desk.screen.shows_no_more("secret")
    desk.hits("b", ENTER)
    assert desk.sends() == "b"


def test_ctrl_c_on_an_empty_line_says_how_to_leave(desk: Desk) -> None:
    desk.hits(CTRL_C)
    desk.screen.shows(LEAVING)
    desk.hits("x")
    desk.screen.shows_no_more(LEAVING)
    assert desk.host.submitted.empty()


def test_ctrl_d_on_an_empty_line_is_quit(desk: Desk) -> None:
    desk.hits(CTRL_D)
    assert desk.sends() == "QUIT"


def test_ctrl_d_within_a_line_deletes_what_is_under_the_cursor(desk: Desk) -> None:
    desk.hits("abc", LEFT, LEFT, CTRL_D, ENTER)
    assert desk.sends() == "ac"


def test_ctrl_l_clears_the_screen_and_keeps_the_draft(desk: Desk) -> None:
    desk.does(lambda: desk.editor.print("old news\n", "", ""))
    desk.hits("draft")
    desk.screen.shows("carol> draft")
    desk.screen.shows("old news")
    desk.hits(CTRL_L)
    desk.screen.waits_until(lambda: "old news" not in desk.screen.visible, "cleared the screen")
    desk.screen.shows("carol> draft")


# --- What was typed before --------------------------------------------------------


def test_up_brings_back_what_was_sent(desk: Desk) -> None:
    desk.hits("one", ENTER, "two", ENTER)
    desk.remembers("one", "two")
    desk.hits(UP, UP)
    desk.screen.shows("carol> one")
    desk.hits(DOWN)
    desk.screen.shows("carol> two")
    desk.hits("!", ENTER)
    assert [desk.sends() for _ in range(3)] == ["one", "two", "two!"]


def test_a_blank_line_is_not_remembered(desk: Desk) -> None:
    desk.hits("one", ENTER, " ", ENTER)
    assert [desk.sends() for _ in range(2)] == ["one", " "]
    desk.remembers("one")


def test_ctrl_r_finds_what_was_sent_and_enter_then_sends_it(desk: Desk) -> None:
    desk.hits("PRV dave hello", ENTER, "LIST USERS", ENTER)
    desk.remembers("PRV dave hello", "LIST USERS")
    desk.hits(CTRL_R, "dav")
    desk.screen.shows("carol> PRV dave hello")
    desk.hits(ENTER)
    desk.hits(ENTER)
    assert [desk.sends() for _ in range(3)] == ["PRV dave hello", "LIST USERS", "PRV dave hello"]


def test_ctrl_c_ends_a_search_and_sends_nothing(desk: Desk) -> None:
    desk.hits("one", ENTER)
    desk.remembers("one")
    desk.hits(CTRL_R, "on")
    desk.screen.shows("carol> one")
    desk.hits(CTRL_C)
    desk.screen.shows_no_more("one")
    desk.hits(CTRL_C, "two", ENTER)
    assert [desk.sends() for _ in range(2)] == ["one", "two"]


def test_what_an_earlier_run_remembers_comes_back_and_the_draft_stays(desk: Desk) -> None:
    desk.hits("draft")
    desk.screen.shows("carol> draft")
    desk.does(lambda: desk.editor.remember(InMemoryHistory(["from the file"])))
    desk.screen.shows("carol> draft")
    desk.remembers("from the file")
    desk.hits(CTRL_C)
    desk.screen.shows_no_more("draft")
    desk.remembers("from the file")
    desk.hits(CTRL_R, "file")
    desk.screen.shows("carol> from the file")
    desk.hits(ENTER, ENTER)
    assert desk.sends() == "from the file"


# --- Completion -------------------------------------------------------------------


def test_tab_completes_what_is_clear(desk: Desk) -> None:
    desk.hits("CHAT da", TAB)
    desk.screen.shows("carol> CHAT dave")
    desk.hits(ENTER)
    assert desk.sends().rstrip() == "CHAT dave"


def test_tab_opens_a_menu_where_there_is_a_choice_and_enter_takes_from_it(desk: Desk) -> None:
    desk.hits("CHAT ", TAB)
    desk.screen.waits_until(
        lambda: all(sum(name in line for line in desk.screen.lines) for name in ("dave", "erin")),
        "saw both names",
    )
    desk.hits(TAB)
    desk.screen.shows("carol> CHAT dave")
    desk.hits(TAB)
    desk.screen.shows("carol> CHAT erin")
    desk.hits(ENTER)
    desk.screen.shows_no_more("dave")
    assert desk.host.submitted.empty()
    desk.hits(ENTER)
    assert desk.sends().rstrip() == "CHAT erin"


# --- Pasting ----------------------------------------------------------------------


def test_a_few_pasted_lines_are_one_text_and_wait_for_enter(desk: Desk) -> None:
    desk.hits(pasted("one", "two", "three"))
    desk.screen.shows("three")
    assert desk.host.submitted.empty()
    desk.hits(ENTER)
    assert desk.sends() == "one\ntwo\nthree"


def test_many_pasted_lines_are_sent_after_a_second_enter_only(desk: Desk) -> None:
    lines = [f"line {number}" for number in range(7)]
    desk.hits(pasted(*lines), ENTER)
    desk.screen.shows("These are 7 lines. Enter once more sends them, Ctrl-C clears them.")
    assert desk.host.submitted.empty()
    desk.hits(ENTER)
    assert desk.sends() == "\n".join(lines)
    desk.screen.shows_no_more("These are 7 lines")


def test_a_paste_that_was_changed_is_asked_about_again(desk: Desk) -> None:
    desk.hits(pasted(*"abcdefg"), ENTER)
    desk.screen.shows("These are 7 lines")
    desk.hits("h")
    desk.screen.shows_no_more("These are 7 lines")
    desk.hits(ENTER)
    desk.screen.shows("These are 7 lines")
    desk.hits(CTRL_C, "x", ENTER)
    assert desk.sends() == "x"


def test_what_was_pasted_cannot_press_a_key(desk: Desk) -> None:
    desk.hits(pasted("QUIT\r", "\x04\x03"), ENTER)
    text = desk.sends()
    assert text.startswith("QUIT")
    assert desk.host.submitted.empty()


# --- What happens above -----------------------------------------------------------


def test_what_happened_stands_above_the_draft(desk: Desk) -> None:
    desk.hits("draft")
    desk.screen.shows("carol> draft")
    desk.does(lambda: desk.editor.print("first\nsecond\n", "", ""))
    lines = [line for line in desk.screen.lines if line]
    assert lines == ["first", "second", "carol> draft", "[5 characters]", "the toolbar"]
    x, y = desk.cursor
    assert (x, desk.screen.lines[y]) == (len("carol> draft"), "carol> draft")


def test_many_lines_scroll_out_and_none_is_lost(desk: Desk) -> None:
    many = [f"line {number}" for number in range(60)]
    for begin in range(0, 60, 15):
        text = "".join(f"{line}\n" for line in many[begin : begin + 15])
        desk.does(partial(desk.editor.print, text, "", ""))
    assert [line for line in desk.screen.lines if line.startswith("line")] == many
    assert desk.screen.lines.count("carol>") == 1


def test_the_last_lines_may_change(desk: Desk) -> None:
    desk.does(lambda: desk.editor.print("above\n", "hello …\n", ""))
    assert "hello …" in desk.screen.lines
    desk.does(lambda: desk.editor.print("hello ✓\n", "", ""))
    lines = [line for line in desk.screen.lines if line]
    assert lines == ["above", "hello ✓", "carol>", "[0 characters]", "the toolbar"]


def test_each_print_is_one_write(desk: Desk) -> None:
    before = desk.screen.writes
    desk.does(lambda: desk.editor.print("a\nb\nc\n", "d …\n", "\a"))
    assert desk.screen.writes == before + 1
    assert desk.screen.emulator.bells == 1


def test_a_new_prompt_appears_at_once(desk: Desk) -> None:
    desk.hits("draft")
    desk.screen.shows("carol> draft")
    desk.host.before = "carol -> dave> "
    desk.does(desk.editor.redraw)
    desk.screen.shows("carol -> dave> draft")


def test_the_prompt_stands_once_after_the_window_has_become_narrower() -> None:
    for desk in Desk(columns=80).sits_down():
        desk.hits("draft")
        desk.screen.shows("carol> draft")
        desk.screen.becomes(50, 24)
        desk.does(desk.editor.resized)
        assert sum("carol>" in line for line in desk.screen.lines) == 1
        assert sum("the toolbar" in line for line in desk.screen.lines) == 1


# --- The end ----------------------------------------------------------------------


def test_the_end_leaves_what_happened_and_no_prompt(desk: Desk) -> None:
    desk.does(lambda: desk.editor.print("what was said\n", "", ""))
    desk.hits("draft")
    desk.screen.shows("carol> draft")
    desk.editor.call(desk.editor.stop)
    desk.gives_the_terminal_back()
    assert [line for line in desk.screen.lines if line] == ["what was said"]
    assert KEEP_TITLE in desk.screen.written
    assert not desk.failures


def test_the_end_of_input_is_an_end_of_file() -> None:
    there = Desk()
    for desk in there.sits_down():
        desk.keys.close()
        desk.gives_the_terminal_back()
    assert [type(failure) for failure in there.failures] == [EOFError]


# --- A line goes where it was begun for -----------------------------------------------


def _is_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time pass in which an Enter counts as the one before."""
    later = time.monotonic() + AGAIN_SECONDS
    monkeypatch.setattr("peer.screen.editor.draft.time.monotonic", lambda: later)


def test_a_line_whose_target_has_changed_stays_until_a_second_enter(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.host.home = Target(("erin",))
    desk.hits("dave is wrong")
    desk.screen.shows("carol> dave is wrong")
    desk.host.home = Target(("dave",))
    desk.hits(ENTER)
    desk.screen.shows("not sent to dave")
    assert desk.host.submitted.empty()
    desk.screen.shows("carol> dave is wrong")
    _is_later(desk, monkeypatch)
    desk.hits(ENTER)
    assert desk.sends() == "dave is wrong"


def test_the_second_enter_of_one_stroke_sends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr("peer.screen.editor.draft.time.monotonic", lambda: now)
    desk.host.home = Target(("erin",))
    desk.hits("hello")
    desk.screen.shows("carol> hello")
    desk.host.home = Target(("dave",))
    desk.hits(ENTER + ENTER + "!")
    desk.screen.shows("carol> hello!")
    assert desk.host.submitted.empty()


def test_an_emptied_draft_begins_anew(desk: Desk) -> None:
    desk.host.home = Target(("erin",))
    desk.hits("hello")
    desk.screen.shows("carol> hello")
    desk.hits(CTRL_C)
    desk.screen.shows_no_more("hello")
    desk.host.home = Target(("dave",))
    desk.hits("hi" + ENTER)
    assert desk.sends() == "hi"


def test_a_line_that_is_given_back_is_the_draft_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.host.home = Target(("dave",))
    desk.editor.call(partial(desk.editor.give_back, "hello", desk.host.target, "not sent"))
    desk.screen.shows("carol> hello")
    desk.screen.shows("not sent")
    _is_later(desk, monkeypatch)
    desk.hits(ENTER)
    assert desk.sends() == "hello"


def test_a_line_that_is_given_back_takes_the_place_of_no_other(desk: Desk) -> None:
    desk.hits("another")
    desk.screen.shows("carol> another")
    desk.editor.call(partial(desk.editor.give_back, "hello", desk.host.target, "not sent"))
    desk.hits(" one" + ENTER)
    assert desk.sends() == "another one"


# --- Elsewhere --------------------------------------------------------------------

ALT_A, CTRL_N, CTRL_P = "\x1ba", "\x0e", "\x10"
DAVE, ERIN = Place("dave"), Place("erin")


def at_two_places(desk: Desk) -> None:
    desk.host.places = (PlaceState(HOME, 1), PlaceState(DAVE, 2), PlaceState(ERIN, 3, 1, 1, 1))


def test_a_draft_stays_with_its_place_and_comes_back_with_its_cursor(desk: Desk) -> None:
    at_two_places(desk)
    desk.hits("\x1b2", "hell", LEFT)
    desk.screen.shows("carol> hell")
    desk.hits("\x1b3")
    desk.screen.shows_no_more("hell")
    desk.hits("for erin", "\x1b2", "x")
    desk.screen.shows("carol> helxl")
    desk.hits(ENTER)
    assert desk.sends() == "helxl"
    desk.hits("\x1b3", ENTER)
    assert desk.sends() == "for erin"
    assert desk.host.went_to == [DAVE, ERIN, DAVE, ERIN]


def test_alt_a_leads_to_what_is_unread(desk: Desk) -> None:
    at_two_places(desk)
    desk.hits(ALT_A, ALT_A)
    desk.screen.shows("Nothing is unread elsewhere.")
    assert desk.host.went_to == [ERIN]
    assert desk.host.desk.here == ERIN


def test_alt_a_tells_of_unread_lines_of_users_who_have_no_place(desk: Desk) -> None:
    desk.host.unread_of_others = 2
    desk.hits(ALT_A)
    desk.screen.shows("2 unread of others, who have no place; GO ? lists all places.")
    assert desk.host.went_to == []


def test_the_next_place_the_one_before_and_one_that_is_not_there(desk: Desk) -> None:
    desk.hits(CTRL_N)
    desk.screen.shows("There is no other place yet; GO name makes one.")
    at_two_places(desk)
    desk.hits(CTRL_N, CTRL_N, CTRL_N, CTRL_P, "\x1b7")
    desk.screen.shows("No place has the number 7; GO ? lists them.")
    assert desk.host.went_to == [DAVE, ERIN, HOME, ERIN]


def test_what_is_typed_behind_go_is_for_that_place(desk: Desk) -> None:
    """Nothing has to answer first: the keys may come at once."""
    desk.hits("GO dave" + ENTER + "hello")
    assert desk.sends() == "GO dave"
    desk.screen.shows("carol> hello")
    assert desk.host.desk.aimed_at(Target()) == Target(place=DAVE)
    assert not desk.host.went_to  # the line itself tells


def test_a_line_that_is_given_back_elsewhere_waits_at_its_place(desk: Desk) -> None:
    at_two_places(desk)
    refused = partial(desk.editor.give_back, "hello", Target(place=DAVE), "not sent")
    desk.does(refused)
    assert "hello" not in desk.screen.text
    desk.hits("\x1b2")
    desk.screen.shows("carol> hello")


def test_the_menu_of_completions_keeps_its_keys(desk: Desk) -> None:
    at_two_places(desk)
    desk.hits("CHAT " + TAB)
    desk.screen.shows("erin")
    desk.hits(CTRL_N)
    desk.screen.shows("carol> CHAT dave")
    assert not desk.host.went_to


def test_a_room_that_is_no_more_leads_home_with_the_line(desk: Desk) -> None:
    lab = Place(room="lab")
    desk.host.places = (PlaceState(HOME, 1), PlaceState(lab, 2))
    desk.hits("at home")
    desk.screen.shows("carol> at home")
    desk.hits("\x1b2", "for lab")
    desk.screen.shows("carol> for lab")
    desk.host.places = desk.host.places[:1]
    desk.hits("!")
    desk.screen.shows("carol> for lab!")
    desk.hits(ENTER)
    desk.screen.shows("not sent to")
    desk.hits(CTRL_C)
    desk.screen.shows("carol> at home")


def test_go_is_typed_beside_a_line_which_waits(desk: Desk) -> None:
    at_two_places(desk)
    desk.hits("\x1b2", "for dave", LEFT, "\x1bg")
    desk.screen.shows("carol> /go")
    desk.hits("erin", CTRL_C)  # never mind
    desk.screen.shows("carol> for dave")
    desk.hits("\x1bg", "hello", ENTER)
    assert desk.sends() == "/go hello"
    desk.screen.shows("carol> for dave")
    desk.hits("\x1bg", "\x1b3", "\x1b2")
    desk.screen.shows("carol> /go")
    desk.hits(CTRL_C, ENTER)
    assert desk.sends() == "for dave"
    assert desk.host.desk.begun is None
