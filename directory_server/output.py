"""Print what people and scripts read of a directory, if anybody does."""

import logging
import sys

from shared.process import discard_output

log = logging.getLogger(__name__)


def say(text: str) -> None:
    """Print a text as it is; a directory also works where nobody can read it."""
    if sys.stdout is None:
        return  # closed: nobody wants to read it
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        log.warning("nobody reads our output: %s", error)
        discard_output()


def has_terminal() -> bool:
    return any(one is not None and one.isatty() for one in (sys.stdin, sys.stdout, sys.stderr))
