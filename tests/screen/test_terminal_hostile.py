"""Whatever others are called, and whatever they say: the whole way to the terminal's bytes."""

import re

import trio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from peer import events
from peer.events import Event
from peer.results import Sent
from peer.screen.terminal.terminal import Terminal
from peer.screen.ui_state import UiState
from tests.kit.screens import PATIENCE, Screen, StoppedClock, keys
from tests.kit.ui_states import ASKED, GROUP, NAMES, OUTSIDE, TALKING, WRITING, is_harmless

NOW = 1_700_000_000.0
# What is on while a prompt stands and nothing is drawn: lines wrap, the cursor is seen, and
# pastes come in brackets.  So pyte counts private modes.
AT_REST = {7 << 5, 25 << 5, 2004 << 5}
EVIL = st.sampled_from(
    [
        "\x1b]2;owned\a",
        "\x1b[2J\x1b[1;1H\x1b[?25l",
        "\x9b31mred",
        "\x1b[?2004l\x1b[?1049h",
        "x\r12:00 carol  forged",
        "x\n12:00 carol  forged",
        "x\x0b\u202812:00 carol  forged",
        "\x1bP0;0|17/ab\x9c\x1b\\",
        "[bold]markup[/bold][/x]",
        "\u202egnihtemos",
        "日本語" * 40,
        "👩‍👩‍👧‍👦" * 30,
        "e" + "\u0301" * 200,
        "12:00 ",
        " " * 200 + "12:00 carol  forged",
    ]
)
TEXTS = NAMES | EVIL | st.builds(str.__add__, EVIL, NAMES)
SHOWN: st.SearchStrategy[Event] = st.one_of(
    st.builds(events.Said, TEXTS, TEXTS),
    st.builds(events.SaidPrivately, TEXTS, TEXTS),
    st.builds(events.SaidToAll, TEXTS, TEXTS),
    st.builds(events.Letter, TEXTS, st.just(NOW), TEXTS),
    st.builds(events.Invited, st.just("i1"), TEXTS, st.tuples(TEXTS, TEXTS)),
    st.builds(events.MemberJoined, TEXTS),
    st.builds(events.MemberLeft, TEXTS, TEXTS),
    st.builds(events.NotDelivered, TEXTS, TEXTS),
    st.builds(events.Notice, TEXTS),
    st.builds(Sent, TEXTS, TEXTS),
)

_HEAD = re.compile(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d( |$)")
_SEQUENCE = re.compile(
    r"\x1b\][29];(?P<said>[^\x00-\x1f\x7f-\x9f]*)\a"  # a title, a notification
    r"|\x1b\[[0-9;?]*[@-~]"  # the cursor, colours, modes
    r"|\x1b[78]"  # the cursor, kept and put back
    r"|[\r\n\a\b]"
)


async def _stand(face: Terminal, screen: Screen, outlook: UiState, shown: list[Event]) -> None:
    there = trio.Event()
    face.stands(outlook)
    face.show(*shown, then=there.set)
    await there.wait()


async def _rests(screen: Screen, typed: str) -> list[str]:
    """Wait until the prompt stands and the cursor behind what was typed; what is above it.

    All of it in one moment: the editor draws in a thread of its own, whenever it likes.
    """
    above: list[str] = []

    def rests() -> bool:
        cursor = screen.emulator.cursor
        above[:] = screen.above
        is_there = screen.emulator.buffer[cursor.y][cursor.x - 1].data == typed
        is_named = re.fullmatch(r"(\(\d+\) )?parley: carol( -> .*)?", screen.title)
        return screen.emulator.mode == AT_REST and is_there and bool(is_named)

    await trio.to_thread.run_sync(screen.waits_until, rests, "the prompt at rest")
    return above


@settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    phases=[Phase.generate],  # shrinking takes minutes
)
@given(
    st.lists(SHOWN, min_size=1, max_size=4),
    st.sampled_from([OUTSIDE, TALKING, GROUP, ASKED, WRITING]),
    st.integers(20, 100),
)
def test_nothing_that_comes_from_elsewhere_acts_on_the_terminal(
    shown: list[Event], outlook: UiState, columns: int
) -> None:
    screen = Screen(columns)

    async def show() -> None:
        with keys() as pressed, trio.fail_after(PATIENCE):
            face = Terminal(
                pressed, screen.output(), notify=True, notify_text=True, clock=StoppedClock(NOW)
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(face.run)
                await _stand(face, screen, OUTSIDE, [events.Notice("before")])
                await _stand(face, screen, outlook, shown)
                pressed.send_text("Ж")
                above = await _rests(screen, "Ж")
                heads = [line for line in above if _HEAD.match(line)]
                assert len(heads) == 1 + len(shown)
                assert all(not line or line[0] == " " or line in heads for line in above)
                nursery.cancel_scope.cancel()

    trio.run(show)
    rest = _SEQUENCE.sub("", screen.written)
    assert is_harmless(rest)
    for told in _SEQUENCE.finditer(screen.written):
        assert is_harmless(told["said"] or "")
