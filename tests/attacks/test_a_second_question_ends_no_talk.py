"""Mallory was asked into a conversation once, and so knows its id: her question into it, beside
that of a member, throws nobody out and keeps no command waiting."""

from msgspec.structs import replace

from peer.core import membership
from peer.core.conversation.charter import ROOMS
from peer.core.membership import member_id
from shared.messages.directory import Lookup
from shared.messages.peers import Accept, Confirm, Decline, Invite, Joined, Ringing
from tests.kit.community import Community, Person
from tests.kit.gathering import group
from tests.kit.raw_peer import INVITATION, Raw, RawLink, raw


async def asks_beside(member: Person, mallory: Raw, whom: Person, room: str = "") -> RawLink:
    """Let the member ask mallory, who says no and asks `whom`; then the member asks them, too."""
    into = f" TO {room}" if room else ""
    link = await mallory.dials(member)
    await member.types(f"ADD mallory{into}")
    asked = await link.hears(Invite)
    link.says(Ringing(asked.id), Decline(asked.id))
    await member.sees_part("mallory does not want to")
    contact = await mallory.client.ask(Lookup(mallory.client.next_id(), whom.name))
    them = member_id(whom.name, contact.key)
    adding = membership.add(mallory.me, asked.conversation, mallory.founded, them, 1)
    link = await mallory.dials(whom)
    link.says(replace(asked, id=INVITATION, members=("mallory",), adding=adding, proof=()))
    await link.hears(Ringing)
    await member.types(f"ADD {whom.name}{into}")
    await whom.sees_part(f"User {member.name} {'asks you' if room else 'wants to chat with you'}")
    return link


async def test_a_yes_to_a_second_question_leaves_nothing(community: Community) -> None:
    dave, erin = await group(community, "dave", "erin")
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await asks_beside(dave, mallory, carol)
        await carol.types("Y dave")
        await carol.sees("You are now connected with dave, erin.")
        await carol.types("Y mallory")
        await link.hears(Joined)
    assert carol.talks_with == ("dave", "erin")
    await carol.types("here I am")
    for member in (dave, erin):
        await member.sees("carol: here I am")
        member.never_saw("carol left")
    await erin.types("so am I")
    await carol.sees("erin: so am I")


async def test_a_yes_into_a_room_that_i_am_in_is_not_one_room_more(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("ROOM lab")
    for number in range(ROOMS - 1):
        await carol.types(f"ROOM mine{number}")
    async with raw(community, "mallory") as mallory:
        link = await asks_beside(dave, mallory, carol, "lab")
        await carol.types("Y dave")
        await dave.sees("User carol joined the room #lab.")
        await carol.types("Y mallory")
        await link.hears(Joined)
    carol.never_saw("the most: PART one of them first")


async def test_chat_does_not_wait_for_one_whose_conversation_i_am_in(community: Community) -> None:
    """Carol says yes to both; a member lets her in, and mallory proves nothing."""
    dave, _ = await group(community, "dave", "erin")
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await asks_beside(dave, mallory, carol)
        await carol.types("CHAT mallory")
        await link.hears(Accept)
        await carol.types("Y dave")
        await carol.sees("You are now connected with dave, erin.")
        link.says(Confirm(INVITATION))
        await carol.sees(
            "You are in a conversation with dave, erin: QUIT CONVERSATION first, or ADD mallory."
        )
    assert not carol.peer.invitations.waits_for
    assert carol.talks_with == ("dave", "erin")
    carol.never_saw("connected with mallory")
