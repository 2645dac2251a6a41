"""A room has the name that its founder gave it, and nobody is in it, brings somebody in or
speaks there unless its members have let them in."""

import pytest

from peer import events
from peer.core import membership
from peer.core.conversation.charter import room_id, salt_of
from peer.core.membership import member_id
from shared.messages.common import Err
from shared.messages.directory import Lookup
from shared.messages.peers import (
    SALT_BYTES,
    Accept,
    Adding,
    Charter,
    Confirm,
    Decline,
    Invite,
    Leave,
    Members,
    Position,
    Ringing,
    Text,
    Want,
)
from shared.sealing import About
from tests.kit.community import Community, Person
from tests.kit.raw_peer import INVITATION, RUN, Raw, raw
from tests.kit.rooms import founds, history, reads

NONCE = b"n" * SALT_BYTES
LEFT = ("once", "after a restart")


def charter_of(person: Person) -> Charter:
    (room,) = person.peer._exchange.conversations.rooms
    found = person.peer._exchange.conversations.rooms.charter(room.core.id)
    assert found is not None
    return found


async def adding(mallory: Raw, whom: Person, charter: Charter) -> Adding:
    """Return a permission that mallory signs, as if she were in that room."""
    contact = await mallory.client.ask(Lookup(mallory.client.next_id(), whom.name))
    mine = membership.found(mallory.me, salt_of(charter))
    return membership.add(mallory.me, room_id(charter), mine, member_id(whom.name, contact.key), 1)


async def test_nobody_gives_a_room_another_name(community: Community) -> None:
    (dave,) = await community.start("dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(dave)
        real = Charter("mine", mallory.me.identity.public, NONCE)
        forged = Charter("bank", real.founder, NONCE)
        permission = await adding(mallory, dave, real)
        link.says(Invite(INVITATION, room_id(real), ("mallory",), adding=permission, room=forged))
        assert "that is not the name of this room" in (await link.hears(Err)).text
    dave.never_saw("#bank")


async def test_nobody_asks_into_a_room_that_they_are_not_in(community: Community) -> None:
    """What she says is hers; nobody gets in by it."""
    carol, dave = await community.start("carol", "dave")
    await carol.types("ROOM lab")
    charter = charter_of(carol)
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(dave)
        permission = await adding(mallory, dave, charter)
        invite = Invite(
            INVITATION, room_id(charter), ("mallory", "carol"), adding=permission, room=charter
        )
        link.says(invite)
        await link.hears(Ringing)
        # carol is not counted: nothing proves that she is in
        await dave.sees(
            "User mallory asks you into the room #lab (1 member). Would you like to join? (Y/N)"
        )
        await dave.types("Y")
        accept = await link.hears(Accept)
        assert accept.membership is not None
        mine = membership.found(mallory.me, salt_of(charter))
        link.says(Confirm(INVITATION, (mine, accept.membership)))
        assert "did not found this conversation" in (await link.hears(Err)).text
    await dave.types("ROOMS")
    await dave.sees("You are in no room: ROOM name founds one.")


async def test_nobody_keeps_a_user_out_of_a_room_by_asking_first(community: Community) -> None:
    """Mallory was asked into it once, and so knows its id, its name and who is in."""
    carol, dave = await community.start("carol", "dave")
    await dave.types("ROOM lab")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(dave)
        await dave.types("ADD mallory TO lab")
        asked = await link.hears(Invite)
        link.says(Ringing(asked.id), Decline(asked.id))
        await dave.sees_part("mallory does not want to")
        link = await mallory.dials(carol)
        permission = await adding(mallory, carol, charter_of(dave))
        members = ("mallory", "dave")
        link.says(
            Invite(
                INVITATION, asked.conversation, members, adding=permission, proof=asked.proof,
                room=asked.room,
            )
        )  # fmt: skip
        await link.hears(Ringing)
        await dave.types("ADD carol TO lab")
        await carol.sees_part("User dave asks you into the room #lab")
        await carol.types("N mallory")
        await link.hears(Decline)
        await carol.types("Y dave")
        await dave.sees("User carol joined the room #lab.")


async def test_a_stranger_gets_and_says_nothing_there(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await founds(carol, dave)
    await carol.types("#lab secret")
    await dave.sees("#lab carol: secret")
    charter = charter_of(carol)
    id = room_id(charter)
    (room,) = carol.peer._exchange.conversations.rooms
    origin = (room.core.me.id, room.core.outgoing.epoch)
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        text = mallory.text(1, "I am one of you", conversation=id)
        link.says(text, Want(id, Position(*origin, 0)), Leave(id))
        mine = membership.found(mallory.me, salt_of(charter))
        link.says(Members(id, (mine,)))
        assert "did not found this conversation" in (await link.hears(Err)).text
        assert not [one for one in link.heard if isinstance(one, Text)]
        assert not [one for one in link.heard if isinstance(one, Members)]
    await carol.types("ROOMS")
    await carol.sees("#lab: carol (you), dave")
    carol.never_saw("I am one of you")
    assert room.core.roll.counter(mallory.me.id) == 0
    assert (mallory.me.id, RUN) not in {one.origin for one in room.core.incoming.have()}


@pytest.mark.parametrize("knows_the_room", [True, False])
async def test_a_letter_of_a_stranger_is_of_no_room(
    community: Community, knows_the_room: bool
) -> None:
    carol, dave = await community.start("carol", "dave")
    await founds(carol, dave)
    (room,) = carol.peer._exchange.conversations.rooms
    id = room.core.id if knows_the_room else "f" * 32
    await community.start("mallory")
    mallory = community.people["mallory"]
    peer = mallory.peer
    contact = await peer.finder.contact("carol")
    await peer._exchange.letter_drop.leave(contact, "I am one", 7.0, About(id, RUN, 1))
    await carol.sees_part("mallory: I am one", within=60)
    carol.never_saw("#lab mallory")


async def writes_about(author: Person, reader: Person, id: str, text: str, seq: int = 1) -> None:
    """Leave a letter that says it is a text of the conversation with this id."""
    contact = await author.peer.finder.contact(reader.name)
    await author.peer._exchange.letter_drop.leave(contact, text, 7.0, About(id, RUN, seq))


def unread(person: Person) -> dict[str, int]:
    return {str(one.place): one.unread for one in person.console.targets.look().states}


async def test_what_comes_of_a_room_that_i_have_left_ends_no_program(community: Community) -> None:
    """It is its sender's, and is counted and read there."""
    carol, mallory = await community.start("carol", "mallory")
    await founds(mallory, carol, room="pit")
    (room,) = carol.peer._exchange.conversations.rooms
    await carol.types("PART pit")
    await carol.sees("You have left the room #pit.")
    for last in LEFT:
        await writes_about(mallory, carol, room.core.id, last, len(last))
        await carol.sees_part(f"] mallory: {last}", within=60)
        carol.peer.touched(carol.console.targets.unread)  # as each line and each key does
        assert unread(carol) == {"": 0, "mallory": 1}
        await carol.types("GO ?", "GO mallory")
        await carol.sees_part("--- 1 unread")
        assert not any(unread(carol).values())
        carol.peer.touched(carol.console.targets.unread)
        await carol.quits()
        await carol.starts()
    before = len(carol.lines)
    await carol.types("HISTORY mallory")
    await carol.sees_part("mallory: after a restart")
    assert history(carol, before) == [f"[left] mallory: {one}" for one in LEFT]


async def test_no_letter_of_a_room_that_i_have_left_is_of_another_one_of_that_name(
    community: Community,
) -> None:
    carol, dave, mallory = await community.start("carol", "dave", "mallory")
    await founds(mallory, carol, room="team")
    (left,) = carol.peer._exchange.conversations.rooms
    await carol.types("PART team")
    await carol.sees("You have left the room #team.")
    await founds(dave, carol, room="team")
    await dave.types("#team our first line")
    await carol.sees("#team dave: our first line")
    await carol.types("GO team", "GO")
    await writes_about(mallory, carol, left.core.id, "the boss says: pay today")
    await carol.sees_part("] mallory: the boss says: pay today", within=60)
    assert unread(carol) == {"": 0, "#team": 0, "mallory": 1}
    assert await reads(carol, "team") == ["dave: our first line"]
    await carol.is_killed()
    await carol.starts()
    await carol.types("GO mallory", "no")
    await mallory.sees("[private] carol: no")
    dave.never_saw("carol: no")


async def test_a_text_that_is_shown_after_i_have_left_its_room_is_its_authors(
    community: Community,
) -> None:
    """It waited for the name of its author to be judged."""
    (carol,) = await community.start("carol")
    late = events.Said("mallory", "wait for me", room="pit")
    carol.console.tell(late, events.nothing)
    carol.peer.touched(carol.console.targets.unread)
    assert unread(carol) == {"": 0, "mallory": 1}
    await carol.types("GO pit", "GO mallory")
    assert not any(unread(carol).values())


async def test_a_flood_while_somebody_is_away_ends_at_the_quota_and_loses_nothing(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await founds(carol, dave)
    await dave.quits()
    await carol.types(*(f"#lab {number}" for number in range(130)))
    await carol.sees(
        "The mailbox of dave takes no more of #lab: dave gets the rest from any member who is"
        " there.",
        within=120,
    )
    await carol.types("#lab 130")
    await dave.starts()
    await dave.sees("#lab carol: 130", within=60)
    assert carol.saw("takes no more") == 1
    carol.never_saw("Message left for dave.")
    carol.never_saw("Not delivered")
    before = len(dave.lines)
    await dave.types("HISTORY lab 1000")
    await dave.sees_part("carol: 0")
    assert [line.rsplit(" ", 1)[1] for line in dave.lines[before:]] == [str(n) for n in range(131)]
