"""Whatever others are called, and whatever they say: the whole way to the terminal's bytes."""

import re

import trio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from peer import events
from peer.answers import Sent
from peer.events import Event
from peer.screen.outlook import Outlook
from peer.screen.terminal import Terminal
from tests.peer.outlooks import ASKED, GROUP, NAMES, OUTSIDE, TALKING, WRITING, is_harmless
from tests.peer.screens import PATIENCE, Screen, keys

NOW = 1_700_000_000.0
CURSOR = 25 << 5  # that it is seen, as pyte counts private modes
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


async def _stand(face: Terminal, screen: Screen, outlook: Outlook, shown: list[Event]) -> None:
    there = trio.Event()
    face.stands(outlook)
    face.show(*shown, then=there.set)
    await there.wait()


def _above(screen: Screen) -> list[str]:
    lines = screen.lines
    prompt = len(lines) - screen.emulator.lines + screen.emulator.cursor.y
    return lines[:prompt]


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
    shown: list[Event], outlook: Outlook, columns: int
) -> None:
    screen = Screen(columns)

    async def show() -> None:
        with keys() as pressed, trio.fail_after(PATIENCE):
            face = Terminal(
                pressed, screen.output(), notify=True, notify_text=True, now=lambda: NOW
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(face.run)
                await _stand(face, screen, OUTSIDE, [events.Notice("before")])
                modes = screen.emulator.mode - {CURSOR}
                await _stand(face, screen, outlook, shown)
                heads = [line for line in _above(screen) if _HEAD.match(line)]
                assert len(heads) == 1 + len(shown)
                assert all(not line or line[0] == " " or line in heads for line in _above(screen))
                pressed.send_text("Ж")
                await screen.sees("Ж")
                cursor = screen.emulator.cursor
                assert screen.emulator.buffer[cursor.y][cursor.x - 1].data == "Ж"
                await trio.to_thread.run_sync(  # while it is drawn nobody sees it
                    screen.waits_until, lambda: CURSOR in screen.emulator.mode, "the cursor"
                )
                assert screen.emulator.mode == modes | {CURSOR}
                assert re.fullmatch(r"(\(\d+\) )?parley: carol( -> .*)?", screen.title)
                nursery.cancel_scope.cancel()

    trio.run(show)
    rest = _SEQUENCE.sub("", screen.written)
    assert is_harmless(rest)
    for told in _SEQUENCE.finditer(screen.written):
        assert is_harmless(told["said"] or "")
