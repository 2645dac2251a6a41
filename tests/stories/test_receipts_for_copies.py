"""The author of a text that was left in a mailbox reads when it was received there."""

import trio

from peer.core.local_time import local_time
from tests.kit.community import Community, Person
from tests.kit.rooms import founds

LONG = 65.0  # until a member who is away has left the conversation


def received(author: Person) -> str:
    """Return what the author reads when dave has received what is said now."""
    return f"dave received your message of {local_time(author.now):%H:%M}."


async def said_to_nobody(community: Community) -> tuple[Person, Person, str]:
    """Let carol say something to dave, who died; their conversation is over now."""
    carol, dave = await community.talking("carol", "dave")
    await dave.is_killed()
    await carol.types("are you there?")
    expected = received(carol)
    await carol.sees("Message left for dave.", within=LONG)
    await carol.sees("The conversation is over.", within=LONG)
    return carol, dave, expected


async def test_it_is_told_when_the_conversation_is_over(community: Community) -> None:
    carol, dave, expected = await said_to_nobody(community)
    await dave.starts()
    await dave.sees_part("carol: are you there?")
    await carol.sees(expected)
    await carol.starts_again()
    await trio.sleep(1)
    carol.never_saw("received")


async def test_it_is_told_by_the_next_program(community: Community) -> None:
    carol, dave, expected = await said_to_nobody(community)
    await carol.quits()
    await dave.starts()
    await dave.sees_part("carol: are you there?")
    await carol.starts()
    await carol.sees(expected)


async def test_it_is_told_once_while_the_conversation_goes_on(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("wants to chat with you")
    await erin.types("Y")
    await carol.sees("User erin joined the conversation.")
    await dave.sees("User erin joined the conversation.")
    await dave.is_killed()
    await carol.types("are you there?")
    expected = received(carol)
    await carol.sees("Message left for dave.", within=LONG)
    await carol.sees("User dave left the conversation (connection lost).", within=LONG)
    await dave.starts()
    await dave.sees_part("carol: are you there?")
    await trio.sleep(LONG)
    assert carol.saw("received") == carol.saw(expected) == 1


async def test_of_a_room_nothing_is_told(community: Community) -> None:
    """Nobody reads there that a text was left, for it would be said for each who is away."""
    carol, dave = await community.start("carol", "dave")
    await founds(carol, dave)
    await dave.is_killed()
    await carol.types("#lab are you there?")
    await trio.sleep(LONG)
    await carol.starts_again()
    await dave.starts()
    await dave.sees_part("#lab carol: are you there?")
    await trio.sleep(LONG)
    await carol.types("PART lab")
    await trio.sleep(LONG)
    carol.never_saw("received")
    carol.never_saw("left for")
