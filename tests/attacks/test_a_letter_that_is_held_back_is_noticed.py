"""Who reads a letter learns that an earlier one of the same sender has not come.

Each letter names the one before it.  What is held back at the end is noticed with the
next letter only; its sender has no receipt for it.
"""

from typing import Any

import pytest
import trio

from directory_server.core.mail_limits import MESSAGES_FROM_ONE
from directory_server.storage import mailbox
from peer.runtime.mailbox.letter_drop import LetterDrop
from tests.kit.attackers.letters import envelopes_at, gives_again, takes_away
from tests.kit.community import Community, Person

MISSING = "A message that carol left before the next one has not come; it may have waited too long."


async def left(community: Community, *texts: str) -> tuple[Person, Person]:
    """Carol has left these for dave, who is away."""
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    for text in texts:
        await carol.types(f"LEAVE dave {text}")
        await carol.sees("Message left for dave.")
    return carol, dave


@pytest.mark.parametrize("number", [0, 1])
async def test_what_the_directory_drops_is_missed(community: Community, number: int) -> None:
    carol, dave = await left(community, "one", "two", "three")
    takes_away(community, [envelopes_at(community)[number]])
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    if number:
        await dave.sees_part("carol: one")
    await dave.sees(MISSING)
    await dave.sees_part(["carol: two", "carol: three"][number])
    assert dave.saw(MISSING) == 1
    await dave.starts_again()
    await carol.types("LEAVE dave four")
    await dave.sees_part("carol: four")
    dave.never_saw(MISSING)


async def test_it_is_missed_also_when_its_sender_starts_again(community: Community) -> None:
    carol, dave = await left(community, "one", "two")
    takes_away(community, envelopes_at(community)[1:])
    await carol.starts_again()
    await carol.types("LEAVE dave three")
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees_part("carol: one")
    await dave.sees(MISSING)
    await dave.sees_part("carol: three")


async def test_it_is_missed_also_when_its_sender_could_not_note_it(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await left(community, "one")
    disk, drop = carol.machine.disk, LetterDrop._drop

    async def fills_the_disk(self: LetterDrop, *args: Any) -> None:
        await drop(self, *args)
        disk.is_full = True

    with monkeypatch.context() as patch:
        patch.setattr(LetterDrop, "_drop", fills_the_disk)
        await carol.types("LEAVE dave two")
        await carol.sees("Message left for dave.")
    disk.is_full = False
    takes_away(community, envelopes_at(community)[1:])
    await carol.types("LEAVE dave three")
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees_part("carol: one")
    await dave.sees(MISSING)
    await dave.sees_part("carol: three")


async def test_what_its_sender_did_not_live_to_leave_is_not_missed(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await left(community, "one")

    async def never(*_: object) -> None:
        await trio.sleep_forever()

    with monkeypatch.context() as patch, trio.move_on_after(1):
        patch.setattr(LetterDrop, "_drop", never)
        await carol.peer.letters.leave("dave", "never left")
    await carol.starts_again()
    await carol.types("LEAVE dave two")
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    await dave.sees_part("carol: two")
    dave.never_saw(MISSING)


async def test_what_comes_late_is_shown_after_it_was_missed(community: Community) -> None:
    _, dave = await left(community, "one", "two")
    held = envelopes_at(community)[:1]
    takes_away(community, held)
    await dave.starts()
    await dave.sees(MISSING)
    await dave.sees_part("carol: two")
    gives_again(community, held)
    await dave.starts_again()
    await dave.sees_part("carol: one")
    dave.never_saw(MISSING)


async def test_nothing_is_missed_where_nothing_was_lost(community: Community) -> None:
    """Refusals, deaths of everybody, restarts, and who was ignored for a while."""
    carol, dave = await left(community, "one")
    await carol.types(*(f"LEAVE dave again {number}" for number in range(MESSAGES_FROM_ONE)))
    await carol.sees_part("100 messages from you already wait")
    await dave.starts()
    await dave.sees("100 messages were left for you:")
    await carol.types("LEAVE dave two")
    await dave.sees_part("carol: two")
    community.directory.machine.disk.is_full = True
    await carol.types("LEAVE dave lost")
    await carol.sees_part("Kept for dave")
    community.directory.machine.disk.is_full = False
    await community.directory.crashes_and_restarts()
    await carol.sees("The directory is back.", within=60)
    await dave.sees("The directory is back.", within=60)
    await dave.types("IGNORE carol")
    await carol.types("LEAVE dave unheard")
    await carol.sees("Message left for dave.")
    await trio.sleep(1)
    await dave.types("UNIGNORE carol")
    await carol.starts_again()
    await carol.types("PRV dave directly", "LEAVE dave three")
    await dave.sees_part("carol: three")
    dave.never_saw(MISSING)


async def test_a_copy_that_need_not_be_shown_is_not_missed(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    (cable,) = community.cables(carol, dave)
    cable.deafen(carol.host)
    await carol.types("one", "two")
    await dave.sees("carol: two")
    await community.directory.crashes()
    await carol.types("QUIT CONVERSATION")
    await carol.sees_part("Not yet left for dave", within=20)
    await community.directory.starts()
    await carol.sees("Message left for dave.", within=60)
    await carol.sees("Message left for dave.")
    await carol.types("LEAVE dave three")
    await dave.sees_part("carol: three")
    dave.never_saw(MISSING)


async def test_what_waited_too_long_is_missed_as_well(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "KEEP_SECONDS", 600)
    carol, dave = await left(community, "one")
    await trio.sleep(4_000)
    await carol.types("LEAVE dave two")
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees(MISSING)
    await dave.sees_part("carol: two")
