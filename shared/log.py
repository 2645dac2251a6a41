"""What both programs log: each record on one line that acts on no terminal.

Names, reasons and texts of others stand in the log.  Without this they could bring
colours, a new window title, or lines that look like ours.
"""

import logging
import sys
import traceback
from pathlib import Path
from typing import Final

from shared.clean import on_one_line

LINE_CHARACTERS: Final = 2_000  # of one record: twice the longest reason that others may give
BUG_CHARACTERS: Final = 300  # of the words of one exception, which may quote a whole message
SPARE_SECONDS: Final = 5.0  # between two lines of one kind that others can cause at will


class HarmlessFormatter(logging.Formatter):
    """The record, its traceback included, on one line without control characters."""

    def format(self, record: logging.LogRecord) -> str:
        return on_one_line(super().format(record))[:LINE_CHARACTERS]


def log_to_stderr(level: int, form: str) -> None:
    """From now on the whole program logs so."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HarmlessFormatter(form))
    logging.basicConfig(level=level, handlers=[handler])


class Sparing:
    """Lines of one kind: the first at once, then one in every few seconds at most."""

    def __init__(self, seconds: float = SPARE_SECONDS) -> None:
        self._seconds = seconds
        self._next = float("-inf")
        self._untold = 0

    def take(self, line: str, now: float) -> str | None:
        """What to log now: the line, and how many were not logged before it."""
        if now < self._next:
            self._untold += 1
            return None
        self._next = now + self._seconds
        untold, self._untold = self._untold, 0
        return f"{line} (and {untold} more like it)" if untold else line


def described(failure: BaseException) -> str:
    """Its type, its words and where it was raised, for a log."""
    if isinstance(failure, BaseExceptionGroup):
        return "; ".join(map(described, failure.exceptions))
    words = str(failure)[:BUG_CHARACTERS]
    frames = traceback.extract_tb(failure.__traceback__)
    if not frames:
        return f"{type(failure).__name__}: {words}"
    last = frames[-1]
    file = "/".join(Path(last.filename).parts[-2:])
    return f"{type(failure).__name__} in {file}:{last.lineno}: {words}"
