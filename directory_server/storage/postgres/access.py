"""Read and write a PostgreSQL database."""

import logging
from collections.abc import Callable, Collection
from typing import TypeVar

import psycopg
import trio

from directory_server.storage.outcomes import WriteOutcomes
from directory_server.storage.postgres.commits import (
    AWAY,
    PATIENCE_SECONDS,
    PAUSE_SECONDS,
    Commits,
    refusal_of,
)
from directory_server.storage.postgres.connection import Connection, Line, Lost
from directory_server.storage.store import Away
from shared.errors import Refused, StorageError

log = logging.getLogger(__name__)
T = TypeVar("T")


class PostgresAccess(WriteOutcomes):
    def __init__(self, commits: Commits, reader: Line) -> None:
        super().__init__()  # the commits tell of a recovery
        self._commits, self._reader = commits, reader
        commits.recovered = lambda: self._note_outcome(None)

    def observe(self, committed: Callable[[float, int], None]) -> None:
        self._commits.committed = committed

    async def _read(self, work: Callable[[Connection], T]) -> T:
        """Read; a lost connection is replaced, by one to another machine after a fail-over."""
        with trio.move_on_after(PATIENCE_SECONDS):
            while True:
                if self._commits.is_away:
                    raise Away(AWAY)
                try:
                    return await self._reader.run(work)
                except Lost as lost:
                    log.info("a read is tried again: %s", lost)
                    await trio.sleep(PAUSE_SECONDS)
                except Refused as no:  # by the check of a new connection
                    raise StorageError(str(no)) from no
                except psycopg.Error as error:
                    raise refusal_of(error) from error
        self._reader.break_off()
        self._commits.suspect()
        raise Away(AWAY)

    async def _write(
        self, work: Callable[[Connection], T], users: Collection[int] = (), name: str = ""
    ) -> T:
        try:
            result = await self._commits.write(work, users, name)
        except StorageError as error:
            self._note_outcome(error)
            raise
        self._note_outcome(None)
        return result
