"""The way that MEMBERS and INFO name is the user's own: nobody else's name or key makes one up."""

from tests.kit.attackers.false_directory import says_another_key
from tests.kit.community import Community
from tests.kit.gathering import are_separate, group
from tests.kit.raw_client import identity_of


async def test_a_member_called_direct_hands_on(community: Community) -> None:
    carol, _, erin = await group(community, "carol", "direct", "erin")
    await are_separate(community, carol, erin)
    await carol.types("/MEMBERS", "/INFO erin")
    await carol.sees_part("direct: direct, ")
    await carol.sees("erin: through direct")
    await carol.sees("The way to erin: through direct.")
    erin_now, _ = next(one for one in carol.peer.conversation.ways if one[0].name == "erin")
    assert not erin_now.is_direct


async def test_a_link_with_one_key_is_no_way_to_another_key_of_that_name(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    await dave.types("PRV carol hello")
    await carol.sees("[private] dave: hello")
    link = carol.peer._reach.links
    true = dave.peer._memory.myself.key
    assert link.way("dave", true) is not None
    assert link.way("dave", identity_of("somebody else").public) is None
    says_another_key(community, "dave", identity_of("somebody else"))
    await carol.types("INFO dave", "STATUS")
    await carol.sees("Your status is ACTIVE.")
    carol.never_saw("The way to")
