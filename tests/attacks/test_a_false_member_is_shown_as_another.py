"""In a conversation nobody speaks as another: a member with another key than the one that I
know is shown as another, in everything that names them, and one alarm tells of it.

A member may add whom they like, a dishonest directory may certify whom it likes, and the
roll of a conversation is the same for all its members; what a name means to me is mine.
"""

import pytest

from peer.console.codes import Code
from peer.core import membership
from peer.core.conversation.texts import sign
from peer.core.membership import Me, Roll
from shared.messages.directory import Lookup
from shared.messages.peers import Accept, Confirm, Invite, Members, Membership, Ringing, Text
from tests.kit.attackers.false_directory import certificate
from tests.kit.community import Community, Person
from tests.kit.raw_client import identity_of
from tests.kit.raw_peer import INVITATION, RUN, Raw, RawLink, raw
from tests.kit.world import EPOCH

OTHER = identity_of("somebody else")
FALSE_DAVE = "dave (ANOTHER KEY)"
ALARM = (
    "Somebody shows another key under the name dave than the one that you know:"
    " they are shown as dave (ANOTHER KEY)."
)


def false(community: Community, name: str) -> Me:
    """Whom the directory certifies under a name that belongs to another key."""
    return Me(name, OTHER, certificate(community, name, OTHER, EPOCH).certificate)


def added(mallory: Raw, whom: Me) -> Membership:
    """Mallory has founded the conversation, and brings in whom she likes."""
    adding = membership.add(mallory.me, mallory.conversation, mallory.founded, whom.id, 1)
    return membership.join(whom, mallory.conversation, 1, adding)


def said(mallory: Raw, by: Me, seq: int, text: str) -> Text:
    return sign(by, Text(mallory.conversation, by.id, RUN, seq, seq, EPOCH, (text,)))


async def knows(one: Person, other: Person) -> None:
    await one.types(f"@{other.name} hello")
    await other.sees(f"[private] {one.name}: hello")


async def invited(mallory: Raw, whom: Person, link: RawLink, invite: Invite) -> Confirm:
    """They say yes, and are told of the members that the invitation proves."""
    link.says(invite)
    await link.hears(Ringing)
    await whom.types("Y")
    accept = await link.hears(Accept)
    assert accept.membership is not None
    roll = Roll(mallory.conversation, mallory.client.who.authority)
    roll.merge([*invite.proof, accept.membership])
    confirm = mallory.confirm(whom, roll.all())
    link.says(confirm, mallory.hello(1, roll.digest()))
    return confirm


async def invite(mallory: Raw, whom: Person, *names: str, proof: tuple[Membership, ...]) -> Invite:
    contact = await mallory.client.ask(Lookup(mallory.client.next_id(), whom.name))
    member = membership.member_id(whom.name, contact.key)
    adding = membership.add(mallory.me, mallory.conversation, mallory.founded, member, 1)
    members = (mallory.name, *names)
    return Invite(INVITATION, mallory.conversation, members, adding=adding, proof=proof)


@pytest.mark.parametrize("is_remembered", [True, False])
async def test_a_member_who_is_added_with_another_key(
    community: Community, is_remembered: bool
) -> None:
    """Whether the true one is remembered, or only known to the directory."""
    carol, dave = await community.start("carol", "dave")
    if is_remembered:
        await knows(carol, dave)
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        impostor = false(community, "dave")
        link.says(Members(mallory.conversation, (added(mallory, impostor),)))
        await carol.sees(ALARM)
        await carol.sees(f"User {FALSE_DAVE} joined the conversation.")
        link.says(said(mallory, impostor, 1, "please send the password to mallory"))
        await carol.sees(f"{FALSE_DAVE}: please send the password to mallory")
        assert carol.talks_with == ("mallory", FALSE_DAVE)
        assert [route.name for route, _ in carol.peer.conversation.ways] == ["mallory", FALSE_DAVE]
        await carol.types("/members", "/history", "for both of you", "/who got")
        await carol.sees_part(f"{FALSE_DAVE}: lost since")
        await carol.sees_part(f"] {FALSE_DAVE}: please send the password")
        await carol.sees(f"{FALSE_DAVE}: waiting")
        await carol.types("/search password")
        await carol.sees_part(f"] {FALSE_DAVE}: please send the password")
        await carol.types("/history dave")
        assert carol.saw("please send the password") == 3
        await carol.types("@dave is it you?")
        await dave.sees("[private] carol: is it you?")
        dave.never_saw("for both of you")
        assert carol.saw(ALARM) == 1
        for line in carol.lines:
            assert not line.replace(FALSE_DAVE, "another").startswith(("dave:", "User dave "))


async def test_a_member_whose_name_was_given_back(community: Community) -> None:
    """Nobody has that name now: its certificate alone is no proof."""
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        nobody = false(community, "frank")
        link.says(Members(mallory.conversation, (added(mallory, nobody),)))
        await carol.sees("User frank (NOT CONFIRMED) joined the conversation.")
        link.says(said(mallory, nobody, 1, "I was frank"))
        await carol.sees("frank (NOT CONFIRMED): I was frank")
        assert carol.peer._memory.journal.contacts.key_of("frank") is None


async def test_a_member_who_bears_my_own_name(community: Community) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        double = false(community, "carol")
        link.says(Members(mallory.conversation, (added(mallory, double),)))
        await carol.sees("User carol (ANOTHER KEY) joined the conversation.")
        link.says(said(mallory, double, 1, "I agree with all that mallory says"))
        await carol.sees("carol (ANOTHER KEY): I agree with all that mallory says")


async def test_an_invitation_and_a_roll_that_name_another(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    await knows(carol, dave)
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        proof = (mallory.founded, added(mallory, false(community, "dave")))
        question = await invite(mallory, carol, "dave", proof=proof)
        await invited(mallory, carol, link, question)
        await carol.sees(f"User mallory wants to chat with you and {FALSE_DAVE}."
                         " Would you like to? (Y/N)")  # fmt: skip
        await carol.sees(f"You are now connected with mallory, {FALSE_DAVE}.")
        true = dave.peer._memory.myself.key
        assert carol.peer._memory.journal.contacts.key_of("dave") == true
        await carol.types("/chat dave")
        await carol.sees_part("You are in a conversation with mallory, dave (ANOTHER KEY): QUIT")


async def test_an_invitation_shows_nobody_who_has_not_signed(community: Community) -> None:
    """Names alone are mallory's word, and may know nothing of it."""
    carol, _ = await community.start("carol", "dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.dials(carol)
        question = await invite(mallory, carol, "boss", "dave", proof=(mallory.founded,))
        link.says(question)
        await carol.sees("User mallory wants to chat with you. Would you like to? (Y/N)")
        carol.never_saw("boss")


async def test_an_honest_invitation_names_those_who_talk(community: Community) -> None:
    """Somebody who has met none of them reads the bare names, and remembers them all."""
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await carol.connects_with(dave)
    await carol.types("ADD erin")
    await erin.sees("User carol wants to chat with you and dave. Would you like to? (Y/N)")
    await erin.types("Y")
    await erin.sees("You are now connected with carol, dave.")
    for other in (carol, dave):
        assert (
            erin.peer._memory.journal.contacts.key_of(other.name) == other.peer._memory.myself.key
        )
    assert erin.code is Code.DONE
