"""Bare SQLite: many callers who wait for their commit."""

import os
import sqlite3
import time
from pathlib import Path

import trio

_TABLE = "CREATE TABLE envelopes (number INTEGER PRIMARY KEY, sealed BLOB NOT NULL)"
_INSERT = "INSERT INTO envelopes (sealed) VALUES (?)"


class Commits:
    """Whatever waits goes into the next commit."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(_TABLE)
        self._waiting: list[tuple[bytes, trio.Event]] = []
        self._something = trio.Event()

    async def write(self, sealed: bytes) -> None:
        done = trio.Event()
        self._waiting.append((sealed, done))
        self._something.set()
        await done.wait()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                await self._something.wait()
                self._something = trio.Event()
                while self._waiting:
                    batch, self._waiting = self._waiting, []
                    await trio.to_thread.run_sync(self._commit, batch)
                    for _, done in batch:
                        done.set()
        finally:
            self._connection.close()

    def _commit(self, batch: list[tuple[bytes, trio.Event]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(_INSERT, [(sealed,) for sealed, _ in batch])
        self._connection.execute("COMMIT")


async def commits_a_second(path: Path, callers: int, each: int, *, size: int) -> float:
    """So many callers write `each` blobs, one after the other: blobs per second."""
    commits = Commits(path)

    async def call() -> None:
        for _ in range(each):
            await commits.write(os.urandom(size))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(commits.run)
        start = time.perf_counter()
        async with trio.open_nursery() as calling:
            for _ in range(callers):
                calling.start_soon(call)
        seconds = time.perf_counter() - start
        nursery.cancel_scope.cancel()
    return callers * each / seconds
