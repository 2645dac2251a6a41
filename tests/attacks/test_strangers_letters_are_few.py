"""Whoever I have never answered is announced before their first letter, and cannot fill my disk."""

import trio

from peer.core.stranger_limits import BYTES_MOST
from shared.messages.common import TEXT_CHARACTERS
from shared.messages.directory import Receipts
from shared.receipt import is_signed
from tests.kit.attackers.letters import leave
from tests.kit.community import Community
from tests.kit.raw_peer import raw

FIRST = "mallory writes to you for the first time; IGNORE mallory hears no more."


async def test_the_first_letter_is_announced_and_no_later_one(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("LEAVE dave I know you")
    await carol.quits()
    async with raw(community, "mallory") as mallory:
        await dave.types("LEAVE carol hello")
        await leave(mallory, "carol", "one", id="1" * 32)
        await leave(mallory, "carol", "two", id="2" * 32)
        await carol.starts()
        await carol.sees("3 messages were left for you:")
        await carol.sees_part("dave: hello")
        await carol.sees(FIRST)
        await carol.sees_part("mallory: one")
        await carol.sees_part("mallory: two")
        await carol.starts_again()
        await leave(mallory, "carol", "three", id="3" * 32)
        await carol.sees_part("mallory: three")
    carol.never_saw("for the first time")


async def test_what_is_too_much_is_refused_and_both_are_told(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.screen.is_quick = True
    text = "\U0001f642" * TEXT_CHARACTERS
    most = BYTES_MOST // (4 * TEXT_CHARACTERS)
    async with raw(community, "mallory") as mallory:
        for number in range(most + 1):
            await leave(mallory, "carol", text, id=f"{number:032x}")
            await trio.sleep(0.1)
        refused = [
            one
            for message in mallory.client.heard
            if isinstance(message, Receipts)
            for one in message.receipts
            if one.refused
        ]
        assert {one.refused for one in refused} == {"full"}
        key, mine = carol.peer._memory.myself.key, mallory.client.identity.public
        assert all(is_signed(one, key, mine) for one in refused)
        await carol.sees(
            "Messages that mallory left for you are refused: you have never answered mallory, and"
            " have enough of theirs."
        )
        await dave.types("LEAVE carol I am another one")
        await carol.sees_part("dave: I am another one")
        await carol.types("LEAVE mallory go on")
        await leave(mallory, "carol", "thank you", id="f" * 32)
        await carol.sees_part("mallory: thank you")


async def test_a_disk_that_takes_nothing_for_a_while_makes_no_letter_too_much(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    carol.screen.is_quick = True
    carol.machine.disk.is_full = True
    async with raw(community, "mallory") as mallory:
        for number in range(3):
            text = "\U0001f642" * TEXT_CHARACTERS
            await leave(mallory, "carol", text, id=f"{number:032x}")
        await trio.sleep(1_000)
        carol.machine.disk.is_full = False
        await trio.sleep(30)
        await carol.sees("3 messages were left for you:")
        assert carol.saw(FIRST) == 1
    carol.never_saw("refused")
