"""Letters that I left: which one the next one names."""

import pytest
import trio
import trio.lowlevel

from peer.storage.left_letters import LeftLetter
from shared.errors import StorageError
from tests.kit.journals import NOW, opened
from tests.kit.world import MemoryDisk


async def test_each_letter_names_the_last_one_that_was_stored_for_the_same_key(
    autojump_clock: trio.testing.MockClock,
) -> None:
    dave, erin = b"d" * 32, b"e" * 32
    disk = MemoryDisk()
    async with opened(disk) as journal:

        async def leave(id: str, key: bytes = dave) -> str:
            return await journal.left_letters.add(id, LeftLetter("dave", key, NOW, None))

        assert await leave("1") == ""
        await journal.left_letters.stored("1", dave)
        assert await leave("2") == "1"
        assert await leave("3") == "1"  # the directory did not take "2"
        await journal.left_letters.stored("3", dave)
        assert await leave("3") == "1"  # the same one again
        await journal.left_letters.stored("3", dave)
        assert await leave("4", erin) == ""
        await journal.left_letters.forget(["3"])  # its receipt came
        assert journal.left_letters.get("3") is None
        assert await leave("5") == "3"
    async with opened(disk) as journal:  # the program was killed before "5" was stored
        assert await journal.left_letters.add("6", LeftLetter("dave", dave, NOW, None)) == "3"


async def test_a_letter_that_the_disk_does_not_know_as_stored_is_named_all_the_same(
    autojump_clock: trio.testing.MockClock,
) -> None:
    key, disk = b"d" * 32, MemoryDisk()
    left = LeftLetter("dave", key, NOW, None)
    async with opened(disk) as journal:
        await journal.left_letters.add("1", left)
        disk.is_full = True
        with pytest.raises(StorageError):
            await journal.left_letters.stored("1", key)
        disk.is_full = False
        assert await journal.left_letters.add("2", left) == "1"
    async with opened(disk) as journal:
        assert await journal.left_letters.add("3", left) == "1"
