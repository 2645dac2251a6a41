"""Messages for the absent: stored before it is said, deleted when they are taken."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.mail_limits import KEEP_SECONDS, MESSAGES_FROM_ONE
from shared.errors import Refused
from shared.messages.common import Err
from shared.messages.directory import (
    Done,
    Drop,
    Envelope,
    Fetch,
    Mail,
    Noted,
    Receipts,
    Stored,
    Taken,
    Unregister,
    Verdict,
    Waiting,
)
from tests.kit.directory import Town
from tests.kit.raw_client import Client


def envelope(number: int) -> str:
    return f"{number:032x}"


async def leave(client: Client, to: str, *numbers: int, sealed: bytes = b"sealed") -> list[Any]:
    """Drop these envelopes at once; returns the answers in the order of the envelopes."""
    drops = [Drop(client.next_id(), to, envelope(number), sealed) for number in numbers]
    for drop in drops:
        client.say(drop)
    return [await client.answer_to(drop) for drop in drops]


async def mail(client: Client) -> list[Envelope]:
    """Everything in the mailbox, page by page."""
    found: list[Envelope] = []
    more = True
    while more:
        after = found[-1].number if found else 0
        page = await client.ask(Fetch(client.next_id(), after))
        assert isinstance(page, Mail)
        found += page.envelopes
        more = page.more
    return found


def verdict(of: Envelope, refused: str = "") -> Verdict:
    """The directory does not look at the signature."""
    return Verdict(of.number, of.id, of.id.encode() * 2, refused)


async def take(client: Client, *numbers: int) -> Any:
    """Take these envelopes, which wait; returns the answer."""
    wanted = {envelope(number) for number in numbers}
    found = [verdict(one) for one in await mail(client) if one.id in wanted]
    return await client.ask(Taken(client.next_id(), tuple(found)))


async def absent(town: Town, *names: str) -> None:
    for name in names:
        await (await town.enters(name)).leaves()


async def test_a_message_waits_until_it_is_taken_and_its_sender_learns_when(town: Town) -> None:
    await absent(town, "dave")
    carol = await town.enters("carol")

    before = town.machine.clock.time()
    assert await leave(carol, "DAVE", 1, 2, sealed=b"closed") == [
        Stored(1, envelope(1)),
        Stored(2, envelope(2)),
    ]

    dave = await town.enters("dave")
    assert dave.welcome.waiting == 2
    waiting = await mail(dave)
    assert [(one.id, one.sealed) for one in waiting] == [
        (envelope(1), b"closed"),
        (envelope(2), b"closed"),
    ]
    assert await mail(dave) == waiting, "fetching takes nothing away"
    assert all(before <= one.at <= town.machine.clock.time() for one in waiting)

    first, second = waiting
    unknown = Verdict(99, envelope(3), bytes(64))
    taken = (verdict(first), verdict(second, "certificate"), unknown)
    assert await dave.ask(Taken(9, taken)) == Done(9)
    assert await mail(dave) == []
    receipts = (await carol.hears(Receipts)).receipts
    assert sorted((one.envelope, one.by, one.proof, one.refused) for one in receipts) == [
        (envelope(1), "dave", verdict(first).proof, ""),
        (envelope(2), "dave", verdict(second).proof, "certificate"),
    ]


async def test_it_survives_both_programs_and_the_directory(town: Town) -> None:
    await absent(town, "dave")
    await leave(await town.enters("carol"), "dave", 1)

    await town.crashes()
    await town.opens()
    dave = await town.enters("dave")
    assert [one.id for one in await mail(dave)] == [envelope(1)]
    await town.crashes()
    await town.opens()

    dave = await town.enters("dave")
    assert dave.welcome.waiting == 1
    await take(dave, 1)
    await town.crashes()
    await town.opens()

    assert (await town.enters("dave")).welcome.waiting == 0


async def test_a_receipt_is_repeated_at_each_start_until_it_is_noted(town: Town) -> None:
    await absent(town, "dave")
    carol = await town.enters("carol")
    await leave(carol, "dave", 1)
    await carol.leaves()
    dave = await town.enters("dave")
    await take(dave, 1)

    for _ in range(2):
        carol = await town.enters("carol")
        (receipt,) = (await carol.hears(Receipts)).receipts
        assert (receipt.envelope, receipt.by) == (envelope(1), "dave")
        assert receipt.proof == envelope(1).encode() * 2
        await town.crashes()
        await town.opens()

    carol = await town.enters("carol")
    await carol.hears(Receipts)
    assert await carol.ask(Noted(5, (envelope(1),))) == Done(5)
    await carol.leaves()
    carol = await town.enters("carol")
    await mail(carol)
    assert not [message for message in carol.heard if isinstance(message, Receipts)]


async def test_a_sender_who_lost_the_answer_may_repeat_it(town: Town) -> None:
    await absent(town, "dave")
    carol = await town.enters("carol")
    await leave(carol, "dave", 1)

    assert isinstance((await leave(carol, "dave", 1))[0], Stored)
    dave = await town.enters("dave")
    assert len(await mail(dave)) == 1

    await take(dave, 1)
    assert isinstance((await leave(carol, "dave", 1))[0], Stored)
    assert await mail(dave) == [], "it was taken already"


async def test_two_senders_may_hit_on_the_same_number(town: Town) -> None:
    await absent(town, "dave")
    carol, erin = await town.enters("carol"), await town.enters("erin")
    await leave(carol, "dave", 1)
    await leave(erin, "dave", 1)
    dave = await town.enters("dave")
    first, second = await mail(dave)
    assert await dave.ask(Taken(8, (verdict(first),))) == Done(8)
    assert await mail(dave) == [second], "who uses the id of another deletes nothing of theirs"
    assert (await carol.hears(Receipts)).receipts[0].by == "dave"
    assert await dave.ask(Taken(9, (verdict(second),))) == Done(9)
    assert (await erin.hears(Receipts)).receipts[0].by == "dave"


async def test_nobody_takes_what_is_not_theirs(town: Town) -> None:
    await absent(town, "dave")
    carol, mallory = await town.enters("carol"), await town.enters("mallory")
    await leave(carol, "dave", 1)
    dave = await town.enters("dave")
    (waiting,) = await mail(dave)

    assert await mail(mallory) == []
    assert await mallory.ask(Taken(1, (verdict(waiting),))) == Done(1)
    assert await mallory.ask(Noted(2, (envelope(1),))) == Done(2)
    other = Verdict(waiting.number, envelope(2), bytes(64))
    assert await dave.ask(Taken(3, (other,))) == Done(3), "number and id must fit"

    assert await mail(dave) == [waiting]


async def test_somebody_who_is_here_is_told_that_mail_waits(town: Town) -> None:
    carol, dave = await town.enters("carol"), await town.enters("dave")
    await leave(carol, "dave", 1, 2)
    assert await dave.hears(Waiting) == Waiting(2)
    assert len(await mail(dave)) == 2


async def test_mail_comes_in_pages_that_fit_into_a_line(town: Town) -> None:
    await absent(town, "dave")
    carol = await town.enters("carol")
    await leave(carol, "dave", *range(5), sealed=bytes(40_000))
    await leave(carol, "dave", *range(10, 40), sealed=bytes(3_000))
    dave = await town.enters("dave")
    assert [int(one.id, 16) for one in await mail(dave)] == [*range(5), *range(10, 40)]
    assert await dave.ask(Fetch(99, 2**52)) == Mail(99, ())


async def test_there_is_no_mail_for_nobody_and_for_oneself(town: Town) -> None:
    carol = await town.enters("carol")
    assert await leave(carol, "dave", 1) == [Err("NOBODY", "User dave does not exist!", 1)]
    assert await leave(carol, "Carol", 1) == [
        Err("REFUSED", "You can't leave a message for yourself.", 2)
    ]


async def test_a_limit_is_said_and_what_came_before_is_kept(town: Town) -> None:
    await absent(town, "dave")
    carol = await town.enters("carol")
    answers = await leave(carol, "dave", *range(MESSAGES_FROM_ONE + 1))

    assert all(isinstance(answer, Stored) for answer in answers[:-1])
    assert answers[-1] == Err(
        "FULL", "100 messages from you already wait for dave", MESSAGES_FROM_ONE + 1
    )
    assert isinstance((await leave(carol, "dave", 0))[0], Stored), "a repetition needs no room"
    dave = await town.enters("dave")
    await take(dave, 0)
    assert isinstance((await leave(carol, "dave", 500))[0], Stored)


async def test_what_nobody_fetches_is_thrown_away_after_two_weeks(
    town: Town, autojump_clock: MockClock
) -> None:
    await absent(town, "dave")
    await leave(await town.enters("carol"), "dave", 1)
    await town.runs_for(KEEP_SECONDS / 2 - 500)
    await leave(await town.enters("carol"), "dave", 2)
    await (await town.enters("dave")).leaves()
    await town.runs_for(KEEP_SECONDS / 2 - 500)

    assert (await town.enters("dave")).welcome.waiting == 2
    await trio.sleep(1_700)
    dave = await town.enters("dave")
    assert [one.id for one in await mail(dave)] == [envelope(2)]


async def test_unregistering_takes_the_mailbox_but_not_what_was_left_for_others(
    town: Town,
) -> None:
    await absent(town, "dave", "erin")
    carol = await town.enters("carol")
    await leave(carol, "dave", 1)
    await leave(carol, "erin", 2)
    dave = await town.enters("dave")
    await dave.ask(Unregister(1))

    assert await leave(carol, "dave", 3) == [Err("NOBODY", "User dave does not exist!", 3)]
    await carol.ask(Unregister(9))
    assert (await town.enters("dave")).welcome.waiting == 0
    erin = await town.enters("erin")
    assert [one.id for one in await mail(erin)] == [envelope(2)]
    assert isinstance(await take(erin, 2), Done)


# --- A disk that is full ---


async def test_a_full_disk_is_said_and_the_directory_lives_on(town: Town) -> None:
    await absent(town, "dave")
    carol = await town.enters("carol")
    town.machine.disk.is_full, town.machine.disk.has_reserve = True, False

    why = "the disk did not take it: database or disk is full"
    no = Err("DISK", f"the directory did not store the message: {why}", 1)
    assert await leave(carol, "dave", 1) == [no]
    assert await town.enters("dave")  # who is known needs no disk
    with pytest.raises(Refused, match="disk") as refusal:
        await town.enters("erin")
    assert refusal.value.code == "DISK"
    assert (await carol.ask(Unregister(5))).code == "DISK"
    assert (await take(carol)).code == "DISK"

    town.machine.disk.is_full = False
    assert isinstance((await leave(carol, "dave", 1))[0], Stored)
    await town.enters("erin")


async def test_a_full_disk_forgets_nothing_that_it_is_told_later(
    town: Town, autojump_clock: MockClock
) -> None:
    dave = await town.enters("dave")
    town.machine.disk.is_full = True
    await dave.leaves()
    await trio.sleep(700)
    town.machine.disk.is_full = False
    await trio.sleep(700)
    await town.crashes()
    await town.opens()
    assert (await town.enters("dave")).welcome.name == "dave"


async def test_a_full_disk_can_be_emptied_by_its_users(town: Town) -> None:
    await absent(town, "dave", "erin")
    carol = await town.enters("carol")
    await leave(carol, "dave", 1)
    await leave(carol, "erin", 2)
    town.machine.disk.is_full = True

    dave = await town.enters("dave")
    assert isinstance(await take(dave, 1), Done)
    assert await mail(dave) == []
    await carol.hears(Receipts)
    assert isinstance(await carol.ask(Noted(7, (envelope(1),))), Done)
    erin = await town.enters("erin")
    assert isinstance(await erin.ask(Unregister(8)), Done)
    assert (await leave(carol, "dave", 3))[0].code == "DISK", "room is for deletions only"

    town.machine.disk.is_full = False
    assert isinstance((await leave(carol, "dave", 3))[0], Stored)
