"""Count what a store did not take, and tell the log of the first failure in a row."""

import logging
from collections.abc import Callable
from typing import TypeVar

import trio

from shared.errors import StorageError

log = logging.getLogger(__name__)
T = TypeVar("T")


class WriteOutcomes:
    def __init__(self, recovery: str = "") -> None:
        """`recovery`: what the log reads at the first success after a failure; "": nothing."""
        self._recovery = recovery
        self.failures = 0
        self.failing_since: float | None = None

    def _note_outcome(self, error: StorageError | None) -> None:
        if error is None:
            if self.failing_since is not None and self._recovery:
                log.warning("%s", self._recovery)
            self.failing_since = None
            return
        self.failures += 1
        if self.failing_since is None:
            self.failing_since = trio.current_time()
            log.warning("%s", error)

    def _finish(self, result: Callable[[], T], then: Callable[[T | StorageError], None]) -> None:
        """Note how a write has ended, and tell its caller."""
        try:
            ended: T | StorageError = result()
        except StorageError as error:
            ended = error
        self._note_outcome(ended if isinstance(ended, StorageError) else None)
        then(ended)
