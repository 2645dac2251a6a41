"""However many names somebody has, those whom I know find room for their links.

Finding 23: 1,024 names used up the files of a peer.
"""

from contextlib import AsyncExitStack

import pytest
import trio

from peer.runtime.link.table import LIMITS, Limits
from shared.messages.peers import LinkKind
from tests.kit.community import Community
from tests.kit.raw_peer import RawLink, raw

LINKS_OF_UNKNOWN = LIMITS[LinkKind.TEXT].of_unknown
NAMES = [f"{'x' * (number % 30)}{number:02}" for number in range(LINKS_OF_UNKNOWN + 20)]


async def floods(community: Community, stack: AsyncExitStack) -> list[RawLink]:
    links = []
    for name in NAMES:
        stranger = await stack.enter_async_context(raw(community, name))
        links.append(await stranger.dials(community.people["carol"]))
        await trio.sleep(0.1)
    return links


async def test_strangers_make_room_for_each_other(community: Community) -> None:
    carol, dave = await community.talking("carol", "dave")
    async with AsyncExitStack() as stack:
        links = await floods(community, stack)
        still = [link for link in links if not link.is_over]
        assert still == links[-LINKS_OF_UNKNOWN:], "the ones that were used last"
        await dave.types("still there?")
        await carol.sees("dave: still there?")
        carol.never_saw("Lost the connection")


async def test_a_friend_finds_room_when_all_links_are_taken(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, LinkKind.TEXT, Limits(40, LINKS_OF_UNKNOWN))
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    async with AsyncExitStack() as stack:
        links = await floods(community, stack)
        assert sum(not link.is_over for link in links) <= 40
        await dave.types("PRV carol hi")
        await carol.sees("[private] dave: hi")
        await dave.connects_with(carol)
        assert sum(not link.is_over for link in links) == 39
