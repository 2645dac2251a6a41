"""Lay out a head and a body beside it, which keeps its left edge however often it wraps.

Only the first line begins at the left edge of the screen, so that no other line can look
like the beginning of another row.  That holds only if the terminal never wraps by itself,
so each character counts with the most cells that any terminal gives it.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from rich.cells import get_character_cell_size
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.text import Text

MARGIN: Final = 4  # of further lines, if the head takes more than half of the screen
NARROW: Final = 20  # a screen up to this width gets half that margin

_ZWJ = "\N{ZERO WIDTH JOINER}"
_WORD = re.compile("[^ ]+")
_UNIT = re.compile("(?s).\ufe0f?")  # the selector can make its character wide
_PICTURES = 0x1F000  # emoji from here on; what is narrow today may be drawn wide


class Row:
    """A row of one or more lines.  Both parts must be clean already."""

    def __init__(self, head: Text, body: Text, column: int = 0) -> None:
        """`column`: where the body begins in a table; without room there, on the next line."""
        self._head, self._body, self._column = head, body, column

    def in_style(self, style: str) -> "Row":
        """Return the same row in one style."""
        head, body = (Text(part.plain, style) for part in (self._head, self._body))
        return Row(head, body, self._column)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for line in self.lines(options.max_width):
            yield from line.render(console, end="\n")

    def lines(self, width: int) -> list[Text]:
        used = cells(self._head.plain)
        column = max(used, self._column)
        is_beside = column <= width // 2
        if not is_beside:
            column = MARGIN if width > NARROW else MARGIN // 2
        if is_beside or (self._column and not self._head.plain.strip()):
            beginning = self._head + Text(" " * (column - used))
            first, *more = wrapped(self._body, width - column)
        else:
            beginning = Text()
            between = Text("\n" if self._column else "")
            first, *more = wrapped(self._head + between + self._body, width - column, width)
        first = beginning + first
        first.rstrip()
        return [first, *(Text(" " * column) + line for line in more)]


def wrapped(text: Text, width: int, first: int = 0) -> list[Text]:
    """Return the text in lines of at most `width` cells, broken at spaces where possible.

    `first`: how many cells the first line may have, if more.
    """
    lines: list[Text] = []
    for line in text.split("\n", allow_blank=True):
        pieces = line.divide(_breaks(line.plain, width, width if lines else max(first, width)))
        lines += map(_trimmed, pieces)
    return lines


def _trimmed(piece: Text) -> Text:
    """Drop a joiner that has lost its neighbour: terminals would join it with what follows."""
    piece.rstrip()
    plain = piece.plain
    begin, end = len(plain) - len(plain.lstrip(_ZWJ)), len(plain.rstrip(_ZWJ))
    return piece if (begin, end) == (0, len(plain)) else piece[begin:end]


def _breaks(line: str, width: int, room: int) -> list[int]:
    """Return where new lines begin.  `room` is the width of the first line."""
    found: list[int] = []
    begin = used = 0  # where the last word ended, and the cells used in this line
    for word in _WORD.finditer(line):
        used += word.start() - begin
        begin = word.end()
        size = cells(word[0])
        if used and used + size > room:
            found.append(word.start())
            used, room = 0, width
        if size <= room:
            used += size
            continue
        for unit in _UNIT.finditer(line, word.start(), word.end()):
            size = _cells(unit[0])
            if used and used + size > room:
                found.append(unit.start())
                used, room = 0, width
            used += size
    return found


def cells(text: str) -> int:
    """Return at least as many cells as any terminal takes for this clean text."""
    if text.isascii():
        return len(text)
    return sum(_cells(unit) for unit in _UNIT.findall(text))


@lru_cache(4096)
def _cells(unit: str) -> int:
    """Return the most cells of one unit.  Joined emoji count singly: not every terminal joins."""
    if len(unit) > 1 or ord(unit) >= _PICTURES or unicodedata.category(unit) == "Cn":
        return 2
    if unicodedata.category(unit) in ("Mn", "Me", "Cf"):
        return get_character_cell_size(unit)
    is_wide = unicodedata.east_asian_width(unit) in "WF"
    return max(2 if is_wide else 1, get_character_cell_size(unit))
