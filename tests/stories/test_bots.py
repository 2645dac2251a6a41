"""What a bot may ask of its peer (`peer.api`), and what it gets when that cannot be done."""

import pytest
import trio

from peer.api import Chat, EventQueue, Refused
from shared.messages.common import TEXT_CHARACTERS
from tests.kit.community import Community, Person

TOO_LONG = "x" * (TEXT_CHARACTERS + 1)
LOST = "Lost the directory, trying again."


def bot(person: Person) -> Chat:
    return Chat(person.peer, EventQueue())


async def connects(carol: Person, dave: Person) -> None:
    await carol.types("CHAT dave")
    await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
    await dave.types("Y")
    await carol.sees("You are now connected with dave.")


async def test_a_text_that_is_too_long_is_refused_and_spoils_nothing(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await connects(carol, dave)
    chat = bot(carol)
    await chat.found_room("lab")
    await erin.types("QUIT")

    with pytest.raises(Refused, match="too long: 8,001 characters"):
        await chat.say(TOO_LONG)
    with pytest.raises(Refused, match="too long"):
        await chat.say_in("lab", TOO_LONG)
    with pytest.raises(Refused, match="too long"):
        chat.private("dave", TOO_LONG)
    with pytest.raises(Refused, match="too long"):
        await chat.to_all(TOO_LONG)
    with pytest.raises(Refused, match="too long"):
        await chat.leave_message("erin", TOO_LONG)

    sent = await chat.say("hello")
    await sent.delivered()
    assert sent.states() == {"dave": "delivered"}
    await chat.private("dave", "to you alone").wait()
    assert await chat.leave_message("erin", "back at five?") == "erin"
    await dave.sees("carol: hello")
    await dave.sees("[private] carol: to you alone")
    carol.never_saw(LOST)


async def test_a_half_character_ends_no_bot(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await connects(carol, dave)
    chat = bot(carol)
    await chat.say("file \udcff")
    await chat.private("dave", "file \udcfe").wait()
    await chat.leave_message("dave", "file \udcfd")
    await dave.sees("carol: file \N{REPLACEMENT CHARACTER}")
    await dave.sees("[private] carol: file \N{REPLACEMENT CHARACTER}")
    await trio.sleep(1)
    assert carol.is_running


@pytest.mark.parametrize("name", ["", "two words", "dave (ANOTHER KEY)", "x" * 33, "x" * 8_000])
async def test_what_is_no_name_is_nobody(community: Community, name: str) -> None:
    (carol,) = await community.start("carol")
    chat = bot(carol)
    for ask in (chat.contact, chat.invite, chat.words):
        with pytest.raises(Refused, match="does not exist!") as refused:
            await ask(name)
        assert refused.value.code == "NOBODY"
    with pytest.raises(Refused, match="does not exist!"):
        await chat.private(name, "hello").wait()
    with pytest.raises(Refused, match="does not exist!"):
        await chat.leave_message(name, "hello")
    for ask_ in (chat.watch, chat.found_room):
        with pytest.raises(Refused, match="is not a valid name"):
            await ask_(name)
    if name:
        assert await chat.users(name) == []
    assert not chat.rooms
    assert not chat.watched
    await trio.sleep(1)
    carol.never_saw(LOST)
