"""A bot asks its peer (`peer.api`) for many things, and is told when one cannot be done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from peer.api import (
    BackInConversation,
    Chat,
    EventQueue,
    NameTaken,
    Refused,
    SaidPrivately,
    Unreachable,
    join,
)
from peer.console.codes import Code
from peer.lifespan import running
from peer.local_peer import LocalPeer
from peer.program.one_shot import QUIT_SECONDS
from shared.errors import ParleyError
from shared.messages.common import TEXT_CHARACTERS
from tests.kit.community import DIRECTORY, Community, Person

TOO_LONG = "x" * (TEXT_CHARACTERS + 1)
LOST = "Lost the directory, trying again."


def bot(person: Person) -> Chat:
    return Chat(person.peer, EventQueue())


@asynccontextmanager
async def joined(person: Person) -> AsyncIterator[Chat]:
    """Be a bot on the machine of somebody whose program does not run, as `join` does it."""
    events = EventQueue()
    peer = LocalPeer(person.machine.world(), person.name, [DIRECTORY], events.add)
    async with running(peer):
        yield Chat(peer, events)


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


@pytest.mark.parametrize(
    "error", [Refused("no"), ValueError("mine"), SystemExit(3), KeyboardInterrupt()], ids=repr
)
async def test_an_error_of_the_block_comes_out_as_it_is(
    community: Community, error: BaseException
) -> None:
    with pytest.raises(type(error)) as raised:
        async with joined(community.person("carol")):
            raise error
    assert raised.value is error


async def test_so_does_one_that_prevents_registering(community: Community) -> None:
    await community.start("carol")
    for name, kind in (("carol", NameTaken), ("all", Refused)):
        stranger = community.person(name)
        with pytest.raises(kind) as raised:
            async with joined(stranger):
                raise AssertionError("it is registered")
        assert isinstance(raised.value, ParleyError)


@pytest.mark.parametrize("name", ["", "two words", "x" * 300, "\udcff"])
async def test_nobody_joins_under_what_is_no_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not a valid name"):
        async with join(name, "127.0.0.1", 9, data=tmp_path):
            raise AssertionError("it is registered")


async def test_a_cancelled_bot_ends_at_once_and_is_back_at_its_next_start(
    community: Community,
) -> None:
    (dave,) = await community.start("dave")
    carol = community.person("carol")
    with trio.CancelScope() as bound:
        async with joined(carol) as chat, trio.open_nursery() as nursery:
            nursery.start_soon(chat.invite, "dave")
            await dave.sees("User carol wants to chat with you. Would you like to? (Y/N)")
            await dave.types("Y")
            await dave.sees("You are now connected with carol.")
            begun = trio.current_time()
            bound.cancel()
    assert trio.current_time() == begun
    async with joined(carol) as chat:
        back = await chat.until(BackInConversation)
        assert back.others == ("dave",)
        await dave.types("@carol welcome back")
        line = await chat.until(SaidPrivately)
        assert (line.sender, line.text) == ("dave", "welcome back")
    await dave.sees("User carol left the conversation.")
    with pytest.raises(Unreachable):
        await chat.users()


async def test_a_command_does_not_wait_for_a_full_disk_without_an_end(
    community: Community,
) -> None:
    carol = community.person("carol")
    assert await carol.runs("STATUS") is Code.DONE
    carol.machine.disk.is_full = True
    begun = trio.current_time()
    assert await carol.runs("ROOM lab") is Code.UNREACHABLE
    assert trio.current_time() <= begun + 2 * QUIT_SECONDS
    await carol.sees("Not everything that was typed has been delivered or stored.")
    carol.machine.disk.is_full = False
    assert await carol.runs("ROOM lab") is Code.DONE
