"""Whatever numbers others send, all that I say can be read, and my disk never ends my program."""

import msgspec
import pytest
import trio

from peer.core.conversation.acknowledgements import ACKNOWLEDGE_SECONDS
from peer.core.conversation.conversation import Kept
from peer.core.conversation.incoming.lamport_clock import START_MOST, STEP, LamportClock
from peer.core.conversation.texts import sign
from peer.storage.rows import UNREADABLE
from peer.storage.schema import FILE
from shared.codec import encode
from shared.messages.common import COUNT_MOST, Err
from shared.messages.peers import (
    POSITIONS,
    TEXTS,
    Accept,
    Acknowledge,
    Hello,
    Position,
    Text,
)
from tests.kit.community import Community, Person
from tests.kit.cores import CAROL, DAVE, me, together
from tests.kit.raw_peer import RUN, Raw, RawLink, raw
from tests.kit.talk import Talk, sent, text

# --- The clock of a conversation -----------------------------------------------------


def test_the_clock_follows_whoever_is_ahead_and_is_pushed_by_nobody() -> None:
    clock = LamportClock()
    clock.saw(7)
    clock.saw(3)
    assert (clock.now, clock.next) == (7, 8)
    clock.saw(COUNT_MOST)
    assert clock.now == 7 + STEP
    assert LamportClock(COUNT_MOST).now == START_MOST
    worn = LamportClock(START_MOST)
    worn.now = COUNT_MOST - 1
    worn.saw(COUNT_MOST)
    assert worn.next == worn.now == COUNT_MOST


async def test_a_text_with_the_highest_number_stops_nobody_from_writing(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        link.says(mallory.text(1, "boo", lamport=COUNT_MOST))
        await carol.sees("mallory: boo")
        await carol.types("hello")
        assert (await link.hears(Text)).lamport == STEP + 1
        await carol.types("/history", "/search boo")
        await carol.sees_part("] carol: hello")
        await carol.types("QUIT CONVERSATION")
        await carol.starts_again()
        await carol.types("HISTORY")
        await carol.sees_part("] mallory: boo")


async def test_after_a_restart_the_clock_is_no_further(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        link.says(mallory.text(1, "boo", lamport=COUNT_MOST))
        await carol.sees("mallory: boo")
        await trio.sleep(1)
        await carol.is_killed()
        await carol.starts()
        link = await mallory.dials(carol)
        link.says(mallory.hello(2))
        await carol.sees("You are back in the conversation with mallory.")
        await carol.types("hello")
        assert (await link.hears(Text)).lamport == STEP + 1


async def test_a_number_beyond_the_edge_cuts_the_link_of_its_sender(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        link.says(mallory.text(1, "boo", lamport=COUNT_MOST + 1))
        assert "Expected `int` <= 4503599627370496" in (await link.hears(Err)).text
        link = await mallory.dials(carol)
        link.says(mallory.text(COUNT_MOST - TEXTS + 1, "boo"))
        assert (await link.hears(Err)).code == "PROTOCOL"


# --- What was before me ----------------------------------------------------------------


async def lets_in(mallory: Raw, carol: Person, *since: Position, lamport: int = 0) -> RawLink:
    """Into a conversation in which so much was said before."""
    link = await mallory.dials(carol)
    await mallory.invites(carol, link)
    await carol.sees("User mallory wants to chat with you. Would you like to? (Y/N)")
    await carol.types("Y")
    accept = await link.hears(Accept)
    assert accept.membership is not None
    members = (mallory.founded, accept.membership)
    link.says(mallory.confirm(carol, members, since, lamport), mallory.hello(1))
    return link


async def test_who_is_let_in_at_the_edge_can_be_read_all_the_same(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        many = [Position(f"m{one:031}", RUN, COUNT_MOST) for one in range(POSITIONS - 1)]
        last = Position(mallory.me.id, RUN, COUNT_MOST - TEXTS - 1)
        link = await lets_in(mallory, carol, *many, last, lamport=COUNT_MOST)
        await carol.sees("You are now connected with mallory.")
        link.says(mallory.text(COUNT_MOST - TEXTS, *["boo"] * TEXTS))
        await carol.sees("mallory: boo")
        have = (await link.hears(Acknowledge)).have
        assert have == (Position(mallory.me.id, RUN, COUNT_MOST - 1),)
        await carol.types("\N{GRINNING FACE}" * 8_000)
        assert (await link.hears(Text)).lamport == START_MOST + STEP + 1
        assert len((await link.hears(Hello)).have) == POSITIONS


@pytest.mark.parametrize("author", ["\0" * 32, "mallory"], ids=["author", "epoch"])
async def test_places_that_would_not_fit_into_a_line_of_mine_let_nobody_in(
    community: Community, author: str
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await lets_in(mallory, carol, Position(author, "\0" * 16, 1))
        assert (await link.hears(Err)).text == "a text is not numbered as it should be"
        await carol.sees("User mallory is gone.")


async def test_an_epoch_that_would_not_fit_into_a_line_of_mine_cuts_the_link(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        link.says(mallory.text(1, epoch="\0" * 16))
        assert (await link.hears(Err)).text == "a text is not numbered as it should be"


def test_more_places_than_one_message_may_have_are_acknowledged_in_several() -> None:
    epochs = [f"{start:016x}" for start in range(POSITIONS + 1)]
    have = tuple(Position(DAVE, epoch, 1) for epoch in epochs)
    carol = Talk(DAVE, kept=Kept(together(CAROL, DAVE), have, (), ()))
    carol.greets(DAVE)
    for epoch in epochs:  # our acknowledgements may have been lost
        again = msgspec.structs.replace(text(DAVE, 1), epoch=epoch)
        carol.hears(DAVE, sign(me(DAVE), again))
    said = [one for one in sent(carol.passes(ACKNOWLEDGE_SECONDS)) if isinstance(one, Acknowledge)]
    assert [len(one.have) for one in said] == [POSITIONS, 1]


# --- What lies on my disk ----------------------------------------------------------------


def spoils(person: Person, statement: str, *values: object) -> None:
    """Their program does not run; what is on their disk is not as it was."""
    assert person.machine.disk.ask(FILE, f"{statement} RETURNING 1", *values)


async def test_what_cannot_be_read_is_left_out_and_told_once(community: Community) -> None:
    """As old programs let a member write it to the disks of all."""
    carol, dave = await community.talking("carol", "dave")
    for number in range(3):
        await carol.types(f"hello {number}")
        await dave.sees(f"carol: hello {number}")
        await dave.types(f"yes {number}")
        await carol.sees(f"dave: yes {number}")
    await trio.sleep(1)
    await carol.is_killed()
    rows = carol.machine.disk.ask(FILE, "SELECT author, line FROM texts WHERE seq = 2")
    for author, line in rows:
        bad = msgspec.structs.replace(msgspec.json.decode(line, type=Text), lamport=2**53 + 1)
        spoils(
            carol, "UPDATE texts SET line = ?, lamport = ? WHERE author = ? AND seq = 2",
            encode(bad), 2**53 + 1, author,
        )  # fmt: skip
    await carol.starts()
    await carol.sees("You are back in the conversation with dave.")
    await carol.types("/history", "/search hello", "/search yes")
    await carol.sees_part("] carol: hello 0")
    await carol.types("still here")
    await dave.sees("carol: still here")
    dave.vanishes()
    await trio.sleep(40)  # so that the mailbox is the better way
    await carol.types("and here", "QUIT CONVERSATION")
    await carol.quits()
    assert carol.saw(UNREADABLE) == 1
    assert carol.saw("] carol: hello 1") == 0
    assert carol.saw("] carol: hello 2") == 2


@pytest.mark.parametrize(
    "change", ["last = 9007199254740993", "last = 4503599627370497", "epoch = char(1, 2)"]
)
async def test_a_place_that_others_cannot_read_is_not_told_to_them(
    community: Community, change: str
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await dave.types("hello")
    await carol.sees("dave: hello")
    await trio.sleep(1)
    await carol.is_killed()
    spoils(carol, f"UPDATE texts SET {change}")
    await carol.starts()
    await carol.sees(UNREADABLE)
    await carol.sees("You are back in the conversation with dave.")
    await carol.types("here I am")
    await dave.sees("carol: here I am")
    assert dave.saw("Lost the connection") <= 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE memberships SET membership = x'00'",
        "UPDATE memberships SET membership = x'00' WHERE name = 'dave'",
        "UPDATE memberships SET membership = (SELECT membership FROM memberships LIMIT 1)",
        "UPDATE texts SET line = x'ff'",
        "UPDATE texts SET last = 9007199254740993, lamport = 9223372036854775807",
        "UPDATE texts SET epoch = char(1, 2)",
        "UPDATE conversations SET lamport = 9223372036854775807",
    ],
)
async def test_no_damage_of_an_interrupted_conversation_ends_the_program(
    community: Community, statement: str
) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("hello")
    await dave.sees("carol: hello")
    await dave.types("hello yourself")
    await carol.sees("dave: hello yourself")
    await trio.sleep(1)
    await carol.is_killed()
    spoils(carol, statement)
    await carol.starts()
    await trio.sleep(1)
    await carol.types("HISTORY", "SEARCH hello", "QUIT CONVERSATION")
    await dave.types("HISTORY")  # nor that of the others
    await trio.sleep(100)
    await carol.starts_again()
    await carol.connects_with(dave)
