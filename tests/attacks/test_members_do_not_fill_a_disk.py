"""A member fills my disk only as far as I say, and one whom I ignore does not fill it at all.

Finding 11: texts of a member came at 4 MiB a second, those of an ignored one at 34.
"""

from collections.abc import Callable

import pytest
import trio

from peer.events import MIB
from peer.runtime import disk_shares
from peer.runtime.dispatch import IGNORED_BYTES, IGNORED_BYTES_AT_ONCE
from shared.messages.common import TEXT_CHARACTERS
from shared.messages.peers import Acknowledge, Hello, Position, Private, Shown
from tests.kit.community import Community, Person
from tests.kit.raw_peer import RUN, raw
from tests.kit.world import EPOCH

SHARE = 4 * MIB
LONG = "x" * (TEXT_CHARACTERS - 10)
TEXTS_OF_A_SHARE = SHARE // (TEXT_CHARACTERS + 200)


@pytest.fixture
def small_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_shares, "BYTES_A_DAY", SHARE)
    monkeypatch.setattr(disk_shares, "NOTED_BYTES", 1)


def rows_of(whom: Person) -> list[tuple[int, int]]:
    """How many texts of others lie on this disk, and their bytes."""
    database = whom.peer._memory.journal.database.reader
    return database.execute(
        "SELECT coalesce(sum(last - seq + 1), 0), coalesce(sum(length(line)), 0) FROM texts"
    ).fetchall()


async def writes(author: Person, count: int) -> None:
    for number in range(count):
        await author.types(f"{number:05} {LONG}")


async def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    with trio.fail_after(seconds):
        while not holds():  # noqa: ASYNC110 - nothing tells that a row is on disk
            await trio.sleep(0.05)


# --- Members ----------------------------------------------------------------------


async def test_the_user_is_asked_before_an_author_fills_more(
    community: Community, small_share: None
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await writes(dave, TEXTS_OF_A_SHARE + 20)
    await carol.sees("dave has written 2 MiB today; at 4 MiB you are asked for more.")
    await carol.sees("dave has written 4 MiB today. Keep more of it? (Y/N)")
    await dave.sees("Not yet delivered to carol.", within=30)
    ((count, size),) = rows_of(carol)
    assert size <= SHARE
    assert count < TEXTS_OF_A_SHARE + 20
    await carol.types("what is all this?", "Y dave")
    await dave.sees("carol: what is all this?")
    await dave.sees("Delivered to carol.", within=30)
    assert rows_of(carol)[0][0] == TEXTS_OF_A_SHARE + 21
    assert carol.saw("dave: 0") == TEXTS_OF_A_SHARE + 20, "each once"


async def test_what_waits_for_an_answer_is_not_lost_when_the_program_ends(
    community: Community, small_share: None
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await writes(dave, TEXTS_OF_A_SHARE + 5)
    await carol.sees("dave has written 4 MiB today. Keep more of it? (Y/N)")
    await carol.is_killed()
    await carol.starts()
    await carol.sees("You are back in the conversation with dave.")
    await carol.sees("dave has written 4 MiB today. Keep more of it? (Y/N)", within=30)
    await carol.types("/y")
    await until(lambda: rows_of(carol)[0][0] == TEXTS_OF_A_SHARE + 5)


async def test_a_no_leaves_it_at_its_author_and_the_next_day_begins_anew(
    community: Community, small_share: None
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await writes(dave, TEXTS_OF_A_SHARE + 5)
    await carol.sees("dave has written 4 MiB today. Keep more of it? (Y/N)")
    await carol.types("N dave")
    await carol.sees("It waits at dave's program. IGNORE dave hears no more.")
    await trio.sleep(60)
    assert rows_of(carol)[0][1] <= SHARE
    carol.machine.clock.set(carol.now + 86_400)
    await until(lambda: rows_of(carol)[0][0] == TEXTS_OF_A_SHARE + 5, seconds=120)


async def test_who_is_ignored_then_learns_nothing_of_it(
    community: Community, small_share: None
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await writes(dave, TEXTS_OF_A_SHARE + 5)
    await carol.sees("dave has written 4 MiB today. Keep more of it? (Y/N)")
    await dave.sees("Not yet delivered to carol.", within=30)
    await carol.types("/ignore dave")
    await dave.sees("Delivered to carol.", within=30)
    assert rows_of(carol)[0][1] <= SHARE


async def test_private_lines_count_as_well(community: Community, small_share: None) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    for number in range(TEXTS_OF_A_SHARE + 5):
        await dave.types(f"PRV carol {number:05} {LONG}")
    await carol.sees("dave has written 4 MiB today. Keep more of it? (Y/N)", within=60)
    await dave.sees("Not delivered to carol: they keep no more of you today.", within=60)


# --- Whom I ignore ----------------------------------------------------------------


async def test_of_whom_i_ignore_only_the_place_is_kept(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        await carol.types("/ignore mallory")
        for seq in range(1, 11):
            link.says(mallory.text(seq, LONG))
        while (await link.hears(Acknowledge)).have[-1].seq < 10:
            pass
        assert rows_of(carol) == [(0, 0)]
        await carol.is_killed()
        await carol.starts()
        link = await mallory.dials(carol)
        link.says(mallory.hello(5))
        there = (await link.hears(Hello)).have
        assert Position(mallory.me.id, RUN, 10) in there, "it need not come again"
        await carol.types("/unignore mallory")
        link.says(mallory.text(11, "sorry"))
        await carol.sees("mallory: sorry")
    carol.never_saw(LONG)


async def test_whom_i_ignore_may_not_send_faster_than_a_screen_reads(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        await carol.types("/ignore mallory")
        begun, sent, seq = trio.current_time(), 0, 0
        while sent < IGNORED_BYTES_AT_ONCE + 4 * IGNORED_BYTES:
            for _ in range(20):
                seq += 1
                link.says(mallory.text(seq, LONG))
                sent += len(LONG)
            while (await link.hears(Acknowledge)).have[-1].seq < seq:
                pass
        assert trio.current_time() - begun >= 3.9
        assert not link.is_over


async def test_private_lines_of_whom_i_ignore_are_slowed_down_too(community: Community) -> None:
    (carol,) = await community.start("carol")
    await carol.types("IGNORE mallory")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        begun, count = trio.current_time(), 0
        while count * len(LONG) < IGNORED_BYTES_AT_ONCE + 2 * IGNORED_BYTES:
            link.says(*(Private(f"{count + n:032x}", EPOCH, LONG) for n in range(50)))
            for _ in range(50):
                await link.hears(Shown)
            count += 50
        assert trio.current_time() - begun >= 1.9
    carol.never_saw("mallory:")
