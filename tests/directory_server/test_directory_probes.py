"""A user lets the directory try their port: what it finds, and what nobody makes it dial."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from directory_server.core.probes.port_tests import AT_ONCE, USER_AT_ONCE
from shared.messages.common import Err
from shared.messages.directory import List
from shared.messages.probes import NONCE_BYTES, PortTested, TestPort, read_answer, request
from shared.messages.spots import Spot
from shared.world import Address, Incoming
from tests.kit.directory import TOWN_HALL, Town
from tests.kit.raw_client import PORT, Client

HOME, OUTSIDE, VICTIM = "198.51.100.1", "198.51.100.2", "203.0.113.5"
NONCE = bytes(NONCE_BYTES)


async def outcome(user: Client) -> str:
    said = await user.ask(TestPort(user.next_id()))
    return said.outcome if isinstance(said, PortTested) else said.code


async def secure(incoming: Incoming) -> None:
    await incoming.secure()
    await trio.sleep_forever()


async def says_nothing(_: Incoming) -> None:
    await trio.sleep_forever()


async def breaks_off(incoming: Incoming) -> None:
    incoming.abort()


async def enter(town: Town, name: str, **how: Any) -> Client:
    """Register a user who gets a certificate."""
    return await town.enters(name, at=HOME, request=b"x", **how)


async def listen(
    town: Town, shows: Client, answer: Callable[[Incoming], Awaitable[None]] = secure
) -> None:
    network = town.hub.network(HOME)
    network.present(shows.credentials())
    await town.nursery.start(network.serve, None, PORT, answer)


async def test_the_port_of_a_program_that_listens_is_open(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await enter(town, "carol")
    await listen(town, carol)
    said = await carol.ask(TestPort(carol.next_id()))
    assert isinstance(said, PortTested)
    assert said.outcome == "OPEN"
    assert said.milliseconds < 1_000


async def test_a_port_where_nothing_listens_is_refused(
    town: Town, autojump_clock: MockClock
) -> None:
    assert await outcome(await enter(town, "carol")) == "REFUSED"


async def test_a_port_behind_a_firewall_is_silent_after_three_seconds(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await enter(town, "carol")
    town.hub.swallowing.add(HOME)
    said = await carol.ask(TestPort(carol.next_id()))
    assert said == PortTested(said.re, "SILENT", 3_000)


async def test_a_program_that_accepts_and_says_nothing_is_silent(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await enter(town, "carol")
    await listen(town, carol, says_nothing)
    assert await outcome(carol) == "SILENT"


async def test_a_program_that_breaks_off_is_another_one(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await enter(town, "carol")
    await listen(town, carol, breaks_off)
    assert await outcome(carol) == "OTHER"


async def test_the_port_of_another_user_is_another_one(
    town: Town, autojump_clock: MockClock
) -> None:
    carol, mallory = await enter(town, "carol"), await enter(town, "mallory")
    await listen(town, carol)
    assert await outcome(mallory) == "OTHER"


@pytest.mark.parametrize(
    "lie",
    [
        {"host": VICTIM}, {"host": "victim.example"},
        {"spots": (Spot(VICTIM, 4_222, "MAPPED"), Spot("10.0.0.5", 22, "LAN"),
                   Spot("2001:db8::5", 22, "GLOBAL6"), Spot(VICTIM, 22, "SAID"))},
    ],
)  # fmt: skip
async def test_nothing_that_a_user_says_makes_the_directory_dial_somebody_else(
    town: Town, lie: dict[str, Any], autojump_clock: MockClock
) -> None:
    mallory = await enter(town, "mallory", **lie)
    town.hub.dialled.clear()
    await outcome(mallory)
    assert [to for _, to in town.hub.dialled] == [Address(HOME, PORT)]


async def test_a_user_without_a_port_is_refused(town: Town, autojump_clock: MockClock) -> None:
    town.hub.dialled.clear()
    carol = await enter(town, "carol", port=0)
    town.hub.dialled.clear()
    assert await outcome(carol) == "REFUSED"
    assert town.hub.dialled == []


async def test_ten_thousand_tests_are_a_few_dials(town: Town, autojump_clock: MockClock) -> None:
    mallory, dave = await enter(town, "mallory"), await town.enters("dave", at=OUTSIDE)
    town.hub.dialled.clear()
    requests = [TestPort(mallory.next_id()) for _ in range(10_000)]
    for one in requests:
        mallory.say(one)
    await mallory.answer_to(requests[-1])
    assert USER_AT_ONCE <= len(town.hub.dialled) <= USER_AT_ONCE + trio.current_time() / 30 + 1
    assert {one.code for one in mallory.heard if isinstance(one, Err)} == {"LIMIT"}
    assert await outcome(dave) == "REFUSED", "others are served all the same"


async def test_some_run_at_once_and_nobody_waits_for_them(
    town: Town, autojump_clock: MockClock
) -> None:
    hosts = [f"198.51.100.{n}" for n in range(10, 10 + AT_ONCE + 1)]
    users = [await town.enters(f"user{n}", at=host) for n, host in enumerate(hosts)]
    town.hub.swallowing |= set(hosts)
    begun = trio.current_time()
    for user in users[:-1]:
        user.say(TestPort(1))
        await user.ask(List(2, most=1))  # nor do the user's own requests wait
    last = await users[-1].ask(TestPort(1))
    assert isinstance(last, Err)
    assert last.code == "LIMIT"
    assert "of others" in last.text
    assert trio.current_time() - begun < 1
    said = [await user.answer_to(TestPort(1)) for user in users[:-1]]
    assert {one.outcome for one in said} == {"SILENT"}
    assert await outcome(users[-1]) == "SILENT", "there is room again"


async def test_a_user_who_leaves_during_the_test_hinders_nobody(
    town: Town, autojump_clock: MockClock
) -> None:
    town.hub.swallowing.add(HOME)
    for number in range(AT_ONCE):
        mallory = await enter(town, f"mallory{number}")
        mallory.say(TestPort(1))
        await mallory.leaves()
    await trio.sleep(4)
    dave = await town.enters("dave", at=OUTSIDE)
    assert await outcome(dave) == "REFUSED"


async def test_welcome_tells_what_can_be_compared(town: Town, autojump_clock: MockClock) -> None:
    carol = await town.enters("carol", at=HOME, host=VICTIM)
    welcome = carol.welcome
    assert welcome.seen is not None
    assert (welcome.seen.host, welcome.seen.kind) == (HOME, "SEEN")
    assert welcome.time > 0
    assert len(set(welcome.probe_ports)) == 2


async def test_a_probe_port_tells_from_which_port_one_comes(
    town: Town, autojump_clock: MockClock
) -> None:
    carol = await town.enters("carol", at=HOME)
    port = await town.hub.network(HOME).bind(HOME, 0)
    for probe in carol.welcome.probe_ports:
        await port.send(request(carol.welcome.cookie, NONCE), Address(TOWN_HALL, probe))
        with trio.fail_after(1):
            said, sender = await port.receive()
        assert sender == Address(TOWN_HALL, probe)
        assert read_answer(said, NONCE) == port.local.port


async def test_a_probe_port_is_silent_to_others(town: Town, autojump_clock: MockClock) -> None:
    carol = await town.enters("carol", at=HOME)
    port = await town.hub.network(OUTSIDE).bind(OUTSIDE, 0)
    await port.send(
        request(carol.welcome.cookie, NONCE), Address(TOWN_HALL, carol.welcome.probe_ports[0])
    )
    await port.send(b"hello", Address(TOWN_HALL, carol.welcome.probe_ports[1]))
    with trio.move_on_after(5) as patience:
        await port.receive()
    assert patience.cancelled_caught


async def test_a_directory_with_no_ports_to_spare_goes_on(
    town: Town, monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    async def bind(*_: object) -> None:
        raise OSError("no ports")

    monkeypatch.setattr("tests.kit.world.MemoryNetwork.bind", bind)
    await town.closes()
    await town.opens()
    carol = await town.enters("carol", at=HOME)
    assert carol.welcome.probe_ports == ()
    assert carol.welcome.cookie == b""
