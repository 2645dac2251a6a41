"""Whoever I have never answered cannot fill my screen, my disk or my questions.

Findings 11 and 18: a stranger wrote 4.4 MiB a second to the disk of whom they liked.
"""

import trio

from peer.unanswered import BYTES_MOST, LINE_BYTES, LINES_AT_ONCE
from shared.messages import TEXT_CHARACTERS, No, Private, Shown, ToAll
from tests.community import Community
from tests.fakes import EPOCH
from tests.peer.raw import raw

FIRST = "mallory writes to you for the first time; IGNORE mallory hears no more."


def line(number: int, text: str = "hello") -> Private:
    return Private(f"{number:032x}", EPOCH, text)


# --- Lines ------------------------------------------------------------------------


async def test_a_strangers_lines_come_slowly_and_none_is_lost(community: Community) -> None:
    carol, _ = await community.start("carol", "dave")
    carol.screen.is_quick = True
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        begun = trio.current_time()
        for number in range(300):
            link.says(line(number, f"flood {number}"))
            await link.hears(Shown)
        assert trio.current_time() - begun >= (300 - LINES_AT_ONCE - 1) / 20
        assert not link.is_over
    assert carol.saw("[private] mallory: flood") == 300


async def test_who_sends_without_waiting_is_not_cut_for_the_pace(community: Community) -> None:
    (carol,) = await community.start("carol")
    carol.screen.is_quick = True
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        for number in range(int(LINES_AT_ONCE)):
            link.says(line(number))
            await link.hears(Shown)
        link.says(*(line(number) for number in range(200, 600)))
        await trio.sleep(30)
        assert not link.is_over
        assert carol.saw("[private] mallory: hello") == LINES_AT_ONCE + 400
    await carol.types("LIST USERS")
    await carol.sees("ACTIVE: carol (you)")


async def test_a_stranger_fills_one_mebibyte_and_reads_why_there_is_no_more(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    carol.screen.is_quick = True
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        for number in range(BYTES_MOST // (TEXT_CHARACTERS + LINE_BYTES)):
            if number == 60:  # also after a restart
                await carol.is_killed()
                await carol.starts()
                carol.screen.is_quick = True
                link = await mallory.dials(carol)
            link.says(line(number, "x" * TEXT_CHARACTERS))
            await link.hears(Shown)
        link.says(line(900, "x" * TEXT_CHARACTERS))
        no = await link.hears(No)
        assert no.reason == "they have never answered you, and take no more until they do"
        link.says(ToAll(f"{999:032x}", EPOCH, "x" * TEXT_CHARACTERS))
        await link.hears(No)
        await carol.types("PRV mallory what do you want?")
        link.says(line(1_000, "y" * TEXT_CHARACTERS))
        assert (await link.hears(Shown)).id == f"{1_000:032x}"


async def test_an_author_reads_that_nothing_more_is_taken(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.screen.is_quick = True
    for _ in range(BYTES_MOST // (TEXT_CHARACTERS + LINE_BYTES)):
        await dave.types("PRV carol " + "x" * TEXT_CHARACTERS)
    await dave.types("PRV carol " + "y" * TEXT_CHARACTERS)
    await dave.sees(
        "Not delivered to carol: they have never answered you, and take no more until they do.",
        within=30,
    )
    dave.never_saw("Message left for carol.")
    carol.never_saw("yyy")
    await carol.types("dave enough")
    await dave.sees("[private] carol: enough")
    await dave.types("PRV carol sorry")
    await carol.sees("[private] dave: sorry")


async def test_a_stranger_is_announced_once_before_their_first_line(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        link.says(line(1, "buy"), line(2, "now"))
        await carol.sees(FIRST)
        await carol.sees("[private] mallory: buy")
        await carol.sees("[private] mallory: now")
        assert carol.saw(FIRST) == 1
        await carol.starts_again()
        link = await mallory.dials(carol)
        link.says(line(3, "again"))
        await carol.sees("[private] mallory: again")
        carol.never_saw(FIRST)


async def test_nobody_to_whom_i_have_written_is_announced(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave hello")
    await dave.sees("carol writes to you for the first time; IGNORE carol hears no more.")
    await dave.sees("[private] carol: hello")
    await dave.types("PRV carol hi")
    await carol.sees("[private] dave: hi")
    carol.never_saw("for the first time")


async def test_a_friends_lines_know_no_pace(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    carol.screen.is_quick = True
    await carol.types("hello")
    begun = trio.current_time()
    for number in range(400):
        await dave.types(f"@carol line {number}")
    await carol.sees("[private] dave: line 399", within=30)
    assert trio.current_time() - begun < 5
