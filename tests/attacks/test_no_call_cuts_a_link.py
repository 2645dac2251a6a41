"""Nobody ends a link between two others, or keeps a program busy, by calls in their names."""

import pytest
import trio

from peer.core.reach.knock_limits import PAIR_SECONDS
from shared.heartbeat import DEAD_AFTER, DOUBT_SECONDS, PING_AFTER
from shared.messages.punching import Punches
from shared.messages.spots import Knock, Knocks, Spot
from tests.kit.community import Community, Person
from tests.kit.raw_peer import raw


def call(community: Community, told: Person, caller: Person, number: int = 0, at: str = "") -> None:
    """Let the directory tell somebody that another one knocks and calls, which is not so.

    `at`: an address that is not theirs.
    """
    spot = Spot(at or caller.host, caller.peer._registration.port, "SEEN")
    punches = Punches(bytes([number]) * 16, caller.name, min(told.name, caller.name))
    community.directory.says(told.name, Knocks(caller.name, (spot,)), punches)


def pings_of(one: Person, other: str, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the moments of all PINGs on this link from now on."""
    link, pings = one.link_to(other), list[float]()
    honest = link._ping

    def ping() -> None:
        pings.append(trio.current_time())
        honest()

    monkeypatch.setattr(link, "_ping", ping)
    return pings


async def test_calls_that_a_directory_invents_leave_a_link_alone(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await community.talking("carol", "dave")
    link, pings = carol.link_to("dave"), pings_of(carol, "dave", monkeypatch)
    before = len(community.hub.dialled)
    for number in range(60):
        call(community, carol, dave, number)
        await trio.sleep(1.0)
    assert carol.link_to("dave") is link
    assert len(community.hub.dialled) == before, "neither dave nor a meeting was dialled"
    assert not community.hub.punched
    of_doubt, of_silence = 2 * 60.0 / PAIR_SECONDS, 60.0 / PING_AFTER
    assert 60.0 / PAIR_SECONDS / 2 <= len(pings) <= of_doubt + of_silence
    await carol.types("still there?")
    await dave.sees("carol: still there?")
    carol.never_saw("Lost")
    dave.never_saw("Lost")


async def test_two_calls_at_once_send_one_ping(
    community: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol, dave = await community.talking("carol", "dave")
    (cable,) = community.cables(carol, dave)
    cable.silence()
    pings = pings_of(carol, "dave", monkeypatch)
    for number in range(100):
        call(community, carol, dave, number)
    await trio.sleep(DOUBT_SECONDS / 2)
    assert len(pings) == 1


async def test_a_slow_link_outlives_a_false_user_at_the_address_of_a_call(
    community: Community,
) -> None:
    """The directory waits until the link is silent, and names an address of its own."""
    carol, dave = await community.talking("carol", "dave")
    link = carol.link_to("dave")
    async with raw(community, "mallory") as mallory:
        (cable,) = community.cables(carol, dave)
        cable.silence()
        await carol.types("slowly")
        call(community, carol, dave, at=mallory.host)
        await trio.sleep(DEAD_AFTER - 2.0)
        cable.heal()
        await dave.sees("carol: slowly")
    assert carol.link_to("dave") is link
    carol.never_saw("Lost")


@pytest.mark.parametrize("names", [("carol", "dave"), ("dave", "carol")])
async def test_no_text_is_lost_on_a_slow_link_that_is_called_dead_all_the_time(
    community: Community, names: tuple[str, str]
) -> None:
    """Each call makes a second link beside the one that is too slow to prove that it lives."""
    await community.talking("carol", "dave")
    told, caller = (community.people[name] for name in names)
    texts = [f"text {number}" for number in range(40)]
    links = {told.link_to(caller.name)}
    began = trio.current_time()
    for number, text in enumerate(texts):
        slow = community.cables(told, caller)
        for cable in slow:
            cable.silence()
        call(community, told, caller, number)
        await told.types(text)
        await caller.types(text)
        await trio.sleep(2 * DOUBT_SECONDS)
        for cable in slow:
            cable.heal()
        await trio.sleep(0.1)
        links.add(told.link_to(caller.name))
    assert 2 < len(links) <= (trio.current_time() - began) / PAIR_SECONDS + 2
    await trio.sleep(60.0)
    for one, other in ((told, caller), (caller, told)):
        prefix = f"{other.name}: "
        heard = [line.removeprefix(prefix) for line in one.lines if line.startswith(prefix)]
        assert heard == texts
        one.never_saw("Lost the connection")
        one.never_saw("left the conversation")
    assert len(community.cables(told, caller)) == 1


async def test_who_is_silent_and_knocks_is_dialled_where_they_are_and_seldom(
    community: Community,
) -> None:
    (carol,) = await community.start("carol")
    async with raw(community, "mallory") as mallory:
        await mallory.dials(carol)
        await trio.sleep(1.0)
        link = carol.link_to("mallory")
        for cable in community.hub.cables(carol.host, mallory.host):
            cable.silence()
        before = len(community.hub.dialled)
        for _ in range(8):
            await mallory.client.ask(Knock(mallory.client.next_id(), "carol"))
            await trio.sleep(1.0)
        assert carol.link_to("mallory") is link, "which nobody has cut"
        dialled = {to.host for _, to in community.hub.dialled[before:]}
        assert dialled == {mallory.host}
        assert len(community.hub.dialled) - before <= 8 / PAIR_SECONDS + 1


@pytest.mark.parametrize("ignores", [False, True])
async def test_who_is_ignored_sees_the_same_ping(
    community: Community, monkeypatch: pytest.MonkeyPatch, ignores: bool
) -> None:
    carol, dave = await community.start("carol", "dave")
    await carol.types("PRV dave hello")
    await dave.sees("[private] carol: hello")
    if ignores:
        await carol.types("IGNORE dave")
        assert "dave" in carol.peer._memory.journal.contacts.ignored
    pings = pings_of(carol, "dave", monkeypatch)
    call(community, carol, dave)
    await trio.sleep(DOUBT_SECONDS / 2)
    assert len(pings) == 1
