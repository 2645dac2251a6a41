"""The border around each connection: a bug ends only the connection that met it.

Errors that a remote machine causes on purpose are caught where they are understood.  The
border is for all others: no stranger may decide whether a program with a thousand users
keeps running.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Final, Protocol

import trio

from shared.log import Sparing, described

log = logging.getLogger(__name__)

KINDS: Final = 100  # of bugs that are told apart; far more than a program ever meets


class Bugs(Protocol):
    """Decides what to do about a bug that a connection has met.

    The tests of this project raise it, so that a bug still fails the test.
    """

    def met(self, where: str, bug: Exception) -> None: ...


class LoggedBugs:
    """Log bugs, one line each; of a repeated bug only now and then a line."""

    def __init__(self) -> None:
        self._kinds: dict[str, Sparing] = {}

    def met(self, where: str, bug: Exception) -> None:
        words = described(bug)
        if len(self._kinds) >= KINDS:
            self._kinds.clear()
        kind = self._kinds.setdefault(words.split(": ", 1)[0], Sparing())
        line = kind.take(f"{where}: the connection met a bug: {words}", trio.current_time())
        if line is not None:
            log.error("%s", line)


@contextlib.contextmanager
def border(where: str, bugs: Bugs) -> Iterator[None]:
    """Report any exception to `bugs` and end it here, unless it is a cancellation or a signal."""
    try:
        yield
    except* Exception as group:
        bugs.met(where, group)
