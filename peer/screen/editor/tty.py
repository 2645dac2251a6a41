"""Write to the terminal: hold back what is half drawn, and erase what has moved."""

import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.output import Output
from prompt_toolkit.output.vt100 import Vt100_Output


class Tty(Vt100_Output):
    """The terminal, whose flushes can be held back until all is drawn."""

    is_held = False

    def flush(self) -> None:
        if not self.is_held:
            super().flush()

    def erase_down(self) -> None:
        """Erase below, but not from the upper left corner.

        Terminals save in their scrollback what is erased from there.  The cursor is saved and
        restored, since a step back behind a full row would not put it where it was.
        """
        self.write_raw("\x1b7\x1b[K\x1b[C\x1b[J\x1b8")

    @property
    def responds_to_cpr(self) -> bool:
        """False: the answer with the cursor's position would mix with what is typed."""
        return False


@contextmanager
def held(output: Output) -> Iterator[None]:
    """Write everything in the block at once, so that nothing flickers."""
    if not isinstance(output, Tty):
        yield
        return
    output.is_held = True
    try:
        yield
    finally:
        output.is_held = False
        output.flush()


def erase(app: Application[Any], columns: int | None = None) -> None:
    """Put the cursor where the prompt began, with nothing below.

    `columns`: the new width of the terminal, which has reflowed the lines that were wider.
    """
    renderer, output = app.renderer, app.output
    screen, cursor = renderer.last_rendered_screen, renderer._cursor_pos
    if columns is None or screen is None:
        renderer.erase()
        return
    up = cursor.x // columns
    for y in range(cursor.y):
        row = screen.data_buffer[y]
        width = max((x for x, cell in row.items() if cell.char.strip()), default=0) + 1
        up += -(-width // columns)
    output.write_raw("\r")
    output.cursor_up(up)
    output.erase_down()
    renderer.reset()


@contextmanager
def modes_kept() -> Iterator[None]:
    """Restore the modes of the terminal after the block."""
    try:
        modes = termios.tcgetattr(0)
    except termios.error:  # there is none
        yield
        return
    try:
        yield
    finally:
        with suppress(termios.error):  # it is gone
            termios.tcsetattr(0, termios.TCSANOW, modes)
