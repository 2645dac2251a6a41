"""Conversations of three and more."""

import pytest
import trio

from tests.kit.community import Community
from tests.kit.gathering import adds, group


async def test_three_talk(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees("User carol wants to chat with you and dave. Would you like to? (Y/N)")
    await carol.sees("Waiting for erin's response...")
    await erin.types("y")
    await erin.sees("You are now connected with carol, dave.")
    await carol.sees("User erin joined the conversation.")
    await dave.sees("User erin joined the conversation.")
    await trio.sleep(1)
    for person in (carol, dave, erin):
        await person.types(f"hello from {person.name}")
    await trio.sleep(1)
    for person in (carol, dave, erin):
        for other in (carol, dave, erin):
            if other is not person:
                assert person.saw(f"{other.name}: hello from {other.name}") == 1
    await erin.types("/members")
    await erin.sees("erin (you)")
    await erin.sees_part("carol: direct")
    await erin.sees_part("dave: direct")
    await erin.types(r"\q")
    await erin.sees("You have just left your last conversation.")
    await carol.sees("User erin left the conversation.")
    await dave.sees("User erin left the conversation.")
    await carol.types("still here")
    await dave.sees("carol: still here")
    await dave.types(r"\q")
    await carol.sees("User dave left the conversation.")
    await carol.sees("The conversation is over.")


async def test_who_cannot_be_added_is_said_in_a_sentence(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.types("ADD dave")
    await carol.sees("You are in no conversation: CHAT dave begins one.")
    await carol.connects_with(dave)
    for line, answer in (
        ("ADD dave", "User dave is in the conversation already."),
        ("ADD carol", "You can't connect with yourself."),
        ("ADD nobody", "User nobody does not exist!"),
    ):
        await carol.types(line)
        await carol.sees(answer)
    await erin.quits()
    await carol.types("ADD erin")
    await carol.sees(
        "User erin is offline at this moment. Would you like to leave a message? (Y/N)"
    )


async def test_two_who_cannot_link_hear_each_other_through_a_third(community: Community) -> None:
    carol, dave, erin = people = await community.start("carol", "dave", "erin")
    community.separates(dave, erin)
    await carol.connects_with(dave)
    await adds(carol, erin)
    await trio.sleep(2)
    await dave.types("can you hear me?")
    await carol.sees("dave: can you hear me?")
    await erin.sees("dave: can you hear me?")
    await erin.types("yes")
    await dave.sees("erin: yes")
    await erin.types("/members")
    await erin.sees("dave: through carol")
    await trio.sleep(6)
    for person in people:
        person.never_saw("Not yet delivered")


async def test_who_was_killed_is_back_with_all_that_was_said(community: Community) -> None:
    carol, dave, erin = await group(community, "carol", "dave", "erin")
    await trio.sleep(1)
    await carol.types("one")
    await erin.sees("carol: one")
    await trio.sleep(1)
    await erin.is_killed()
    await carol.sees("Lost the connection to erin, trying again.")
    await carol.types("two")
    await dave.types("three")
    await erin.starts()
    await erin.sees("You are back in the conversation with carol, dave.")
    await trio.sleep(3)
    assert erin.saw("carol: one") == 0
    assert erin.saw("carol: two") == 1
    assert erin.saw("dave: three") == 1
    await carol.sees("erin is back.")
    await erin.types("four")
    await carol.sees("erin: four")
    await dave.sees("erin: four")


async def test_of_two_who_was_killed_is_back(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await trio.sleep(1)
    await dave.is_killed()
    await carol.sees("Lost the connection to dave, trying again.")
    await carol.types("are you there?")
    await dave.starts()
    await dave.sees("You are back in the conversation with carol.")
    await dave.sees("carol: are you there?")
    await carol.sees("dave is back.")


async def test_what_was_said_just_before_is_not_for_the_newcomer(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("User carol wants to chat with you and ")
    carol.machine.disk.seconds = 2.0  # what she says lies on her disk long after
    await carol.types("erin need not know")
    await erin.types("Y")
    await erin.sees("You are now connected with carol, dave.")
    await carol.types("welcome")
    await erin.sees("carol: welcome")
    erin.never_saw("need not know")


async def test_who_got_is_about_the_place_where_i_am(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("/WHO GOT")
    await carol.sees("You have said nothing in this conversation since this program started.")
    await carol.types("/ROOM lab")
    await carol.types("/ROOM ops")
    await carol.types("hello")
    await dave.sees("carol: hello")
    await carol.types("/TO lab one")
    await carol.types("/WHO GOT")
    await carol.sees("Your last text: hello")
    await carol.sees_part("dave: ")
    await carol.types("GO #lab")
    await carol.types("/WHO GOT")
    await carol.sees("Your last text in #lab: one")
    await carol.sees("Nobody else is in that room who was in it then.")
    await carol.types("GO #ops")
    await carol.types("/WHO GOT")
    await carol.sees("You have said nothing in #ops since this program started.")
    await carol.types("GO @dave")
    await carol.types("/WHO GOT")
    await carol.sees_part("WHO GOT is for rooms and conversations")


async def test_who_got_tells_the_state_for_each(community: Community) -> None:
    carol, _, erin = await group(community, "carol", "dave", "erin")
    await trio.sleep(1)
    erin.vanishes()
    await carol.sees("Lost the connection to erin, trying again.", within=15)
    await carol.types("anybody?")
    await trio.sleep(1)
    await carol.types("/who got")
    await carol.sees_part("dave: delivered at ")
    await carol.sees("erin: waiting")
    await carol.sees("Not yet delivered to erin.")
    await carol.sees("Message left for erin.", within=31)
    await carol.types("/who got")
    await carol.sees("erin: left at the directory")
    erin.returns()
    await carol.sees("Delivered to erin.", within=60)
    assert erin.saw("anybody?") == 1


async def test_who_is_brought_back_by_somebody_they_had_added_can_add_again(
    community: Community,
) -> None:
    carol, dave, erin = await group(community, "carol", "dave", "erin")
    frank = community.person("frank")
    await frank.starts()
    await trio.sleep(1)
    await carol.types(r"\q")
    await dave.sees("User carol left the conversation.")
    await adds(dave, carol)  # at once: the conversation that she left settles still
    await erin.sees("User carol joined the conversation.")
    await carol.types("back")
    await erin.sees("carol: back")
    await adds(carol, frank)
    await frank.types("hello all")
    for person in (carol, dave, erin):
        await person.sees("frank: hello all")
    await trio.sleep(1)
    await dave.is_killed()
    await dave.starts()
    await dave.sees_part("You are back in the conversation with ")
    await frank.types("and dave")
    await dave.sees("frank: and dave")


async def test_good_bye_right_after_yes_is_heard_at_once(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees_part("User carol wants to chat with you and dave.")
    erin.types_ahead("Y", "QUIT")
    await erin.is_gone()
    await trio.sleep(2)
    assert carol.talks_with == ("dave",)
    assert dave.talks_with == ("carol",)


@pytest.mark.parametrize("who", ["carol", "dave"])
async def test_no_invitation_outlives_the_conversation(community: Community, who: str) -> None:
    carol, dave = await community.talking("carol", "dave")
    (erin,) = await community.start("erin")
    await carol.types("ADD erin")
    await erin.sees("User carol wants to chat with you and dave. Would you like to? (Y/N)")
    await {"carol": carol, "dave": dave}[who].types(r"\q")
    await erin.sees("User carol took the invitation back.")
    await carol.sees("You withdrew your invitation to erin.")
    assert not carol.peer.invitations.waits_for
    assert not erin.has_open_question
    carol.never_saw("You are now connected with erin.")
    await carol.connects_with(erin)


async def test_an_invitation_elsewhere_stands_when_a_conversation_ends(
    community: Community,
) -> None:
    carol, dave = await community.talking("carol", "dave")
    (erin,) = await community.start("erin")
    await carol.types("/ROOM lab")
    await carol.types("/ADD erin TO lab")
    await erin.sees_part("#lab")
    await carol.types("QUIT CONVERSATION")
    await dave.sees("The conversation is over.")
    await erin.types("Y")
    await erin.sees_part("You are in the room #lab")
    erin.never_saw("User carol took the invitation back.")


async def test_an_inviter_keeps_from_where_on_whom_they_let_in_may_read(
    community: Community,
) -> None:
    """Nobody else may know it, if the newcomer's program is killed at that moment."""
    carol, _, erin = await group(community, "carol", "dave", "erin")
    await trio.sleep(1)  # for the disk
    current = carol.peer._exchange.conversations.conversation
    assert current is not None
    kept = carol.peer._memory.journal.entrances(current.id)
    (entrance,) = (one for one in kept if one.member == erin.peer._memory.myself.id)
    assert entrance.entry is not None
