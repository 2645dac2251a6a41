"""Draw the pictures of the terminal that README shows, from a real run.

pip install -e '.[test]' && python examples/picture.py

A directory and two peers without a screen run in this process; carol's `peer` runs at
a terminal of its own, where this program hits the keys.  An emulator (pyte, which the
tests need too) reads its output, and rich draws that as SVG, on dark and on light.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable
from functools import partial
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Final

import pyte
import trio
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.color import ColorParseError
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from directory_server.server import Directory
from directory_server.settings import Settings
from peer.api import Chat, Connected, Invited, join
from shared.real import real_world

COLUMNS: Final = 80
ROWS: Final = 24
SECONDS: Final = 30.0  # the time limit of the play
HERE: Final = Path(__file__).parent
FONTS: Final = "ui-monospace, Menlo, 'DejaVu Sans Mono', Consolas, monospace"  # none is loaded

DARK: Final = TerminalTheme(
    (24, 26, 31),
    (214, 218, 224),
    [(24, 26, 31), (224, 108, 117), (152, 195, 121), (209, 154, 102), (97, 175, 239),
     (198, 120, 221), (86, 182, 194), (171, 178, 191)],
    [(110, 118, 129), (240, 128, 137), (172, 215, 141), (229, 192, 123), (130, 195, 255),
     (215, 150, 235), (110, 205, 215), (230, 234, 240)],
)  # fmt: skip
LIGHT: Final = TerminalTheme(
    (252, 252, 252),
    (36, 41, 47),
    [(36, 41, 47), (207, 34, 46), (17, 99, 41), (149, 56, 0), (9, 105, 218),
     (130, 80, 223), (27, 124, 131), (110, 119, 129)],
    [(87, 96, 106), (164, 14, 38), (26, 127, 55), (149, 56, 0), (33, 139, 255),
     (164, 117, 249), (49, 146, 170), (140, 149, 159)],
)  # fmt: skip


class Terminal:
    """Carol's terminal: the program that runs on it, and its screen."""

    def __init__(self, words: list[str]) -> None:
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self.screen)
        self._changed = trio.Event()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        self._program = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        os.close(theirs)

    async def read(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._ours)
            try:
                written = os.read(self._ours, 65_536)
            except OSError:  # the program has ended
                return
            # Leave out the sequences about the window: pyte does not know them.
            self._stream.feed(re.sub(rb"\x1b\[\d+;\d+t", b"", written))
            self._changed.set()
            self._changed = trio.Event()

    def types(self, line: str) -> None:
        os.write(self._ours, f"{line}\r".encode())

    def hits(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    async def shows(self, part: str) -> None:
        await self._until(lambda: part in "\n".join(self.screen.display))

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._changed.wait()

    def ends(self) -> None:
        self._program.terminate()
        self._program.wait()
        os.close(self._ours)


class Bot:
    """A peer that reads every event and accepts every invitation."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self._talks = trio.Event()

    async def run(self) -> None:
        async for event in self.chat:
            if isinstance(event, Invited):
                self.chat.answer(event.id, True)
            elif isinstance(event, Connected):
                self._talks.set()

    async def says(self, text: str) -> None:
        await self._talks.wait()
        await self.chat.say(text)


async def play(carol: Terminal, dave: Bot, erin: Bot) -> None:
    await carol.shows("CHAT name")
    carol.types("LIST USERS")
    await carol.shows("OFFLINE")
    carol.types("CHAT dave")
    await carol.shows("carol -> dave>")
    carol.types("morning! is the build green?")
    await carol.shows("green?  ✓")
    await dave.says("almost: one test is left, erin knows more")
    await carol.shows("erin knows")
    carol.types("ADD erin")
    await carol.shows("dave, erin>")
    await erin.says("fixed a minute ago, carol: https://ci.lan/builds/1204 is all green")
    await carol.shows("all green")
    erin.chat.private("carol", "lunch at noon?")
    await carol.shows("lunch")
    carol.types("/leave frank the report is on your desk")
    await carol.shows("left for frank")
    carol.types("thank you both ☺")
    await carol.shows("you both ☺  ✓")
    carol.hits("/who g")
    await carol.shows("dave direct, erin direct")


async def scene(folder: Path) -> pyte.Screen:
    directory = Directory(real_world(folder / "directory"), Settings(host="127.0.0.1"))
    async with trio.open_nursery() as nursery:
        port = (await nursery.start(directory.run)).address.port
        async with join("frank", "localhost", port, data=folder / "frank"):
            pass  # registers, then leaves
        async with (
            join("dave", "localhost", port, data=folder / "dave") as dave,
            join("erin", "localhost", port, data=folder / "erin") as erin,
        ):
            data = ["--data", str(folder / "carol")]
            carol = Terminal([sys.executable, "-m", "peer", "carol", "localhost", str(port), *data])
            nursery.start_soon(carol.read)
            bots = Bot(dave), Bot(erin)
            for bot in bots:
                nursery.start_soon(bot.run)
            try:
                with trio.fail_after(SECONDS):
                    await play(carol, *bots)
            except trio.TooSlowError:
                print(*carol.screen.display, sep="\n", file=sys.stderr)
                raise
            finally:
                carol.ends()
        directory.stop()
        nursery.cancel_scope.cancel()
    return carol.screen


def rows(screen: pyte.Screen) -> list[Text]:
    """Return the rows as rich draws them, without the empty ones at the end."""
    drawn = []
    for y in range(screen.lines):
        line = Text()
        for style, run in groupby(range(screen.columns), partial(style_of, screen, y)):
            line.append("".join(screen.buffer[y][x].data for x in run), style)
        drawn.append(line)
    while drawn and not drawn[-1].plain.strip():
        drawn.pop()
    return drawn


def style_of(screen: pyte.Screen, y: int, x: int) -> Style:
    cell = screen.buffer[y][x]
    is_cursor = (y, x) == (screen.cursor.y, screen.cursor.x)
    return Style(
        color=colour(cell.fg),
        bgcolor=colour(cell.bg),
        bold=cell.bold,
        underline=cell.underscore,
        reverse=cell.reverse != is_cursor,
    )


def colour(name: str) -> str | None:
    """Return rich's name for a colour of pyte; None for the default or an unknown one."""
    if name == "default":
        return None
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    named = name.replace("brown", "yellow").removeprefix("bright")
    bright = "bright_" if name.startswith("bright") else ""
    try:
        return Style.parse(bright + named).color.name  # type: ignore[union-attr]
    except ColorParseError:
        return None


def svg(drawn: list[Text], theme: TerminalTheme) -> str:
    console = Console(
        record=True,
        width=COLUMNS,
        file=StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
    )
    for line in drawn:
        console.print(line, no_wrap=True, overflow="crop", crop=True)
    form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", FONTS)
    return console.export_svg(title="peer carol", theme=theme, code_format=form, unique_id="parley")


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        screen = await scene(Path(name))
    for theme, kind in ((DARK, "dark"), (LIGHT, "light")):
        path = HERE / f"terminal-{kind}.svg"
        path.write_text(svg(rows(screen), theme))
        print(f"{path}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    trio.run(main)
