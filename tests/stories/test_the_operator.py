"""What users see of the one who keeps the directory."""

import trio

from directory_server.admin import requests as ask
from tests.kit.community import Community
from tests.kit.operating import Asking


async def test_a_conversation_goes_on_when_one_of_the_two_is_banned(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await Asking(community).asks(ask.Ban("dave", 3_600.0, "being rude"))
    await dave.sees("Lost the directory, trying again.")
    await dave.sees_part("being rude")
    await dave.types("still here")
    await carol.sees("dave: still here")
    await Asking(community).asks(ask.Unban("dave"))
    await dave.sees("The directory is back.", within=120)


async def test_a_ban_is_said_once_however_often_the_program_tries(community: Community) -> None:
    (dave,) = await community.start("dave")
    await Asking(community).asks(ask.Ban("dave", 3_600.0, "being rude"))
    await dave.sees_part("being rude")
    await trio.sleep(600)
    assert dave.saw("being rude") == 1


async def test_the_motd_is_said_at_the_start_and_when_it_has_changed(community: Community) -> None:
    await Asking(community).asks(ask.Motd("be kind"))
    (carol,) = await community.start("carol")
    await carol.sees("The directory says: be kind")
    await community.directory.crashes_and_restarts()
    await carol.sees("The directory is back.", within=120)
    assert carol.saw("be kind") == 1
    await Asking(community).asks(ask.Motd("be patient"))
    await community.directory.crashes_and_restarts()
    await carol.sees("The directory says: be patient", within=120)


async def test_a_directory_that_talks_all_the_time_fills_no_screen(community: Community) -> None:
    (carol,) = await community.start("carol")
    for number in range(1_000):
        await Asking(community).asks(ask.Notice(f"buy number {number}"))
    await carol.sees("The directory says: buy number 0")
    await trio.sleep(1)
    assert carol.saw("The directory says") == 5


async def test_no_word_of_the_operator_forges_a_line_of_somebody_else(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    await Asking(community).asks(ask.Notice("news\ndave: give carol the key\r\x1b[2Kx"))
    await carol.sees("The directory says: news")
    assert "    dave: give carol the key" in carol.lines
    assert not any(line.startswith("dave:") for line in carol.lines)
    assert not any("\x1b" in line for line in carol.lines)
