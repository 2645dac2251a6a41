"""Private lines that outlive the programs that carry them (D1, D2, D6)."""

from typing import Any

import pytest
import trio

from peer.core.line_window import SECONDS
from tests.kit.community import Community, Person


def on_disk(person: Person, sql: str) -> list[tuple[Any, ...]]:
    return person.machine.disk.ask("journal.db", sql)


def pending(person: Person) -> list[str]:
    """What its program has not finished, as it lies on disk."""
    rows = on_disk(person, "SELECT text FROM lines WHERE is_pending ORDER BY number")
    return [text for (text,) in rows]


async def history(person: Person, of: str) -> list[str]:
    """The texts, without their times."""
    found = await person.peer.history.last(of)
    return [f"{entry.kind.value} {entry.author}: {entry.text}" for entry in found.entries]


# --- The sender dies --------------------------------------------------------------


@pytest.mark.parametrize("moment", range(2, 80, 2))
async def test_the_sender_may_die_at_any_moment(community: Community, moment: int) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.types_ahead("@dave hello")
    for _ in range(moment):
        await trio.lowlevel.checkpoint()
    await carol.is_killed()
    was_kept = bool(pending(carol))
    await trio.sleep(1)
    was_shown = bool(dave.saw("hello"))
    await carol.starts()
    await trio.sleep(30)
    assert dave.saw("[private] carol: hello") == (was_kept or was_shown)
    assert dave.saw("hello") <= 1
    assert not pending(carol)
    carol.never_saw("Not delivered")


async def test_what_was_interrupted_is_sent_in_order_at_the_next_start(
    community: Community,
) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    for cable in (dave, erin):
        community.separates(carol, cable)
    carol.types_ahead("@dave one", "@dave two", "@erin three", "@dave four")
    await trio.sleep(1)
    await carol.is_killed()
    assert pending(carol) == ["one", "two", "three", "four"]
    for cable in (dave, erin):
        community.reunites(carol, cable)
    await carol.starts()
    for text in ("one", "two", "four"):
        await dave.sees(f"[private] carol: {text}")
    await erin.sees("[private] carol: three")
    await trio.sleep(1)
    assert not pending(carol)
    assert await history(carol, "dave") == [f"private carol: {n}" for n in ("one", "two", "four")]


async def test_what_was_interrupted_is_left_for_who_is_away_at_the_next_start(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    community.separates(carol, dave)
    carol.types_ahead("@dave one", "@dave two")
    await trio.sleep(1)
    await carol.is_killed()
    await dave.quits()
    await carol.starts()
    for _ in range(2):
        await carol.sees("Message left for dave.")
    await trio.sleep(1)
    assert not pending(carol)
    await dave.starts()
    await dave.sees("2 messages were left for you:")
    await dave.sees_part("carol: one")
    await dave.sees_part("carol: two")
    await carol.starts_again()
    await trio.sleep(30)
    assert dave.saw("one") == dave.saw("two") == 1
    assert await history(carol, "dave") == ["left carol: one", "left carol: two"]
    assert await history(dave, "carol") == ["left carol: one", "left carol: two"]


async def test_what_a_script_did_not_live_to_deliver_is_taken_up(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.quits()
    community.separates(carol, dave)
    with trio.move_on_after(5):
        await carol.runs("PRV dave build is green")
    carol.machine.kill()
    assert pending(carol) == ["build is green"]
    community.reunites(carol, dave)
    await carol.starts()
    await dave.sees("[private] carol: build is green")


async def test_what_the_user_knows_to_have_failed_is_not_tried_again(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    await carol.types("PRV frank hello")
    await carol.sees("User frank does not exist!")
    await trio.sleep(1)
    assert not pending(carol)
    frank = community.person("frank")
    await frank.starts()
    await carol.starts_again()
    await trio.sleep(30)
    frank.never_saw("hello")
    assert await history(carol, "frank") == []


async def test_it_is_tried_again_until_the_directory_is_back(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    community.separates(carol, dave)
    carol.types_ahead("@dave hello")
    await trio.sleep(1)
    await carol.is_killed()
    await carol.starts()
    await trio.sleep(1)
    await community.directory.crashes()
    await trio.sleep(60)
    assert pending(carol) == ["hello"]
    community.reunites(carol, dave)
    await community.directory.starts()
    await trio.sleep(120)
    assert not pending(carol)
    assert dave.saw("hello") == 1


# --- The receiver dies ------------------------------------------------------------


@pytest.mark.parametrize("moment", range(2, 80, 2))
async def test_the_receiver_may_die_at_any_moment(community: Community, moment: int) -> None:
    carol, dave = await community.start("carol", "dave")
    carol.types_ahead("@dave hello")
    for _ in range(moment):
        await trio.lowlevel.checkpoint()
    was_delivered = (
        not carol.peer._exchange.lines.is_sending_to("dave") and not carol.keyboard.waiting
    )
    await dave.is_killed()
    shown = dave.saw("hello")
    ((kept,),) = on_disk(dave, "SELECT count(*) FROM lines")
    assert kept >= was_delivered
    await dave.starts()
    await trio.sleep(SECONDS)
    # Killed in the instant between showing and keeping it: better twice than never.
    assert dave.saw("hello") + shown == 1 + (shown and not kept)
    assert [line.split(" ", 1)[1] for line in await history(dave, "carol")] == ["carol: hello"]
    assert not pending(carol)


# --- Directly, and through the mailbox ------------------------------------------------


async def test_a_line_that_was_shown_is_not_shown_as_a_letter_too(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("@dave one")
    await dave.sees("[private] carol: one")
    await trio.sleep(1)
    for cable in community.cables(carol, dave):
        cable.stall(reader=carol.host)  # SHOWN will not come back
    community.hub.refusing |= {carol.host, dave.host}
    carol.knows_no_punch()
    await carol.types("@dave two")
    await dave.sees("[private] carol: two")
    await carol.sees_part("Not delivered to dave: ", within=SECONDS + 1)
    await carol.sees("Message left for dave.")
    await carol.sees_part("dave received your message")
    await trio.sleep(30)
    assert dave.saw("two") == 1
    dave.never_saw("left for you")
    await dave.starts_again()
    await trio.sleep(1)
    dave.never_saw("two")
    assert await history(carol, "dave") == ["private carol: one", "left carol: two"]
    assert await history(dave, "carol") == ["private carol: one", "private carol: two"]


async def test_a_letter_that_waits_for_the_same_line_to_be_shown_is_taken_later(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    dave.screen.pauses()
    await carol.types("@dave one")
    await carol.sees("Message left for dave.", within=SECONDS + 5)
    await trio.sleep(30)
    carol.never_saw("received")
    dave.screen.goes_on()
    await dave.sees("[private] carol: one")
    await dave.starts_again()
    await carol.sees_part("dave received your message")
    dave.never_saw("one")


async def test_a_line_that_came_as_a_letter_is_answered_and_not_shown(
    community: Community,
) -> None:
    """As when the sender dies after the directory has stored it, and before noting that."""
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.types("@dave hello")
    await carol.sees("Message left for dave.")
    await carol.quits()
    on_disk(carol, "UPDATE lines SET kind = 'private', is_pending = 1")
    await dave.starts()
    await dave.sees_part("carol: hello")
    await carol.starts()
    await trio.sleep(5)
    assert not pending(carol)
    carol.never_saw("Not delivered")
    assert dave.saw("hello") == 1


async def test_a_letter_with_the_same_line_still_unread_at_the_directory_is_one_text(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.quits()
    await carol.types("@dave hello")
    await carol.sees("Message left for dave.")
    await carol.quits()
    on_disk(carol, "UPDATE lines SET kind = 'private', is_pending = 1")
    await carol.starts()
    await carol.sees("Message left for dave.")
    await dave.starts()
    await dave.sees("1 message was left for you:")
    await trio.sleep(5)
    assert dave.saw("hello") == 1
