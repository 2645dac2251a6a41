"""Read and write an SQLite database."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

import trio

from directory_server.storage.outcomes import WriteOutcomes
from shared.database import Database
from shared.errors import StorageError

T = TypeVar("T")


class SqliteAccess(WriteOutcomes):
    def __init__(self, database: Database) -> None:
        super().__init__(recovery="the disk takes it again")
        self._database = database

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
