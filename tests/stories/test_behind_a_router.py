"""Who lives behind a router is reached through a port that the router gives them."""

import pytest
import trio

from peer.options import Options
from shared.world import Address
from tests.kit.community import Community
from tests.kit.router import GRANTED, OUTER, behind, is_mapped


@pytest.mark.parametrize("is_taken", [False, True])
async def test_who_lives_behind_a_router_is_dialled_there(
    community: Community, *, is_taken: bool
) -> None:
    carol, router = await behind(community, "carol")
    dave = community.person("dave")
    await carol.starts()
    port = await is_mapped(router)
    if is_taken:  # by somebody else, since the router was restarted
        router.forgets()
        router.taken = {port}
        await trio.sleep(70)
        assert await is_mapped(router) == GRANTED
    await dave.starts()
    community.hub.dialled.clear()
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    first = next(to for _, to in community.hub.dialled if to.host != community.directory.host)
    assert first == Address(OUTER, GRANTED if is_taken else port)


async def test_the_port_is_given_back_at_the_end(community: Community) -> None:
    carol, router = await behind(community, "carol")
    await carol.starts()
    await is_mapped(router)
    await carol.quits()
    await trio.sleep(1)
    assert router.mapped == {}


@pytest.mark.parametrize(
    "options",
    [Options(maps_port=False), Options(advertise_host="me.lan"), Options(is_passing=True)],
)
async def test_who_does_not_want_it_asks_no_router(community: Community, options: Options) -> None:
    carol, router = await behind(community, "carol")
    carol.options = options
    await carol.starts()
    await trio.sleep(5)
    assert router.asked == []


async def test_without_a_translation_no_router_is_asked(community: Community) -> None:
    carol, router = await behind(community, "carol")
    community.hub.translated.clear()
    await carol.starts()
    await trio.sleep(5)
    assert router.asked == []


async def test_a_directory_that_was_away_learns_the_port_at_the_next_registration(
    community: Community,
) -> None:
    carol, router = await behind(community, "carol")
    await carol.starts()
    port = await is_mapped(router)
    await community.directory.crashes_and_restarts()
    await carol.sees("The directory is back.")
    dave = community.person("dave")
    await dave.starts()
    community.hub.dialled.clear()
    await dave.types("CHAT carol")
    await carol.sees("User dave wants to chat with you. Would you like to? (Y/N)")
    assert Address(OUTER, port) in [to for _, to in community.hub.dialled]
