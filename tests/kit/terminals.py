"""Real terminals for tests: windows of a tmux server, each with a shell and a peer.

    def test_something(tmux: Tmux) -> None:
        carol = tmux.peer("carol")
        carol.types("LIST USERS")
        carol.sees("ACTIVE")

Each test has its own tmux server, without anybody's settings.  As in `tests.kit.programs`,
every wait is for something on the screen, with a deadline that only a hanging program
reaches.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.kit.programs import HOST, PATIENCE, Stage, children_of, tool

PAUSE = 0.05  # seconds between two looks at a screen
WIDE, HIGH = 90, 24
SHELL = "exec env 'PS1=shell$ ' bash --norc --noprofile -i"


class Tmux:
    """A tmux server; each window has a session of its own, and so a size of its own."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._socket = stage.folder / "tmux"
        self._environment = {
            **{key: text for key, text in os.environ.items() if not key.startswith("TMUX")},
            **stage.environment,
            "LC_ALL": "C.UTF-8",
        }
        for name in ("NO_COLOR", "COLORTERM"):
            self._environment.pop(name, None)

    def __call__(self, *words: str, given: str | None = None) -> str:
        """Run a tmux command; return its output."""
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), "-f", "/dev/null", *words],
            env=self._environment,
            input=given,
            text=True,
            encoding="utf-8",
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"tmux {' '.join(words)}: {done.stderr}"
        return done.stdout

    def window(self, name: str, columns: int = WIDE, rows: int = HIGH) -> "Window":
        """Open a window with a shell, which waits for a command."""
        options = ("-g", "history-limit", "5000", ";", "set", "-g", "default-terminal")
        self("set", *options, "screen-256color", ";", "new-session", "-d", "-s", name,
             "-x", str(columns), "-y", str(rows), SHELL)  # fmt: skip
        window = Window(self, name)
        window.sees("shell$")
        return window

    def peer(
        self,
        name: str,
        *options: str,
        columns: int = WIDE,
        rows: int = HIGH,
        before: str = "",
        is_recorded: bool = False,
    ) -> "Window":
        """Open a window with a registered peer; `before`: shell input before the command."""
        window = self.window(name, columns, rows)
        if is_recorded:
            window.records()
        window.starts(*options, before=before)
        return window

    def closes(self) -> None:
        with suppress(AssertionError):  # no window was opened
            self("kill-server")


class Window:
    def __init__(self, tmux: Tmux, name: str) -> None:
        self._tmux, self.name = tmux, name
        self._target = f"={name}:"

    def starts(
        self, *options: str, before: str = "", program: str = tool("peer"), after: str = ""
    ) -> None:
        """Start the peer of this name in the waiting shell, between other things it reads."""
        stage = self._tmux.stage
        data = str(stage.data_of(self.name))
        words = (program, self.name, HOST, str(stage.port), "--data", data, *options)
        self.types(f"clear; {before}{' '.join(words)}{after}")
        self.sees(f"You are {self.name}, connected")

    # --- At the keyboard ---

    def types(self, *lines: str) -> None:
        for line in lines:
            self.types_only(line)
            self.presses("Enter")

    def answers(self, line: str, asked: str = "Y/N") -> None:
        """Answer Y or N to the toolbar's question; repeat it while the question is too new.

        In a conversation, an answer that is too early is a text.
        """
        self.sees_at_last("(Y/N)")
        self.toolbar_has(asked)

        def was_too_early() -> int:
            return self.count("please answer again") + self.said(f"  {line}")

        while asked in self.toolbar():
            before = was_too_early()
            self.types(line)
            self.until(lambda: asked not in self.toolbar() or was_too_early() > before)  # noqa: B023

    def types_only(self, text: str) -> None:
        self._tmux("send-keys", "-t", self._target, "-l", "--", text)

    def presses(self, *keys: str) -> None:
        """Press keys, named as by tmux: Enter, C-c, M-Enter."""
        self._tmux("send-keys", "-t", self._target, *keys)

    def pastes(self, text: str) -> None:
        """Paste text, as a terminal does that was told to bracket pastes."""
        self._tmux("load-buffer", "-", given=text)
        self._tmux("paste-buffer", "-p", "-r", "-t", self._target)

    # --- On the screen ---

    def screen(self) -> list[str]:
        """Return the visible rows."""
        return self._capture()

    def scrollback(self) -> list[str]:
        """Return all rows, with those that have left the screen; broken lines are joined again."""
        return self._capture("-S", "-", "-J")

    def escapes(self) -> str:
        """Return the visible rows with their colours."""
        return self._tmux("capture-pane", "-p", "-e", "-t", self._target)

    def sees(self, *texts: str, count: int | None = None) -> None:
        """Wait until each text is in some row; `count`: in exactly this many rows."""
        for text in texts:
            self.until(partial(self._is_seen, text, count), f"{text!r} (times: {count})")

    def _is_seen(self, text: str, count: int | None) -> bool:
        there = self.count(text)
        return bool(there) if count is None else there == count

    def count(self, text: str) -> int:
        """Return how many rows contain the text, the scrollback included."""
        return sum(text in row for row in self.scrollback())

    def said(self, text: str) -> int:
        """Return how many rows show this text of mine, with whatever mark it got in time."""
        return sum(self.count(f"{text}  {mark}") for mark in ("✓", "…"))

    def sees_said(self, text: str) -> None:
        """Wait until one row shows this text of mine.

        On a busy machine its mark tells how far it had come when the screen went on without it.
        """
        self.until(lambda: self.said(text) == 1, f"{text!r} and a mark")

    def sees_at_last(self, text: str) -> None:
        """Wait until a visible row contains the text."""
        self.until(lambda: any(text in row for row in self.screen()), f"{text!r} on the screen")

    def stands_no_more(self, text: str) -> None:
        self.until(lambda: not any(text in row for row in self.screen()), f"no {text!r}")

    def has_prompt(self, prompt: str) -> None:
        """Wait until the prompt's row is this one, and the only such one."""
        self.until(lambda: self.screen().count(prompt) == 1, f"one row {prompt!r}")

    def toolbar_has(self, text: str) -> None:
        self.until(lambda: text in self.toolbar(), f"a toolbar with {text!r}")

    def toolbar(self) -> str:
        rows = [row for row in self.screen() if row]
        return rows[-1] if rows else ""

    def until(self, holds: Callable[[], bool], what: str = "what was waited for") -> None:
        if not comes_true(holds):
            raise AssertionError(f"{self.name} never saw {what}:\n{self.transcript()}")

    def transcript(self) -> str:
        return "\n".join(f"  | {row}" for row in self.scrollback()[-60:])

    def knows(self, variable: str) -> str:
        """Return a tmux variable of this window: pane_title, cursor_flag, ..."""
        answer = self._tmux("display-message", "-p", "-t", self._target, f"#{{{variable}}}")
        return answer.rstrip("\n")

    def resizes(self, columns: int, rows: int = HIGH) -> None:
        size = ("-x", str(columns), "-y", str(rows))
        self._tmux("resize-window", "-t", self._target, *size)

    def forgets(self) -> None:
        """Forget all that was on this screen."""
        self._tmux("send-keys", "-R", "-t", self._target, ";", "clear-history", "-t", self._target)

    # --- All that was written to it ---

    def records(self) -> None:
        self._tmux("pipe-pane", "-t", self._target, f"cat > {self._recording}")

    def recording(self) -> str:
        return self._recording.read_bytes().decode()  # with each \r in place

    def recorded(self, shown: str = "") -> str:
        """Return what was written from the peer's first sentence on, once it includes `shown`.

        It lags behind the screen: tmux passes it to a program, which writes it down.
        """
        self.until(lambda: shown in self.recording(), f"{shown!r} on record")
        return self.recording().partition(f"You are {self.name}, connected")[2]

    def bells(self, shown: str = "") -> int:
        """Return the bells rung until `shown` was there; titles, which end alike, do not count."""
        return re.sub(r"\x1b\][^\a]*\a", "", self.recorded(shown)).count("\a")

    @property
    def _recording(self) -> Path:
        return self._tmux.stage.folder / f"{self.name}.recorded"

    # --- The program in it ---

    def pid(self) -> int:
        """Return the process id of the program that the shell runs."""
        (child,) = children_of(int(self.knows("pane_pid")))
        return child

    def sends(self, number: signal.Signals) -> None:
        os.kill(self.pid(), number)

    def ends(self) -> str:
        """Wait until the program ends; return the exit code that the shell reports."""
        self.sees_at_last("shell$")
        self.types("echo code=$?.")
        self.sees_at_last("code=")
        self.until(lambda: bool(self._codes()), "an exit code")
        return self._codes()[-1].removeprefix("code=").removesuffix(".")

    def _codes(self) -> list[str]:
        return [row for row in self.screen() if row.startswith("code=")]

    def closes(self) -> None:
        """Close the window, as a person does."""
        self._tmux("kill-session", "-t", f"={self.name}")

    def _capture(self, *options: str) -> list[str]:
        shown = self._tmux("capture-pane", "-p", *options, "-t", self._target)
        return [row.rstrip() for row in shown.rstrip("\n").split("\n")]


def terminals(stage: Stage, *options: str) -> Iterator[Tmux]:
    """Yield a tmux, with a directory, for a fixture; then check all windows for tracebacks.

    `options`: of the directory.
    """
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed: no terminals to look at")
    stage.directory(*options)
    tmux = Tmux(stage)
    try:
        yield tmux
        for name in tmux("list-sessions", "-F", "#{session_name}").split():
            window = Window(tmux, name)
            assert not window.count("Traceback"), window.transcript()
    finally:
        tmux.closes()


def comes_true(holds: Callable[[], bool]) -> bool:
    """Wait until it holds; return False if it does not within a deadline."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def has_ended(pid: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
