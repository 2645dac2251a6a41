"""A user leaves right after a text: it is on disk, and its author reads of no message left."""

import trio

from peer.runtime.conversation.shell import KEEP_SECONDS
from tests.kit.community import Community
from tests.kit.rooms import founds

LONG = 40.0  # until a text that somebody lacks would be in their mailbox


async def test_a_conversation_is_left_at_once(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("good bye")
    await dave.sees("carol: good bye")
    await dave.types("QUIT CONVERSATION")
    await carol.sees("The conversation is over.")
    await trio.sleep(LONG)
    carol.never_saw("left for")
    carol.never_saw("received")
    dave.never_saw("left for you")


async def test_a_yes_to_somebody_else_leaves_it_at_once(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    erin = community.person("erin")
    await erin.starts()
    await erin.types("CHAT dave")
    await erin.sees_part("Interrupt? (Y/N)")
    await erin.types("Y")
    await dave.sees_part(" Y leaves your conversation with carol.")
    await carol.types("good bye")
    await dave.sees("carol: good bye")
    await dave.types("/y")
    await dave.sees("You are now connected with erin.")
    await trio.sleep(LONG)
    carol.never_saw("left for")


async def test_a_room_is_left_at_once(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, dave, erin)
    await carol.types("#lab good bye")
    await dave.sees("#lab carol: good bye")
    await dave.types("PART lab")
    await carol.sees("User dave left the room #lab.")
    await trio.sleep(LONG)
    carol.never_saw("received")
    dave.never_saw("left for you")


async def test_the_program_ends_at_once(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("good bye")
    await dave.sees("carol: good bye")
    await dave.ends_input()
    await carol.sees("The conversation is over.")
    await trio.sleep(LONG)
    carol.never_saw("left for")
    carol.never_saw("received")


async def test_a_text_that_never_reaches_the_screen_keeps_nobody_in(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, dave, erin)
    dave.screen.pauses()
    await carol.types("#lab not seen")
    await trio.sleep(1)
    dave.types_ahead("PART lab")
    await carol.sees("User dave left the room #lab.", within=2 * KEEP_SECONDS)
