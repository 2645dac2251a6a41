"""How much of the disk is free, also if the disk hangs or is broken."""

import trio
from trio.testing import MockClock

from peer.runtime.doctor.free_space import FreeSpace
from peer.runtime.tasks import Tasks
from shared.errors import StorageError
from tests.kit.world import FREE_BYTES, MemoryDisk


class _Broken(MemoryDisk):
    def free(self) -> int:
        raise StorageError("no such folder")


async def test_it_is_measured_anew_each_time(nursery: trio.Nursery) -> None:
    disk = MemoryDisk()
    space = FreeSpace(disk, Tasks(nursery))
    assert await space.look() == FREE_BYTES
    disk.is_full = True
    assert await space.look() == 0


async def test_a_broken_disk_tells_nothing(nursery: trio.Nursery) -> None:
    space = FreeSpace(_Broken(), Tasks(nursery))
    assert await space.look() is None
    assert await space.look() is None


async def test_a_disk_that_hangs_is_looked_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    disk = MemoryDisk()
    disk.seconds = 50.0
    space, looks = FreeSpace(disk, Tasks(nursery)), 0

    def free() -> int:
        nonlocal looks
        looks += 1
        return 7

    disk.free = free  # type: ignore[method-assign]
    for _ in range(5):
        with trio.move_on_after(1) as patience:
            await space.look()
        assert patience.cancelled_caught
    assert await space.look() == 7
    assert looks == 1
