"""Wrap plain lines for a terminal: a line that is too long continues below, indented."""

from collections.abc import Iterable
from typing import Final

from rich.text import Text

from peer.screen.paint.hanging_row import wrapped
from shared.clean import INDENT

LEAST_WIDTH: Final = 10  # of a screen; a narrower one wraps by itself


def wrapped_lines(lines: Iterable[str], width: int) -> list[str]:
    """Wrap lines to `width` cells; only the first part of each begins at the left edge.

    `width` 0: the terminal does not tell its width, and nothing is wrapped.
    """
    if not width:
        return list(lines)
    width = max(width, LEAST_WIDTH)
    made: list[str] = []
    for line in lines:
        first, *more = wrapped(Text(line), width - len(INDENT), width)
        made += [first.plain, *(INDENT + one.plain for one in more)]
    return made
