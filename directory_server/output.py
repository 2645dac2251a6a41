"""Print what people and scripts read of a directory, if anybody does."""

import logging
import sys
from typing import TextIO

from shared.process import discard_output

log = logging.getLogger(__name__)


def say(text: str) -> None:
    """Print a text as it is; a directory also works where nobody can read it."""
    if sys.stdout is None:
        return  # closed: nobody wants to read it
    try:
        _write(sys.stdout, text)
    except OSError as error:
        log.warning("nobody reads our output: %s", error)
        discard_output()


def _write(output: TextIO, text: str) -> None:
    """Write a ? for each letter that the encoding of this locale lacks."""
    try:
        output.write(text)
    except UnicodeEncodeError:
        output.write(text.encode(output.encoding, "replace").decode(output.encoding))
    output.flush()


def has_terminal() -> bool:
    return any(one is not None and one.isatty() for one in (sys.stdin, sys.stdout, sys.stderr))
