"""MEMBERS and INFO name the way by which each user is reached."""

from tests.kit.community import Community
from tests.kit.gathering import are_separate, group
from tests.kit.rooms import founds
from tests.kit.router import behind, is_mapped


async def test_both_are_told_who_dialled(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    await carol.types("/MEMBERS", "/INFO dave")
    await carol.sees("dave: direct, 0.0 ms")
    await carol.sees("The way to dave: direct.")
    await dave.types("/MEMBERS", "/INFO carol")
    await dave.sees("carol: direct (carol dialled), 0.0 ms")
    await dave.sees("The way to carol: direct (carol dialled).")


async def test_a_link_that_began_with_a_knock_was_dialled_by_the_other(
    community: Community,
) -> None:
    carol, dave = await community.start("carol", "dave")
    community.hub.swallowing.add(dave.host)
    await carol.connects_with(dave)
    await carol.types("/MEMBERS")
    await carol.sees_part("dave: direct (dave dialled), ")
    await dave.types("/MEMBERS")
    await dave.sees_part("carol: direct, ")


async def test_a_port_of_the_router_is_named(community: Community) -> None:
    carol, router = await behind(community, "carol")
    dave = community.person("dave")
    await carol.starts()
    await is_mapped(router)
    await dave.starts()
    await dave.connects_with(carol)
    await dave.types("/MEMBERS", "/INFO carol")
    await dave.sees_part("carol: direct (router's mapping), ")
    await dave.sees("The way to carol: direct (router's mapping).")
    await carol.types("/MEMBERS")
    await carol.sees_part("dave: direct (dave dialled), ")


async def test_a_member_who_hands_on_is_named(community: Community) -> None:
    carol, _, erin = await group(community, "carol", "dave", "erin")
    await are_separate(community, carol, erin)
    await carol.types("/MEMBERS", "/INFO erin", "/INFO dave")
    await carol.sees("erin: through dave")
    await carol.sees("The way to erin: through dave.")
    await carol.sees("The way to dave: direct.")


async def test_info_knows_the_members_of_rooms_too(community: Community) -> None:
    carol, dave, erin = await community.start("carol", "dave", "erin")
    await founds(carol, dave, erin)
    await are_separate(community, carol, erin)
    await carol.types("MEMBERS lab")
    await carol.sees("erin: through dave")
    await carol.types("INFO erin")
    await carol.sees("The way to erin: through dave.")


async def test_without_a_link_info_names_no_way(community: Community) -> None:
    carol, _ = await community.start("carol", "dave")
    await carol.types("INFO dave", "INFO carol", "STATUS")
    await carol.sees("Your status is ACTIVE.")
    carol.never_saw("The way to")
