"""People at full terminals, with everything real: processes, sockets, keys, a screen."""

import os
import pty
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyte
import pytest
import trio

from peer.api import Said, join
from tests.kit.ports import free_port
from tests.kit.programs import HOST, PATIENCE, Program, Stage, resident_kib, tool
from tests.kit.terminals import HIGH, WIDE, Tmux, Window, comes_true, has_ended, terminals

GROWTH_KIB = 64 * 1024
BRACKETED_PASTE = 2004 << 5  # as pyte counts private modes


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    yield from terminals(stage)


def talk(tmux: Tmux) -> tuple[Window, Window]:
    """Carol and dave, in a conversation."""
    carol, dave = tmux.peer("carol"), tmux.peer("dave")
    carol.types("CHAT dave")
    dave.answers("Y")
    carol.has_prompt("carol -> dave>")
    dave.has_prompt("dave -> carol>")
    return carol, dave


def test_a_conversation_from_nothing(tmux: Tmux) -> None:
    carol, dave = tmux.peer("carol"), tmux.peer("dave")
    carol.sees("LIST USERS shows who is there.", "dave is online.")
    carol.has_prompt("carol>")
    carol.types_only("chat dave")
    carol.sees_at_last("invite dave to a conversation")
    carol.presses("BSpace", "BSpace")
    carol.has_prompt("carol> chat da")
    carol.presses("Tab")
    carol.has_prompt("carol> chat dave")
    carol.presses("Enter")
    dave.sees_at_last("User carol wants to chat with you. Would you like to? (Y/N)")
    carol.toolbar_has("waiting for dave")
    dave.answers("Y")
    carol.has_prompt("carol -> dave>")
    carol.toolbar_has("dave direct")

    carol.types("hello dave")
    dave.sees("hello dave", count=1)
    carol.sees_said("hello dave")
    dave.types("hello carol")
    carol.sees("hello carol", count=1)
    assert carol.count("hello dave") == 1

    carol.types("QUIT")
    carol.sees("You are in a conversation with dave: QUIT CONVERSATION first.")
    carol.types("QUIT CONVERSATION")
    carol.sees("You have just left your last conversation.")
    dave.sees("The conversation is over.")
    carol.has_prompt("carol>")
    carol.types("QUIT")
    carol.sees("Good bye! ☺")
    assert carol.ends() == "0"


def test_a_draft_outlives_six_hundred_texts_a_paste_and_another_width(tmux: Tmux) -> None:
    carol = tmux.peer("carol")
    dave = tmux.stage.peer("dave")
    dave.types("CHAT carol")
    carol.answers("Y")
    dave.sees("You are now connected with carol.")
    carol.has_prompt("carol -> dave>")

    draft = "Wer reitet so spaet durch Nacht und Wind? Es ist der Vater mit dem Kind."
    assert len(draft) == 72
    for at, letter in enumerate(draft):
        dave.types(*(f"text {at}.{number} of dave" for number in range(9)))
        carol.types_only(letter)
    carol.sees("text 71.8 of dave")
    carol.has_prompt(f"carol -> dave> {draft}")
    assert carol.count(" of dave") == 72 * 9
    carol.presses("Enter")
    dave.sees(f"carol: {draft}")
    carol.sees_said(draft)

    draft = "a draft of two words and more, long enough for two rows of fifty"
    carol.types_only(f"{draft} ")
    carol.has_prompt(f"carol -> dave> {draft}")
    for columns, in_one_row in ((50, 0), (100, 1)):
        carol.resizes(columns)
        # Drawn anew, and not only reflowed: who changes the width again before that may lose
        # a row, as in any program that draws below what stands there.
        carol.until(lambda: carol.count(draft) == in_one_row, "the draft, drawn anew")  # noqa: B023
        carol.until(lambda: carol.count("carol -> dave> a draft of two") == 1, "the draft")
        carol.until(lambda: carol.count("ACTIVE") + carol.count("BUSY") == 1, "one toolbar")
    carol.presses("C-c")
    carol.has_prompt("carol -> dave>")
    assert carol.count(" of dave") == 72 * 9

    carol.pastes("first line\nsecond line\nthird line")
    carol.sees_at_last("third line")
    assert carol.said("third line") == 0
    carol.presses("Enter")
    carol.sees_said("third line")
    dave.sees("carol: first line")
    dave.sees("    second line")
    dave.sees("    third line")

    carol.pastes("".join(f"row {number}\n" for number in range(6)) + "the last row")
    carol.sees_at_last("the last row")
    carol.presses("Enter")
    carol.sees_at_last("These are 7 lines. Enter once more sends them, Ctrl-C clears them.")
    carol.presses("Enter")
    dave.sees("    the last row")
    carol.has_prompt("carol -> dave>")


def test_a_start_is_a_return(tmux: Tmux) -> None:
    carol, dave = tmux.peer("carol"), tmux.stage.peer("dave")
    dave.types("CHAT carol")
    carol.answers("Y")
    dave.sees("You are now connected with carol.")
    dave.types("one", "two")
    carol.sees("dave  two")
    journal = next(tmux.stage.data_of("carol").rglob("journal.db"))
    carol.until(lambda: len(unread(journal, "texts")) == 2, "two texts on disk")
    carol.presses("Space", "BSpace")  # so these two are read
    carol.until(lambda: not unread(journal, "read_marks"), "the mark on disk")
    dave.types("three")
    carol.sees("dave  three")
    carol.until(lambda: len(unread(journal, "texts")) == 3, "three texts on disk")
    os.kill(carol.pid(), signal.SIGKILL)
    carol.sees_at_last("Killed")
    dave.types("four")
    carol.forgets()
    carol.starts()
    carol.sees("The last 3 texts of your conversation with dave:", "--- 1 unread ---")
    carol.sees("dave  four", count=1)
    shown = [row[6:] for row in carol.scrollback()]
    before, after = shown.index("dave  two"), shown.index("dave  three")
    assert any("--- 1 unread ---" in row for row in carol.scrollback()[before:after])
    assert after < shown.index("dave  four")
    carol.has_prompt("carol -> dave>")
    carol.types("SEARCH words IN dave", "/search three in dave")
    carol.sees("The last text that contains: three, with dave")
    carol.types("/STATUS BUSY back at five", "/info carol", "/LIST USERS")
    carol.sees(" note     back at five", "carol (you)", "(back at five)")


def unread(journal: Path, table: str) -> list[int]:
    """Return the numbers of texts on disk; of `read_marks`, of those that are not read."""
    texts = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
    try:
        upto = "(SELECT max(texts) FROM read_marks)" if table == "read_marks" else "0"
        return [number for (number,) in texts.execute(
            f"SELECT number FROM texts WHERE number > {upto}"
        )]  # fmt: skip
    finally:
        texts.close()


def test_what_is_typed_is_never_taken_for_an_answer_by_accident(tmux: Tmux) -> None:
    carol, dave = talk(tmux)
    erin, frank = tmux.stage.peer("erin"), tmux.stage.peer("frank")
    carol.types_only("yes, quit at")
    erin.types("CHAT carol")
    erin.sees("User carol is busy at this moment, you may interrupt. Interrupt? (Y/N)")
    erin.types("Y")
    carol.toolbar_has("erin invites you: Y/N")
    carol.has_prompt("carol -> dave> yes, quit at")
    carol.types(" 5")
    dave.sees("yes, quit at 5")
    carol.toolbar_has("erin invites you: Y/N")
    carol.answers("/y")  # a bare one is a text now: something was said since the question
    erin.sees("You are now connected with carol.")
    dave.sees("The conversation is over.")

    carol.types("QUIT CONVERSATION")
    dave.types_only("Y")
    frank.types("CHAT dave")
    dave.toolbar_has("frank invites you: Y/N")
    dave.presses("Enter")
    dave.sees("The question came while you were typing: please answer again.", count=2)
    carol.has_prompt("carol>")
    erin.types("CHAT dave")
    dave.sees("User erin wants to chat with you.")  # the toolbar may be ahead of what is said
    dave.toolbar_has("frank, erin ask: Y name")
    dave.answers("Y frank", "Y name")
    dave.has_prompt("dave -> frank>")
    frank.sees("You are now connected with dave.")
    dave.toolbar_has("erin invites you: Y/N")


# A person's terminal is theirs: whatever ends the program, it is left as it was.

BUGS = {
    "a task": "peer.console.console.Console._perform = bug",
    "a key": "peer.screen.editor.draft.Draft.enter = bug",
    "the painting": "peer.screen.terminal.presenter.hint = lambda text, *_: bug() if text else ''",
}
DRIVER = """
import sys
import peer.console.console, peer.screen.editor.draft, peer.screen.terminal.presenter
from peer.__main__ import main

def bug(*_):
    raise RuntimeError("a bug in {where}")

sys.argv[0] = "peer"
{break_it}
main()
"""


def stty_of(tmux: Tmux, window: Window, when: str) -> str:
    return (tmux.stage.folder / f"{window.name}-{when}").read_text()


def starts_from_a_title(tmux: Tmux, name: str, program: str = tool("peer")) -> Window:
    folder = tmux.stage.folder
    window = tmux.window(name)
    window.types(f"printf '\\033]2;of {name}\\a'; stty -g > {folder}/{name}-before")
    window.starts(
        program=program, after=f"; code=$?; stty -g > {folder}/{name}-after; (exit $code)"
    )
    return window


def terminal_is_as_before(tmux: Tmux, window: Window) -> None:
    window.sees_at_last("shell$")
    assert stty_of(tmux, window, "after") == stty_of(tmux, window, "before")
    assert window.knows("cursor_flag") == "1"
    window.until(lambda: window.knows("pane_title") == f"of {window.name}", "the title")
    window.types("printf 'a''wake\\n'; cat -v")
    window.sees("awake")  # by now it is not the shell that would read a paste, in its own mode
    window.pastes("pasted\n")
    window.sees("pasted")
    assert not window.count("200~")
    window.presses("C-d")


def test_the_terminal_is_left_as_it_was_found(tmux: Tmux) -> None:
    carol, dave, erin = (starts_from_a_title(tmux, name) for name in ("carol", "dave", "erin"))
    carol.until(lambda: carol.knows("pane_title").startswith("parley: carol"), "the title")
    carol.types("QUIT")
    dave.types_only("a draft")
    dave.sends(signal.SIGTERM)
    erin.sends(signal.SIGHUP)
    for window, code in ((carol, "0"), (dave, "0"), (erin, "0")):
        assert window.ends() == code
        terminal_is_as_before(tmux, window)

    frank = tmux.peer("frank")
    watcher = tmux.stage.peer("grace")
    pid = frank.pid()
    frank.closes()
    watcher.sees("* frank is offline.")
    watcher.types("LIST USERS")
    watcher.sees("OFFLINE: carol, dave, erin, frank")
    assert comes_true(lambda: has_ended(pid))


def test_a_bug_is_seen_and_leaves_the_terminal_as_it_was_found(tmux: Tmux) -> None:
    for name, (where, break_it) in zip(("carol", "dave", "erin"), BUGS.items(), strict=True):
        driver = tmux.stage.folder / f"{name}.py"
        driver.write_text(DRIVER.format(where=where, break_it=break_it))
        window = starts_from_a_title(tmux, name, f"{sys.executable} {driver}")
        window.types_only("MSG hello")  # which is drawn, at the latest now
        if where != "the painting":
            window.presses("Enter")
        window.sees(f"RuntimeError: a bug in {where}")
        assert window.ends() == "1"
        terminal_is_as_before(tmux, window)
        window.forgets()


def test_who_waits_for_a_directory_can_give_up(tmux: Tmux) -> None:
    carol = tmux.window("carol")
    data = tmux.stage.data_of("carol")
    port = free_port()
    with socket.create_server((HOST, port)):
        start = f"clear; {tool('peer')} carol {HOST} {port} --data {data}"
        carol.types(start)
        carol.toolbar_has(f"connecting to {HOST}:{port}, QUIT gives up")
        carol.types("LIST USERS")
        carol.presses("C-d")
        assert carol.ends() == "0"
    carol.types(start)
    carol.until(lambda: "(connection refused)" in " ".join(carol.screen()))
    assert carol.ends() == "7"
    assert f"peer: nothing answers at {HOST}:{port} (connection refused)." in carol.screen()
    doctor = f"peer carol {HOST} {port} DOCTOR --data {data}"
    assert f"peer: to find out why: {doctor}" in "".join(carol.screen())


def test_a_draft_outlives_a_pause_and_whatever_is_lost(tmux: Tmux) -> None:
    directory = tmux.stage.programs[0]
    carol, dave = tmux.peer("carol"), tmux.stage.peer("dave")
    dave.types("CHAT carol")
    carol.answers("Y")
    carol.toolbar_has("dave direct")
    carol.types_only("half a")
    carol.presses("C-z")
    carol.sees_at_last("shell$")
    carol.types("echo I am at the $((1 + 1))nd shell", "fg")
    carol.sees("I am at the 2nd shell")
    carol.has_prompt("carol -> dave> half a")
    carol.types_only(" draft")
    dave.dies()
    carol.toolbar_has("dave lost")
    carol.has_prompt("carol -> dave> half a draft")
    directory.dies()
    carol.toolbar_has("DIRECTORY GONE")
    carol.has_prompt("carol -> dave> half a draft")
    tmux.stage.directory()
    carol.until(lambda: "DIRECTORY GONE" not in carol.toolbar(), "the directory")
    dave = tmux.stage.peer("dave")
    carol.toolbar_has("dave direct")
    assert "lost" not in carol.toolbar()
    carol.presses("Enter")
    dave.sees("carol: half a draft")


def test_keys_do_what_fingers_expect(tmux: Tmux) -> None:
    carol = tmux.peer("carol")
    carol.types_only("a slip")
    carol.presses("C-c")
    carol.has_prompt("carol>")
    carol.presses("C-c")
    carol.sees_at_last("QUIT leaves the program")
    carol.types_only("LEAVE nobody one")
    carol.presses("M-Enter")
    carol.types_only("two")
    carol.sees_at_last("two")
    carol.presses("Enter")
    carol.sees("User nobody does not exist!")
    carol.types("STATUS BUSY")
    carol.sees("Your status is now BUSY.")
    carol.presses("C-l")
    carol.until(lambda: carol.screen()[0] == "carol>", "an empty screen")
    carol.sees("Your status is now BUSY.", count=1)
    carol.presses("C-d")
    assert carol.ends() == "0"
    kept = tmux.stage.data_of("carol") / "typed"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    carol.starts()
    carol.sees("You are carol, connected", count=2)  # by now it knows what was typed before
    carol.presses("Up")
    carol.has_prompt("carol> STATUS BUSY")
    carol.presses("Up")
    carol.has_prompt("carol> LEAVE nobody one")
    carol.presses("C-c")
    carol.has_prompt("carol>")  # drawn: what was typed before is loaded again
    carol.presses("C-r")
    carol.types_only("stat")
    carol.sees_at_last("carol> STATUS BUSY")
    carol.presses("Enter")
    carol.has_prompt("carol> STATUS BUSY")


def test_the_bell_is_for_what_is_meant_for_me_now(tmux: Tmux) -> None:
    stage = tmux.stage
    stage.once("carol", "STATUS").ends()
    dave = stage.peer("dave")
    dave.types(*(f"LEAVE carol letter {number}" for number in range(40)))
    for _ in range(40):
        dave.sees("Message left for carol.")
    carol = tmux.peer("carol", is_recorded=True)
    carol.sees("while you were away (40)")
    carol.sees("letter 39")
    carol.until(lambda: "messages" not in carol.toolbar())
    assert carol.bells("letter 39") == 0
    dave.types(*(f"PRV carol line {number}" for number in range(20)))
    carol.sees("line 19")
    carol.until(lambda: carol.bells() == 1, "one bell")
    carol.toolbar_has("dave 60")  # with the letters
    carol.types("MUTE")
    carol.sees("The bell is off until UNMUTE.")
    dave.types("CHAT carol")
    carol.toolbar_has("dave invites you: Y/N")
    assert "unread" not in carol.toolbar()
    assert carol.bells() == 1


def test_plain_and_dumb_and_without_colour_and_small(tmux: Tmux) -> None:
    plain = tmux.peer("carol", "--plain", is_recorded=True)
    dumb = tmux.peer("dave", before="TERM=dumb ", is_recorded=True)
    grey = tmux.peer("erin", before="NO_COLOR=1 ", is_recorded=True)
    small = tmux.peer("frank", columns=40, rows=10)
    for window in (plain, dumb):
        window.types("LIST USERS")
        window.sees("ACTIVE: carol")
        assert "\x1b" not in window.recorded("ACTIVE: carol")
    grey.types("LIST USERS", "PRV frank hello")
    grey.sees("hello")
    colours = re.compile(r"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9\d|10\d)(?:;[\d;]*)?m")
    assert not colours.search(grey.recorded("hello"))
    small.sees("[private] erin  hello")
    small.types_only("chat er")
    small.presses("Tab")
    small.has_prompt("frank> chat erin")
    small.presses("Enter")
    grey.answers("Y")
    small.has_prompt("frank -> erin>")  # before that, the line would be a command
    small.types("these are more words than one row of forty holds, as everybody can see")
    grey.sees("as everybody can see")
    small.has_prompt("frank -> erin>")
    small.toolbar_has("erin direct")


HOSTILE = (
    "\x1b[2J\x1b[H\x1b[31mFORGED",
    "\x1b]2;FORGED\x07\x1b]0;FORGED\x1b\\",
    "\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?2004l\x1b[4h\x1b[3;5r\x1b(0\x1bc",
    "\x9b2J\x9d2;FORGED\x9c\x8d\x84",
    "fine\rcarol: FORGED",
    "fine\ndave: FORGED\n\x1b[A\x1b[Acarol> FORGED",
    "\u202egnisrever\u2066 \u2069\u200f",
    "e" + "\u0301" * 3_000,
    "\t\x08\x08\x08\x7f\x0e\x0f\x05\x1b[6n\x1b[c\x1bZ\x1b[18t",
    "[/red][bold]{x}\\[link=http://x]%s ^[[31m",
    "\U000e0001\U000e0041\ufff9x\ufffa\ufffb\ud7ff\ufeff\u2028\u2029\u0085",
    "wide 漢字 " + "\U0001f469\u200d" * 50,
)


async def says_hostile_things(port: int, folder: Path) -> None:
    with trio.fail_after(3 * PATIENCE):  # carol takes her time
        async with join("mallory", HOST, port, data=folder) as chat:
            for text in HOSTILE:
                await chat.private("carol", text).wait()
            await chat.invite("carol")
            for text in HOSTILE:
                await chat.say(text)
            last = await chat.say("the end of it")
            await last.delivered()
            await chat.until(Said)  # carol's draft


def test_nothing_from_elsewhere_acts_on_the_terminal(tmux: Tmux) -> None:
    carol = tmux.peer("carol", is_recorded=True)
    mallory = threading.Thread(
        target=trio.run, args=(says_hostile_things, tmux.stage.port, tmux.stage.data_of("mallory"))
    )
    mallory.start()
    carol.types_only("mine ")
    carol.presses("C-c")
    carol.answers("Y")
    carol.sees("the end of it")
    carol.types_only("my draft")
    carol.has_prompt("carol -> mallory> my draft")

    title = "parley: carol -> mallory"  # nothing is unread once a key was hit
    carol.until(lambda: carol.knows("pane_title") == title, f"the title {title!r}")
    expected = {"alternate_on": "0", "cursor_flag": "1", "mouse_any_flag": "0", "insert_flag": "0",
                "origin_flag": "0", "wrap_flag": "1", "scroll_region_upper": "0",
                "scroll_region_lower": str(HIGH - 1)}  # fmt: skip
    # Until it rests: while it is drawn the cursor is hidden.
    carol.until(lambda: {name: carol.knows(name) for name in expected} == expected, str(expected))
    assert carol.count("FORGED") >= 8
    for row in carol.scrollback():
        if "FORGED" in row:
            assert re.match(r"\d\d:\d\d .*mallory  |      ", row), row

    recording = carol.recording()
    carol.presses("Enter")
    carol.sees("The conversation is over.")
    mallory.join(PATIENCE)
    assert not mallory.is_alive()

    second = pyte.Screen(WIDE, HIGH)
    fresh = set(second.mode)
    pyte.Stream(second).feed(recording)
    assert second.title == "parley: carol -> mallory"
    assert second.mode - {BRACKETED_PASTE} == fresh
    assert second.margins is None
    assert second.display[second.cursor.y].rstrip() == "carol -> mallory> my draft"
    assert second.cursor.x == len("carol -> mallory> my draft")


def types_until_the_end(who: Program, lines: list[str]) -> None:
    with suppress(BrokenPipeError):  # their program may have ended before
        who.types(*lines)


def test_a_terminal_that_nobody_reads_costs_little_and_harms_nobody(stage: Stage) -> None:
    stage.directory()
    dave = stage.peer("dave")
    ours, theirs = pty.openpty()
    data = ("--data", str(stage.data_of("carol")))
    carol = subprocess.Popen(
        [tool("peer"), "carol", HOST, str(stage.port), *data],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **stage.environment, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    connected = "You are now connected with carol."

    def says_yes() -> bool:
        """Again and again: the first time may be too early."""
        return os.write(ours, b"Y\r") > 0

    try:
        dave.sees("* carol is online.")
        before = resident_kib(carol.pid)
        dave.types("CHAT carol")
        dave.sees("Waiting for carol's response...")
        assert comes_true(lambda: says_yes() and bool(dave.has_seen(connected)))
        texts = [f"{number} {'x' * 2_000}" for number in range(3_000)]
        threading.Thread(target=types_until_the_end, args=(dave, texts), daemon=True).start()
        assert stage.once("carol", "PRV", "dave", "I am here").ends() == 0
        dave.sees("[private] carol: I am here")
        assert resident_kib(carol.pid) - before < GROWTH_KIB
        carol.terminate()
        assert carol.wait(PATIENCE) in (0, 6)
    finally:
        carol.kill()
        carol.wait()
        os.close(ours)


def test_a_key_before_enter_is_a_sign_of_its_user(tmux: Tmux) -> None:
    tmux.stage.programs[0].dies()
    tmux.stage.directory("--idle-after", "2")
    carol = tmux.peer("carol")
    carol.toolbar_has("INACTIVE")
    carol.types_only("h")
    carol.until(lambda: "INACTIVE" not in carol.toolbar(), "ACTIVE again")
