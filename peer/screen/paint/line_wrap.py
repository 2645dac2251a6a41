"""Plain lines for a terminal: what is too long goes on below, indented."""

from collections.abc import Iterable
from typing import Final

from rich.text import Text

from peer.screen.paint.hanging_row import wrapped
from shared.clean import INDENT

LEAST_WIDTH: Final = 10  # of a screen; a narrower one wraps as it likes


def wrapped_lines(lines: Iterable[str], width: int) -> list[str]:
    """None is wider than `width` cells, and none but the first of each begins at the edge.

    `width` 0: the terminal does not say how wide it is.
    """
    if not width:
        return list(lines)
    width = max(width, LEAST_WIDTH)
    made: list[str] = []
    for line in lines:
        first, *more = wrapped(Text(line), width - len(INDENT), width)
        made += [first.plain, *(INDENT + one.plain for one in more)]
    return made
