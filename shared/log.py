"""Log for both programs: each record on one line, without characters that act on a terminal.

A log holds names, reasons and texts of others.  Unchanged, they could bring colours, a new
window title, or lines that look like ours.
"""

import logging
import sys
import traceback
from pathlib import Path
from typing import Final

from shared.clean import on_one_line

LINE_CHARACTERS: Final = 2_000  # of one record: twice the longest reason that others may give
BUG_CHARACTERS: Final = 300  # of the text of one exception, which may quote a whole message
SPARE_SECONDS: Final = 5.0  # between two lines of one kind that others can cause at will


class HarmlessFormatter(logging.Formatter):
    """A formatter that puts a record and its traceback on one line without control characters."""

    def format(self, record: logging.LogRecord) -> str:
        return on_one_line(super().format(record))[:LINE_CHARACTERS]


class JsonFormatter(logging.Formatter):
    """A formatter for programs: each record is an object on one line.

    `event` is the same for all records of one kind; `text` is what people read.
    """

    def format(self, record: logging.LogRecord) -> str:
        import json  # noqa: PLC0415  # slow, and a peer never needs it

        found = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "part": record.name,
            "event": str(record.msg)[:LINE_CHARACTERS],
            "text": on_one_line(super().format(record))[:LINE_CHARACTERS],
        }
        return json.dumps(found, separators=(",", ":")).replace("\x7f", "\\u007f")


def log_to_stderr(level: int, form: str, *, as_json: bool = False) -> None:
    """Log the whole program to stderr in this form, from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else HarmlessFormatter(form))
    logging.basicConfig(level=level, handlers=[handler])


class Sparing:
    """A limit for lines of one kind: one at once, then at most one in every few seconds."""

    def __init__(self, seconds: float = SPARE_SECONDS) -> None:
        self._seconds = seconds
        self._next = float("-inf")
        self._untold = 0

    def take(self, line: str, now: float) -> str | None:
        """Return the line, with the number of lines left out before it; None: log nothing now."""
        if now < self._next:
            self._untold += 1
            return None
        self._next = now + self._seconds
        untold, self._untold = self._untold, 0
        return f"{line} (and {untold} more like it)" if untold else line


def described(failure: BaseException) -> str:
    """Return type, text and origin of an exception, for a log."""
    if isinstance(failure, BaseExceptionGroup):
        return "; ".join(map(described, failure.exceptions))
    words = str(failure)[:BUG_CHARACTERS]
    frames = traceback.extract_tb(failure.__traceback__)
    if not frames:
        return f"{type(failure).__name__}: {words}"
    last = frames[-1]
    file = "/".join(Path(last.filename).parts[-2:])
    return f"{type(failure).__name__} in {file}:{last.lineno}: {words}"
