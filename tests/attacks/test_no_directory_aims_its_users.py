"""No directory aims its users at others: what it names is a hint, and learns nothing.

Whoever holds a community's key names addresses of other directories, and may send its users
there.  They dial those seldom until the community's key was proved there, and say neither
name nor token before.
"""

import pytest
import trio
from msgspec import structs

from peer.options import Options
from shared.errors import Unreachable
from shared.messages.directory import Iam, Move, Welcome
from tests.kit.community import Community
from tests.kit.raw_directory import RawDirectory, comes_in, raw_directories
from tests.kit.world import Authority

LOST, BACK = "Lost the directory, trying again.", "The directory is back."


async def test_the_others_of_one_community_are_not_asked_for_another(community: Community) -> None:
    (one,) = await raw_directories(community, 1)
    (stranger,) = await raw_directories(community, 1, authority=Authority(1), at="10.0.3")
    one.others = (str(stranger.address),)
    carol = await comes_in(community, "carol", one, options=Options(token="secret"))
    one.dies()
    await carol.sees(LOST)
    await trio.sleep(20)
    assert stranger.met > 0
    assert stranger.visits == [], "it heard neither the name nor the token"
    carol.never_saw("key of the directory")
    await one.starts()
    await carol.sees(BACK)


async def test_a_dishonest_directory_aims_nobody_at_others(community: Community) -> None:
    """It names sixteen third parties, hangs up, and names others when its users come back."""
    (one,) = await raw_directories(community, 1)
    carol = await comes_in(community, "carol", one)
    begun, named = trio.current_time(), 0
    while trio.current_time() < begun + 300:
        one.others = tuple(f"10.9.{named}.{n}:80" for n in range(16))
        named += 1
        one.dies()
        await carol.sees(LOST)
        await trio.sleep(2)
        await one.starts()
        await carol.sees(BACK)
    aimed = [to for _, to in community.hub.dialled if to.host.startswith("10.9.")]
    assert 16 < len(aimed) <= 60 * 6
    kept = carol.machine.disk.ask("journal.db", "SELECT count(*) FROM other_directories")
    assert kept == [(16,)]


async def test_a_directory_moves_nobody_to_where_it_likes(community: Community) -> None:
    """Neither to this machine, nor to another community, nor as often as it likes."""
    (one,) = await raw_directories(community, 1)
    (stranger,) = await raw_directories(community, 1, authority=Authority(1), at="10.0.3")
    carol = await comes_in(community, "carol", one, options=Options(token="secret"))
    old = await one.visit()
    for to in ("127.0.0.1:22", "[::1]:22", "224.0.0.1:5000", "nonsense", "", "\x1b[2J:1"):
        old.says(Move(to))
    await trio.sleep(1)
    before = len(community.hub.dialled)
    for _ in range(600):
        old.says(Move(str(stranger.address)))
        await trio.sleep(0.1)
    assert 1 < len(community.hub.dialled) - before < 10
    assert stranger.visits == []
    assert not old.is_over
    carol.never_saw("key of the directory")


async def test_a_directory_calls_nobody_by_another_name(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else what its user says would come from somebody else, for those who meet them first."""
    (one,) = await raw_directories(community, 1)
    honest = RawDirectory._welcome

    def boss(directory: RawDirectory, iam: Iam) -> Welcome:
        return honest(directory, structs.replace(iam, name="boss"))

    monkeypatch.setattr(RawDirectory, "_welcome", boss)
    with pytest.raises(Unreachable, match="calls me by another name"):
        await comes_in(community, "carol", one)
