"""The one loop that commits: it complains once, and tries again until the disk takes it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import trio

from peer import events
from peer.runtime.recorder import KEEP_AGAIN_SECONDS, keep_committing
from shared.errors import StorageError


@dataclass
class Numbers:
    """A queue of numbers, and a disk that may be full."""

    waiting: list[int] = field(default_factory=list)
    is_full: bool = False
    tries: int = 0
    kept: list[list[int]] = field(default_factory=list)
    something: trio.Event = field(default_factory=trio.Event)

    def add(self, number: int) -> None:
        self.waiting.append(number)
        self.something.set()

    async def gather(self) -> list[int]:
        await self.something.wait()
        self.something = trio.Event()
        batch, self.waiting = self.waiting, []
        return batch

    async def commit(self, batch: list[int]) -> None:
        self.tries += 1
        await trio.sleep(0.1)
        if self.is_full:
            raise StorageError("the disk is full")

    def committed(self, batch: list[int]) -> None:
        self.kept.append(batch)

    def put_back(self, batch: list[int]) -> None:
        self.waiting = batch + self.waiting
        self.something.set()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def queue(
    nursery: trio.Nursery, told: list[str], autojump_clock: trio.testing.MockClock
) -> Numbers:
    def tell(event: events.Event, shown: Callable[[], None]) -> None:
        told.append(str(event))
        shown()

    queue = Numbers()
    nursery.start_soon(keep_committing, queue, tell)
    return queue


async def test_what_comes_during_a_commit_shares_the_next(queue: Numbers) -> None:
    queue.add(1)
    await trio.sleep(0.05)
    queue.add(2)
    queue.add(3)
    await trio.sleep(1)
    assert queue.kept == [[1], [2, 3]]


async def test_a_full_disk_is_told_once_and_nothing_is_lost(
    queue: Numbers, told: list[str]
) -> None:
    queue.is_full = True
    queue.add(1)
    await trio.sleep(0.05)
    queue.add(2)
    await trio.sleep(3 * KEEP_AGAIN_SECONDS)
    assert queue.tries == 3
    assert told == ["The disk is full."]
    queue.is_full = False
    await trio.sleep(KEEP_AGAIN_SECONDS)
    assert queue.kept == [[1, 2]]


async def test_a_disk_that_is_full_again_is_told_again(queue: Numbers, told: list[str]) -> None:
    for _ in range(2):
        queue.is_full = True
        queue.add(1)
        await trio.sleep(1)
        queue.is_full = False
        await trio.sleep(KEEP_AGAIN_SECONDS)
    assert told == ["The disk is full."] * 2
    assert queue.kept == [[1], [1]]
