"""A port of the router is kept while it translates my address, and given back."""

import pytest
import trio
from trio.testing import MockClock

from peer.core.mapping.actions import NotMapped, Why
from peer.core.mapping.port_mapping import UPNP_AFTER
from peer.core.mapping.router_messages import nat_pmp_map
from peer.runtime.mapping.port_mapper import InnerPlace, PortMapper
from shared.world import Address, UpnpGrant
from tests.kit.router import GRANTED, OUTER, Router
from tests.kit.world import Hub, Machine, MemoryNetwork

HOME, ROUTER = "192.168.1.20", "192.168.1.1"
PORT = 40_112
HERE = InnerPlace(HOME, PORT)


class News:
    def __init__(self) -> None:
        self.ports: list[int] = []  #: each one that differs from the one before
        self.changed = trio.Event()

    def mapped(self, port: int) -> None:
        if port != (self.ports[-1] if self.ports else 0):
            self.ports.append(port)
            self.changed.set()
            self.changed = trio.Event()

    async def until(self, *ports: int) -> None:
        while self.ports != list(ports):
            await self.changed.wait()


class House:
    """A host behind a router, and its mapper."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.hub = Hub()
        self.nursery, self.news = nursery, News()
        self.router = Router(self.hub, ROUTER)
        self.router.takes_in(HOME)
        self.mapper = PortMapper(Machine(self.hub, HOME).world(), self.news)

    async def starts(self) -> None:
        await self.nursery.start(self.router.serve)
        self.nursery.start_soon(self.mapper.run)


@pytest.fixture
async def house(nursery: trio.Nursery) -> House:
    return House(nursery)


@pytest.mark.parametrize("language", ["PCP", "NAT-PMP"])
async def test_a_port_is_asked_for_and_given_back(
    autojump_clock: MockClock, house: House, language: str
) -> None:
    house.router.speaks_pcp = language == "PCP"
    await house.starts()
    house.mapper.look(HERE)
    await house.news.until(PORT)
    assert house.router.mapped == {PORT: Address(HOME, PORT)}
    house.mapper.look(None)
    await house.news.until(PORT, 0)
    await trio.sleep(1)
    assert house.router.mapped == {}


async def test_a_port_that_is_taken_becomes_another_one(
    autojump_clock: MockClock, house: House
) -> None:
    house.router.taken = {PORT}
    await house.starts()
    house.mapper.look(HERE)
    await house.news.until(GRANTED)


async def test_a_router_that_forgot_is_asked_again_within_70_seconds(
    autojump_clock: MockClock, house: House
) -> None:
    await house.starts()
    house.mapper.look(HERE)
    await house.news.until(PORT)
    house.router.forgets()
    await trio.sleep(70)
    assert house.router.mapped == {PORT: Address(HOME, PORT)}
    assert house.news.ports == [PORT]  # nobody is told: nothing has changed


async def test_whoever_registers_anew_asks_a_router_that_may_have_forgotten_at_once(
    autojump_clock: MockClock, house: House
) -> None:
    await house.starts()
    house.mapper.look(HERE)
    await house.news.until(PORT)
    house.router.forgets()
    house.router.taken = {PORT}
    house.mapper.look(HERE)
    with trio.fail_after(1):
        await house.news.until(PORT, GRANTED)


async def test_a_quiet_day_costs_one_question_a_minute(
    autojump_clock: MockClock, house: House
) -> None:
    await house.starts()
    house.mapper.look(HERE)
    await trio.sleep(24 * 3_600)
    assert len(house.router.asked) < 1.2 * 24 * 60
    assert house.news.ports == [PORT]


async def test_a_router_that_maps_nothing_is_left_alone(
    autojump_clock: MockClock, house: House
) -> None:
    house.router.speaks_pcp = house.router.speaks_nat_pmp = False
    await house.starts()
    house.mapper.look(HERE)
    await trio.sleep(60)
    assert house.mapper.state == NotMapped(Why.SILENT)
    assert len(house.router.asked) <= 12
    assert house.news.ports == []


async def test_another_address_of_mine_is_asked_for_anew(
    autojump_clock: MockClock, house: House
) -> None:
    await house.starts()
    house.mapper.look(HERE)
    await house.news.until(PORT)
    house.mapper.look(InnerPlace(HOME, 50_000))
    await house.news.until(PORT, 0, 50_000)
    assert house.router.mapped == {50_000: Address(HOME, 50_000)}


async def test_the_same_place_again_costs_one_question(
    autojump_clock: MockClock, house: House
) -> None:
    await house.starts()
    house.mapper.look(HERE)
    await house.news.until(PORT)
    asked = len(house.router.asked)
    house.mapper.look(InnerPlace(HOME, PORT))
    await trio.sleep(1)
    assert len(house.router.asked) == asked + 1
    assert house.news.ports == [PORT]


async def test_without_a_known_router_nothing_is_sent(
    autojump_clock: MockClock, house: House
) -> None:
    house.hub.gateways.clear()
    await house.starts()
    house.mapper.look(HERE)
    await trio.sleep(60)
    assert house.router.asked == []
    assert house.mapper.router == ""


async def test_an_address_that_has_gone_waits_for_the_next_one(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def bind(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr(MemoryNetwork, "bind", bind)
        house.nursery.start_soon(house.mapper.run)
        house.mapper.look(HERE)
        await trio.sleep(1)
    await house.nursery.start(house.router.serve)
    house.mapper.look(InnerPlace(HOME, 50_000))
    await house.news.until(50_000)


async def test_the_end_of_the_program_gives_the_port_back(
    autojump_clock: MockClock, house: House
) -> None:
    await house.nursery.start(house.router.serve)
    async with trio.open_nursery() as program:
        program.start_soon(house.mapper.run)
        house.mapper.look(HERE)
        await house.news.until(PORT)
        program.cancel_scope.cancel()
    await trio.sleep(1)
    assert house.router.mapped == {}


async def test_somebody_else_on_the_network_is_not_heard(
    autojump_clock: MockClock, house: House
) -> None:
    house.router.speaks_pcp = house.router.speaks_nat_pmp = False
    await house.starts()
    house.mapper.look(HERE)
    await trio.testing.wait_all_tasks_blocked()
    mallory = await MemoryNetwork(house.hub, "192.168.1.66").bind("", 0)
    ((_, at),) = [key for key in house.hub.ports if key.host == HOME]
    forged = bytes.fromhex("00 82 0000 00000001") + nat_pmp_map(PORT, 666 + 40_000, 3_600)[4:]
    for _ in range(20):
        await mallory.send(forged, Address(HOME, at))
    await trio.sleep(60)
    assert house.news.ports == []


# --- UPnP ---


class MemoryUpnp:
    """A router that speaks UPnP only, `seconds` after it was asked."""

    def __init__(self, seconds: float = 1.0, host: str = OUTER) -> None:
        self._seconds, self._host = seconds, host
        self.mapped: set[int] = set()
        self.asked: list[float] = []
        self.is_there = True

    async def map(self, port: int, wanted: int, lifetime: int) -> UpnpGrant | None:
        self.asked.append(trio.current_time())
        await trio.sleep(self._seconds)
        if not self.is_there:
            return None
        self.mapped.add(wanted)
        return UpnpGrant(wanted, self._host)

    async def give_back(self, port: int) -> None:
        self.mapped.discard(port)


@pytest.fixture
def upnp(house: House) -> MemoryUpnp:
    house.router.speaks_pcp = house.router.speaks_nat_pmp = False
    upnp = house.hub.upnp[HOME] = MemoryUpnp()
    return upnp


async def test_a_router_that_speaks_upnp_only_gives_a_port_and_gets_it_back(
    autojump_clock: MockClock, house: House, upnp: MemoryUpnp
) -> None:
    await house.starts()
    begun = trio.current_time()
    house.mapper.look(HERE)
    await house.news.until(PORT)
    assert upnp.asked == [begun + UPNP_AFTER]
    upnp.mapped.clear()  # as after a restart
    await trio.sleep(70)
    assert upnp.mapped == {PORT}
    house.mapper.look(None)
    await house.news.until(PORT, 0)
    await trio.sleep(1)
    assert not upnp.mapped


async def test_a_machine_that_knows_no_router_asks_by_upnp(
    autojump_clock: MockClock, house: House, upnp: MemoryUpnp
) -> None:
    del house.hub.gateways[HOME]
    await house.starts()
    house.mapper.look(HERE)
    await house.news.until(PORT)


async def test_a_second_router_found_by_upnp_gets_its_port_back(
    autojump_clock: MockClock, house: House
) -> None:
    house.router.speaks_pcp = house.router.speaks_nat_pmp = False
    upnp = house.hub.upnp[HOME] = MemoryUpnp(host="100.64.0.7")
    await house.starts()
    house.mapper.look(HERE)
    await house.mapper.wait_known()
    assert house.mapper.state == NotMapped(Why.SECOND_ROUTER)
    assert not upnp.mapped
    assert house.news.ports == []


async def test_no_answer_by_upnp_is_no_mapping(
    autojump_clock: MockClock, house: House, upnp: MemoryUpnp
) -> None:
    upnp.is_there = False
    await house.starts()
    house.mapper.look(HERE)
    await house.mapper.wait_known()
    assert house.mapper.state == NotMapped(Why.ALL_SILENT)


async def test_a_router_that_answers_in_time_is_not_asked_by_upnp(
    autojump_clock: MockClock, house: House
) -> None:
    upnp = house.hub.upnp[HOME] = MemoryUpnp()
    await house.starts()
    house.mapper.look(HERE)
    await house.news.until(PORT)
    await trio.sleep(100)
    assert not upnp.asked
