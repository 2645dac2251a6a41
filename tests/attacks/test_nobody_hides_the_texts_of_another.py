"""Nobody hides what somebody else says by leaving letters.

A copy in the mailbox has an id that every member can work out before its text is
written; it counts for the texts of its own sender only.
"""

import pytest

from shared import receipt
from shared.messages.directory import Receipts
from shared.sealing import copy_id
from tests.kit.attackers.letters import leave, next_texts
from tests.kit.community import Community
from tests.kit.raw_peer import id_of, raw


@pytest.mark.parametrize("names_the_text", [True, False])
async def test_letters_with_the_ids_of_what_dave_says_next_hide_nothing(
    community: Community, *, names_the_text: bool
) -> None:
    carol, dave = await community.talking("carol", "dave")
    async with raw(community, "mallory") as mallory:
        for about in next_texts(dave, 5):
            await leave(
                mallory, "carol", "look here", id=copy_id(about, id_of(dave), id_of(carol)),
                about=about if names_the_text else None,
            )  # fmt: skip
        await carol.sees_part("left for you")
        for number in range(1, 6):
            await dave.types(f"text {number}")
        for number in range(1, 6):
            await carol.sees(f"dave: text {number}")
    await carol.is_killed()
    await carol.starts()
    await carol.sees("You are back in the conversation with dave.", within=30)
    await dave.types("text 6")
    await carol.sees("dave: text 6")


async def test_a_copy_of_a_text_that_its_sender_did_not_write_is_refused(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    (about,) = next_texts(dave, 1)
    async with raw(community, "mallory") as mallory:
        id = copy_id(about, id_of(dave), id_of(carol))
        await leave(mallory, "carol", "look here", id=id, about=about)
        await carol.sees(
            "A message that was left for you cannot be opened:"
            " it says that it is a copy of somebody else's text."
        )
        (refused,) = (await mallory.client.hears(Receipts)).receipts
        assert refused.refused == receipt.UNREADABLE
    carol.never_saw("look here")


@pytest.mark.parametrize("comes_before", [True, False])
async def test_letters_with_the_ids_of_what_dave_leaves_next_hide_nothing(
    community: Community, *, comes_before: bool
) -> None:
    """His copies bear the very same ids, whether hers were taken before or lie beside them."""
    carol, dave = await community.talking("carol", "dave")
    async with raw(community, "mallory") as mallory:
        if not comes_before:
            await carol.is_killed()
        for about in next_texts(dave, 2):
            await leave(mallory, "carol", "look here", id=copy_id(about, id_of(dave), id_of(carol)))
        if comes_before:
            for _ in range(2):
                await carol.sees_part("mallory: look here")
            await carol.is_killed()
        await dave.types("text 1", "text 2")
        for _ in range(2):
            await dave.sees("Message left for carol.", within=60)
        await dave.is_killed()
        await carol.starts()
        await carol.sees_part("dave: text 1")
        await carol.sees_part("dave: text 2")


async def test_an_old_journal_that_was_misled_hides_nothing_any_more(community: Community) -> None:
    """An earlier version took such letters, and they are in the journal for ever."""
    carol, dave = await community.start("carol", "dave")
    await carol.connects_with(dave)
    places, carols_id = next_texts(dave, 2), id_of(carol)
    await carol.is_killed()
    for one in places:
        carol.machine.disk.ask(
            "journal.db",
            "INSERT INTO letters"
            " (id, sender, time, came, is_copy, conversation, epoch, seq, member)"
            " VALUES (?, 'mallory', 0, 0, 1, ?, ?, ?, 'mallory')",
            copy_id(one, id_of(dave), carols_id), one.conversation, one.epoch, one.seq,
        )  # fmt: skip
    await carol.starts()
    await carol.sees("You are back in the conversation with dave.", within=30)
    await dave.types("text 1", "text 2")
    await carol.sees("dave: text 1")
    await carol.sees("dave: text 2")
