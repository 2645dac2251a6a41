"""Read and write an SQLite database, and tell the log when its disk refuses, once."""

import logging
import sqlite3
from collections.abc import Callable
from typing import TypeVar

import trio

from shared.database import Database
from shared.errors import StorageError

log = logging.getLogger(__name__)
T = TypeVar("T")


class SqliteAccess:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._failing = False  # the disk refused the last write
        self.failures = 0
        self.failing_since: float | None = None

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._database.reader)
        except sqlite3.Error as error:
            raise StorageError(f"the disk cannot be read: {error}") from error

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, frees: bool = False) -> T:
        """Run `work` in a transaction.  `frees`: it needs hardly any room; a full disk takes it."""
        try:
            # Shielded, so that the caller also learns the result.
            with trio.CancelScope(shield=True):
                result = await self._database.write(work, frees=frees)
        except StorageError as error:
            self._note_outcome(error)
            raise
        self._note_outcome(None)
        return result

    def _note_outcome(self, error: StorageError | None) -> None:
        """Log the first failure, and the first success after it."""
        if error is not None and not self._failing:
            log.warning("%s", error)
        elif error is None and self._failing:
            log.warning("the disk takes it again")
        self._failing = error is not None
        if error is None:
            self.failing_since = None
            return
        self.failures += 1
        if self.failing_since is None:
            self.failing_since = trio.current_time()
