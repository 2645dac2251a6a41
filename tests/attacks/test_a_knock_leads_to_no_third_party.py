"""Nobody makes somebody else's program dial a third party by knocking."""

from bisect import bisect_left
from typing import Any

import msgspec
import pytest
import trio

from directory_server.answers import Answers
from peer.core.reach.dial_policy import KNOCKED_MOST
from shared.messages.peers import PassedKnock
from shared.messages.spots import Knock, Knocks, Spot
from tests.kit.community import DIRECTORY, Community
from tests.kit.raw_client import Client
from tests.kit.raw_peer import raw

VICTIM = "192.0.2.1"
NEIGHBOUR = "10.0.1.77"  # of carol's, in her own subnet
LIES: tuple[dict[str, Any], ...] = (
    {"host": VICTIM, "port": 22},
    {"host": "victim.example"},
    {"spots": (Spot(VICTIM, 22, "LAN"), Spot(NEIGHBOUR, 22, "LAN"), Spot("127.0.0.1", 22, "LAN"),
               Spot("2001:db8::5", 22, "GLOBAL6"), Spot(VICTIM, 4_222, "MAPPED"),
               Spot(VICTIM, 22, "SEEN"), Spot("victim.example", 22, "SAID"),
               Spot("224.0.0.1", 22, "LAN"))},
)  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
async def test_a_caller_is_dialled_only_where_the_directory_sees_them(
    community: Community, lie: dict[str, Any]
) -> None:
    await community.start("carol")
    community.hub.names["victim.example"] = (VICTIM,)
    async with raw(community, "mallory") as mallory:
        client = await Client.register(
            mallory.nursery, mallory.network.hub.network(mallory.host), DIRECTORY, "mallet", **lie
        )
        for _ in range(3):
            await client.ask(Knock(client.next_id(), "carol"))
            await trio.sleep(5.0)
        hosts = {to.host for _, to in community.hub.dialled}
        assert mallory.host in hosts, "she was dialled, so the knocks were heard"
        assert hosts <= {mallory.host, DIRECTORY.host}


def lying(spots: tuple[Spot, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the directory tell these spots instead of what it sees."""
    honest = Knocks

    def lie(name: str, _: tuple[Spot, ...]) -> Knocks:
        return honest(name, spots)

    monkeypatch.setattr("directory_server.community.sight.Knocks", lie)


async def test_a_dishonest_directory_sends_nobody_elsewhere_by_a_knock(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await community.start("carol", "dave")
    lying((Spot(VICTIM, 22, "SEEN"), Spot(VICTIM, 22, "LAN"), Spot(VICTIM, 22, "MAPPED"),
           Spot("127.0.0.1", 22, "LAN")), monkeypatch)  # fmt: skip
    community.hub.refusing.add(dave.host)
    carol.knows_no_punch()
    await carol.types("PRV dave hello")
    await carol.sees_part("Not delivered to dave")
    assert {to.host for _, to in community.hub.dialled} <= {DIRECTORY.host, dave.host}


async def test_a_dishonest_directory_keeps_nobody_dialling(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    (carol,) = await community.start("carol")
    honest = Answers._contact

    def lie(self: Answers, re: int, user: object) -> Any:
        return msgspec.structs.replace(honest(self, re, user), host=VICTIM, seen=VICTIM)  # type: ignore[arg-type]

    monkeypatch.setattr(Answers, "_contact", lie)
    async with raw(community, "mallory") as mallory:
        names = [f"mallet{number}" for number in range(60)]
        for name in names:
            await Client.register(
                mallory.nursery, mallory.network.hub.network(mallory.host), DIRECTORY, name
            )
        inside = community.directory.running.community
        of_carol = inside.registry.look_up("carol").id
        began = trio.current_time()
        while trio.current_time() < began + 60:
            for number, name in enumerate(names):
                spots = tuple(Spot(VICTIM, 1_000 + 8 * number + one, "SEEN") for one in range(8))
                inside.sessions.push(of_carol, Knocks(name, spots))
            await trio.sleep(1.0)
        dials = [when for when, to in community.hub.dialled if to.host == VICTIM]
        in_a_minute = max(bisect_left(dials, start + 60) - n for n, start in enumerate(dials))
        assert 0 < in_a_minute <= KNOCKED_MOST
    carol.never_saw("cannot be reached")


async def test_a_member_keeps_nobody_dialling_by_knocks_of_others(community: Community) -> None:
    carol, dave = await community.start("carol", "dave")
    async with raw(community, "mallory") as mallory:
        link = await mallory.talks(carol)
        before = len(community.hub.dialled)
        for number in range(1_000):
            callers = ("dave", "carol", "mallory", f"nobody{number}")
            link.says(*(PassedKnock(mallory.conversation, one, "carol") for one in callers))
            link.says(PassedKnock(mallory.conversation, "mallory", "dave"))
        await trio.sleep(10.0)
        assert len(community.hub.dialled) == before, "dave is no member, and the others are linked"
    assert dave.host not in {to.host for _, to in community.hub.dialled}
