"""Texts on disk: what a restart reads of them, and what a damaged file costs."""

from pathlib import Path

import pytest
import trio
import trio.lowlevel

from peer.core.conversation.actions import LeaveFor
from peer.core.conversation.incoming.lamport_clock import STEP, LamportClock
from peer.core.conversation.proof.digests import said_in
from peer.storage.journal import Batch
from peer.storage.rows import UNREADABLE
from peer.storage.schema import FILE
from peer.storage.texts import DIGESTS
from shared.disk import FolderDisk
from shared.messages.common import COUNT_MOST
from shared.messages.peers import Position, Text
from tests.kit.journals import CAROL, ID, NOW, STAY, keep, opened
from tests.kit.world import MemoryDisk


async def test_a_damaged_file_costs_the_texts_in_it_and_no_more(tmp_path: Path) -> None:
    """Whoever asks for them, or is owed them, gets none; the user is told once."""
    disk = FolderDisk(tmp_path)
    told: list[str] = []
    async with opened(disk, lambda event, _: told.append(str(event))) as journal:
        for seq in range(1, 200):
            await keep(journal, Text(ID, CAROL, STAY, seq, seq, NOW, ("x" * 3_000,), ()))
    file = tmp_path / FILE
    pages = file.read_bytes()
    whole = len(pages) * 3 // 4  # the tables begin before this, and end behind it
    file.write_bytes(pages[:whole] + b"\xff" * (len(pages) - whole))
    async with opened(disk, lambda event, _: told.append(str(event))) as journal:
        after = Position(CAROL, STAY, 0)
        lines = journal.texts.after(ID, after, 256, 1_000_000)
        copies = journal.copies.owed(ID, "dave", LeaveFor("d" * 24, after, 199))
        assert len(lines) == len(copies) < 199
        assert told == [UNREADABLE]


async def test_the_digests_of_the_latest_texts_outlive_the_program() -> None:
    """Whoever was told other ones by their author may show them after a restart only."""
    disk = MemoryDisk()
    texts = [
        Text(ID, CAROL, epoch, seq, seq, NOW, (f"{seq}",), ())
        for epoch, count in (("d" * 16, 2), ("e" * 16, DIGESTS - 1), ("f" * 16, DIGESTS - 1))
        for seq in range(1, count + 1)
    ]
    async with opened(disk) as journal:
        await keep(journal, *texts)
    said = list(map(said_in, texts))
    async with opened(disk) as journal:
        assert list(journal.kept(ID, "me", NOW).said) == [said[1], *said[-DIGESTS:]]


async def test_a_restart_reads_as_much_of_a_long_conversation_as_of_a_short_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """It happens in the loop, at the start: thousands of texts would be seconds."""

    async def work(count: int) -> int:
        disk, steps = MemoryDisk(), 0

        def step() -> None:
            nonlocal steps
            steps += 1

        said = [Text(ID, CAROL, STAY, n, n, NOW, (f"{n}",), ()) for n in range(1, count + 1)]
        async with opened(disk) as journal:
            await keep(journal, *said)
            journal.database.reader.set_progress_handler(step, 10)
            assert journal.kept(ID, "me", NOW).have == (Position(CAROL, STAY, count),)
        return steps

    assert await work(4 * DIGESTS) < 1.1 * await work(2 * DIGESTS)


async def test_another_conversation_in_between_changes_nothing_at_a_restart() -> None:
    """Texts of one that is ending come in among those of the next one."""
    other, me = "d" * 32, "m" * 24
    said = [
        Text(id, author, epoch, seq, seq, NOW, (f"{author} {seq}",), ())
        for seq in range(1, 4)
        for id, author, epoch in (
            (other, CAROL, STAY), (ID, CAROL, STAY), (ID, CAROL, "f" * 16), (ID, me, STAY),
        )
    ]  # fmt: skip
    async with opened(MemoryDisk()) as journal:
        await journal.keep(Batch([(ID, (Position("z", STAY, 9),), 2)], said), NOW)
        kept = journal.kept(ID, me, NOW)
        assert journal.kept("e" * 32, me, NOW).have == ()
    mine = [one for one in said if one.conversation == ID]
    assert list(kept.said) == list(map(said_in, mine))
    ends = [(CAROL, STAY), (CAROL, "f" * 16), (me, STAY)]
    assert kept.have == (Position("z", STAY, 9), *(Position(*one, 3) for one in ends))
    assert [one[:2] for one in kept.written] == [(STAY, 1), (STAY, 2), (STAY, 3)]
    assert kept.lamport == 3


async def test_the_clock_keeps_what_no_text_on_disk_shows() -> None:
    async with opened(MemoryDisk()) as journal:
        await journal.keep(Batch([(ID, (), 4)], lamports=[(ID, 9), ("e" * 32, 99)]), NOW)
        assert journal.kept(ID, "me", NOW).lamport == 9
        await journal.keep(Batch(lamports=[(ID, 5)]), NOW)
        assert journal.kept(ID, "me", NOW).lamport == 9


@pytest.mark.parametrize(
    "numbers",
    [
        (1, 2, 3),
        (1, STEP, STEP + 1, STEP + 2),
        (2 * STEP, 2 * STEP + 1, 9 * STEP, 9 * STEP + 1, 10),
        (STEP // 2, STEP + 5, 2 * STEP, 7 * STEP, 7 * STEP + 1, 7 * STEP + 2, COUNT_MOST),
    ],
)
async def test_the_clock_goes_as_far_after_a_restart_as_when_the_texts_were_read(
    numbers: tuple[int, ...],
) -> None:
    """Each text moves it by a bounded step, in the order of their numbers."""
    said = [
        Text(ID, CAROL, STAY, n, number, NOW, ("x",), ()) for n, number in enumerate(numbers, 1)
    ]
    clock = LamportClock(0)
    for number in sorted(numbers):
        clock.saw(number)
    async with opened(MemoryDisk()) as journal:
        await keep(journal, *said)
        assert journal.kept(ID, "me", NOW).lamport == clock.now


async def test_what_was_passed_over_by_mistake_is_not_after_a_restart() -> None:
    disk, before = MemoryDisk(), Position(CAROL, STAY, 9)
    async with opened(disk) as journal:
        await journal.keep(Batch(begun=[(ID, (before,), 0)]), NOW)
    async with opened(disk) as journal:
        kept = journal.kept(ID, "me", NOW)
        assert kept.have == kept.passed == (before,)
        await journal.keep(Batch(returns=[(ID, CAROL, STAY, 2)]), NOW)
        await keep(journal, Text(ID, CAROL, STAY, 3, 3, NOW, ("3",), ()))
    async with opened(disk) as journal:
        kept = journal.kept(ID, "me", NOW)
        assert kept.have == (Position(CAROL, STAY, 3),)
        assert kept.passed == (Position(CAROL, STAY, 2),)
