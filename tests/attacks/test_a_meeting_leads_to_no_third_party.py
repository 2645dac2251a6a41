"""Nobody makes a program dial a third party, or keep busy, by calling it to a meeting."""

from bisect import bisect_left

import pytest
import trio

from directory_server.core.punching import call_limits
from peer.core.reach.dial_policy import KNOCKED_MOST, DialPolicy
from peer.core.reach.ladder import GIVE_UP_SECONDS
from peer.runtime.link.pending_dials import MEETINGS_MOST
from shared.messages.punching import Go, Punch, Punches
from shared.messages.spots import Spot
from tests.kit.community import DIRECTORY, Community, Person
from tests.kit.raw_client import Client
from tests.kit.raw_peer import raw

VICTIM, NEIGHBOUR = "192.0.2.1", "10.0.1.77"
TOKEN = b"t" * 16
NOWHERE = ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.1.1", "::1", "a.name")


def lying(monkeypatch: pytest.MonkeyPatch, *spots: Spot, token: bytes = b"") -> None:
    """Let the directory name these spots to those who meet."""
    honest = Go

    def lie(told: bytes, _: tuple[Spot, ...]) -> Go:
        return honest(token or told, spots)

    monkeypatch.setattr("directory_server.community.sight.Go", lie)


async def behind_firewalls(community: Community) -> tuple[Person, Person]:
    carol, dave = await community.start("carol", "dave")
    community.hub.swallowing |= {carol.host, dave.host}
    return carol, dave


@pytest.mark.parametrize("host", NOWHERE)
async def test_a_directory_sends_nobody_where_no_user_can_be(
    community: Community, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    carol, _ = await behind_firewalls(community)
    lies = [Spot(host, 22, kind) for kind in ("SEEN", "LAN")]
    lies += [Spot(VICTIM, 22, kind) for kind in ("LAN", "MAPPED", "SAID")]
    lying(monkeypatch, *lies, Spot(VICTIM, 0, "SEEN"))
    await carol.types("PRV dave hello")
    await carol.sees_part("Not delivered to dave", within=GIVE_UP_SECONDS + 1)
    assert not community.hub.punched


async def test_what_stands_beside_the_true_address_is_not_proved_by_it(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be dialled without a limit from then on."""
    honest, proved = Go, []

    def add(token: bytes, spots: tuple[Spot, ...]) -> Go:
        return honest(token, (*spots, Spot(NEIGHBOUR, 22, "LAN")))

    monkeypatch.setattr("directory_server.community.sight.Go", add)
    monkeypatch.setattr(DialPolicy, "proved", lambda _, place: proved.append(place[0]))
    carol, dave = await behind_firewalls(community)
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    assert {NEIGHBOUR, dave.host} <= {to.host for _, to in community.hub.punched}
    assert sorted(proved) == sorted([carol.host, dave.host])


async def test_a_word_for_another_meeting_is_nobodys(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, _ = await behind_firewalls(community)
    lying(monkeypatch, Spot(NEIGHBOUR, 40_001, "SEEN"), token=TOKEN)
    await carol.types("PRV dave hello")
    await carol.sees_part("Not delivered to dave", within=GIVE_UP_SECONDS + 1)
    assert not community.hub.punched


async def test_a_word_that_nobody_waits_for_is_ignored(community: Community) -> None:
    await community.start("carol")
    community.directory.says("carol", Go(TOKEN, (Spot(NEIGHBOUR, 40_001, "SEEN"),)))
    await trio.sleep(5.0)
    assert not community.hub.punched
    assert {to for _, to in community.hub.dialled} == {DIRECTORY}


async def test_a_directory_keeps_nobody_dialling(community: Community) -> None:
    carol, _ = await behind_firewalls(community)
    async with raw(community, "mallory") as mallory:
        names = [f"mallet{number}" for number in range(60)]
        for name in names:
            await Client.register(
                mallory.nursery, mallory.network.hub.network(mallory.host), DIRECTORY, name
            )
        inside = community.directory.running.community
        place, of_carol = inside.sessions.meeting_place, inside.registry.look_up("carol")
        began, number, most = trio.current_time(), 0, 0
        while trio.current_time() < began + 90:
            for name in names:
                number += 1
                token, caller = number.to_bytes(16, "big"), inside.registry.look_up(name)
                place._meetings.begin(token, caller.id, of_carol.id, trio.current_time())
                inside.sessions.push(of_carol.id, Punches(token, name, name))
            await trio.sleep(1.0)
            most = max(most, len(community.cables(carol, community.directory)))
        dials = [when for when, to in community.hub.dialled if to == DIRECTORY and when > began]
        in_a_minute = max(bisect_left(dials, start + 60) - n for n, start in enumerate(dials))
        assert 0 < in_a_minute <= 2 * KNOCKED_MOST
        assert most <= MEETINGS_MOST + 1
    carol.never_saw("cannot be reached")


async def test_a_flood_of_calls_is_heard_as_a_few(community: Community) -> None:
    carol, _ = await behind_firewalls(community)
    async with raw(community, "mallory") as mallory:
        client = await Client.register(
            mallory.nursery, mallory.network.hub.network(mallory.host), DIRECTORY, "mallet"
        )
        before = len(community.hub.dialled)
        answers = [await client.ask(Punch(client.next_id(), "carol")) for _ in range(1_000)]
        await trio.sleep(5.0)
        assert sum(hasattr(one, "token") for one in answers) == call_limits.PAIR_AT_ONCE
        assert len(community.hub.dialled) - before <= call_limits.PAIR_AT_ONCE
    assert not [to for _, to in community.hub.punched if to.host != carol.host]
