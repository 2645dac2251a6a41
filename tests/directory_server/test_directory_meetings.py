"""Two users meet at the directory to open a way from both sides, and nobody else does."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.limits import STRANGERS_PER_ADDRESS
from directory_server.core.punching import meetings
from directory_server.core.punching.attendance import OF_ONE
from directory_server.core.punching.meetings import AT_ONCE, MEETING_SECONDS
from shared.errors import TurnedAway, Unreachable
from shared.identity import Credentials
from shared.messages.common import Err
from shared.messages.directory import List, Lookup
from shared.messages.punching import Go, Punch, Punches, Punching
from shared.messages.spots import Spot
from tests.kit.directory import TOWN_HALL, Town
from tests.kit.meetings import coming, next_of
from tests.kit.raw_client import PORT, Client, identity_of
from tests.kit.world import Authority

HOME, OUTSIDE, THIRD = "198.51.100.1", "198.51.100.2", "198.51.100.3"


async def enters(town: Town, name: str, at: str, **how: Any) -> Client:
    """Register somebody who has a certificate."""
    return await town.enters(name, at=at, request=identity_of(name).request(name), **how)


async def call(caller: Client, name: str) -> Any:
    return await caller.ask(Punch(caller.next_id(), name))


def comes(town: Town, user: Client | None, at: str, token: bytes) -> Any:
    shown = user.credentials() if user else None
    return coming(town.hub.network(at), town.bound.address._replace(host=TOWN_HALL), shown, token)


async def test_both_are_told_at_the_same_moment_where_the_other_is(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await enters(town, "carol", HOME), await enters(town, "Dave", OUTSIDE)
    said = await call(carol, "dave")
    assert isinstance(said, Punching)
    assert said.first == "carol"
    heard = await dave.hears(Punches)
    assert heard == Punches(said.token, "carol", "carol")
    async with comes(town, dave, OUTSIDE, said.token) as other:
        await trio.sleep(1.0)
        began = trio.current_time()
        async with comes(town, carol, HOME, said.token) as one:
            to_carol, to_dave = await next_of(one), await next_of(other)
            assert trio.current_time() == began
            assert isinstance(to_carol, Go)
            assert isinstance(to_dave, Go)
            (of_dave,), (of_carol,) = to_carol.spots, to_dave.spots
            assert (of_dave.host, of_dave.kind) == (OUTSIDE, "SEEN")
            assert (of_carol.host, of_carol.kind) == (HOME, "SEEN")
            assert PORT not in (of_dave.port, of_carol.port), "these are other connections"
            assert to_carol.token == to_dave.token == said.token
    assert (await carol.ask(Lookup(carol.next_id(), "dave"))).status.value == "ACTIVE"
    assert not [one for one in (*carol.heard, *dave.heard) if isinstance(one, Err)]


async def test_in_one_house_they_are_told_their_own_network_too(
    town: Town, autojump_clock: MockClock
) -> None:
    lan = Spot("192.168.1.7", PORT, "LAN")
    carol = await enters(town, "carol", "10.0.0.7", spots=(lan,))
    dave = await enters(town, "dave", "10.0.0.8")
    token = (await call(carol, "dave")).token
    async with (
        comes(town, carol, "10.0.0.7", token) as one,
        comes(town, dave, "10.0.0.8", token) as other,
    ):
        go = await next_of(other)
        assert isinstance(go, Go)
        seen, near = go.spots
        assert (near.host, near.port, near.kind) == (lan.host, seen.port, "LAN")
        await next_of(one)


async def test_who_is_away_or_at_the_same_address_never_comes(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await enters(town, "carol", HOME), await enters(town, "dave", OUTSIDE)
    await enters(town, "erin", HOME)
    await dave.leaves()
    assert isinstance(await call(carol, "dave"), Punching), "it tells nothing of the callee"
    for name, code in (("erin", "REFUSED"), ("carol", "REFUSED"), ("nobody", "NOBODY")):
        no = await call(carol, name)
        assert isinstance(no, Err)
        assert no.code == code


async def refusal(town: Town, user: Client | None, at: str, token: bytes) -> str:
    async with comes(town, user, at, token) as link:
        with pytest.raises(TurnedAway) as no:
            await next_of(link)
        return no.value.code


async def test_a_token_is_good_for_its_two_users_only_and_once(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await enters(town, "carol", HOME), await enters(town, "dave", OUTSIDE)
    mallory = await enters(town, "mallory", THIRD)
    token = (await call(carol, "dave")).token
    assert await refusal(town, mallory, THIRD, token) == "KEY"
    assert await refusal(town, None, THIRD, token) == "KEY"
    assert await refusal(town, carol, HOME, bytes(16)) == "REFUSED"
    async with comes(town, carol, HOME, token) as one:
        await trio.sleep(0.1)
        assert await refusal(town, carol, HOME, token) == "REFUSED"
        async with comes(town, dave, OUTSIDE, token) as other:
            await next_of(one)
            await next_of(other)
    assert await refusal(town, carol, HOME, token) == "REFUSED", "it has taken place"


async def test_a_certificate_of_another_community_is_nobodys(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await enters(town, "carol", HOME)
    await enters(town, "dave", OUTSIDE)
    token = (await call(carol, "dave")).token
    _, forged = Authority(seed=7).user("carol")
    network = town.hub.network(HOME)
    network.is_careless = True
    address = town.bound.address._replace(host=TOWN_HALL)
    with pytest.raises((Unreachable, BaseExceptionGroup)):
        async with coming(network, address, Credentials(forged.key, forged.certificate,
                          forged.authority), token) as link:  # fmt: skip
            await next_of(link)


async def test_who_waits_in_vain_or_says_more_is_sent_away(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await enters(town, "carol", HOME)
    await enters(town, "dave", OUTSIDE)
    began = trio.current_time()
    async with comes(town, carol, HOME, (await call(carol, "dave")).token) as link:
        with pytest.raises(Unreachable):
            await next_of(link)
        assert MEETING_SECONDS - 1 <= trio.current_time() - began <= MEETING_SECONDS + 1
    async with comes(town, carol, HOME, (await call(carol, "dave")).token) as link:
        link.post(List(1))
        with pytest.raises(TurnedAway) as no:
            await next_of(link)
        assert no.value.code == "PROTOCOL"


async def test_a_flood_is_heard_as_a_few(town: Town, autojump_clock: MockClock) -> None:
    mallory = await enters(town, "mallory", HOME)
    others = [await enters(town, f"user{number}", OUTSIDE) for number in range(10)]
    answers = [await call(mallory, others[number % 10].name) for number in range(100)]
    assert [type(one).__name__ for one in answers[:AT_ONCE]] == ["Punching"] * AT_ONCE
    assert {one.code for one in answers[AT_ONCE:]} == {"LIMIT"}
    heard = sum(isinstance(one, Punches) for other in others for one in other.heard)
    assert heard == AT_ONCE


async def test_one_user_is_there_a_few_times_at_most(
    town: Town, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meetings, "AT_ONCE", 100)
    mallory = await enters(town, "mallory", HOME)
    tokens = []
    for number in range(OF_ONE + 1):
        await enters(town, f"user{number}", OUTSIDE)
        tokens.append((await call(mallory, f"user{number}")).token)
    async with AsyncExitStack() as stack:
        for token in tokens[:-1]:
            await stack.enter_async_context(comes(town, mallory, HOME, token))
        await trio.sleep(0.1)
        assert await refusal(town, mallory, HOME, tokens[-1]) == "LIMIT"
    await trio.sleep(0.1)
    async with comes(town, mallory, HOME, tokens[-1]) as link:
        with trio.move_on_after(1.0) as patience:
            await next_of(link)
        assert patience.cancelled_caught, "she is there, and waits"


async def test_who_says_nothing_is_a_stranger_until_then(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, dave = await enters(town, "carol", HOME), await enters(town, "dave", OUTSIDE)
    token = (await call(carol, "dave")).token
    async with comes(town, dave, OUTSIDE, token) as other:
        await trio.sleep(0.1)
        assert town.directory.strangers == 0
        address = town.bound.address._replace(host=TOWN_HALL)
        silent = [await town.hub.network(OUTSIDE).dial([address]) for _ in range(80)]
        await trio.sleep(0.1)
        assert town.directory.strangers == min(80, STRANGERS_PER_ADDRESS)
        async with comes(town, carol, HOME, token):
            assert isinstance(await next_of(other), Go), "strangers do not displace who has come"
        for wire in silent:
            wire.abort()
