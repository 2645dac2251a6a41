"""The border around each connection: a bug ends that connection, and nobody else's.

What a remote machine causes on purpose is caught where it is understood.  This is for
what nobody has thought of.  It must not be in the hands of a stranger whether a program
with a thousand users goes on.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Final, Protocol

import trio

from shared.log import Sparing, described

log = logging.getLogger(__name__)

KINDS: Final = 100  # of bugs that are told apart; far more than a program ever has


class Bugs(Protocol):
    """What is done about a bug that a connection has met.

    The tests of this project raise it: a bug must fail the test, as it always did.
    """

    def met(self, where: str, bug: Exception) -> None: ...


class LoggedBugs:
    """One line in the log.  Whoever can cause a bug can cause it often: one in a while."""

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
    """Whatever is no cancellation and no signal ends here."""
    try:
        yield
    except* Exception as group:
        bugs.met(where, group)
