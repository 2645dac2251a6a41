"""Users whose machines or routers let nobody in call and are called.

These tests need root, `ip` and `nft`, and are skipped without.
"""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.kit.houses import House, town_with_house
from tests.kit.lan import PUBLIC, Host, Lan, as_root, hosts, needs, on
from tests.kit.programs import Program, Stage, connect
from tests.kit.terminals import comes_true

has_upnp = pytest.mark.skipif(find_spec("miniupnpc") is None, reason="miniupnpc is not installed")

ROOT = Path(__file__).parent.parent.parent

# Mallory: registers with every lie there is, and knocks at all others, again and again.
KNOCKER = """
import sys, trio
from shared.messages.spots import Knock, Spot
from shared.tls import TlsNetwork
from shared.world import Address
from tests.kit.raw_client import Client

directory, victim, *callees = sys.argv[1:]
KINDS = ("LAN", "MAPPED", "SEEN", "SAID", "GLOBAL6")

async def main():
    async with trio.open_nursery() as nursery:
        mallory = await Client.register(
            nursery, TlsNetwork(), Address(directory, 5000), "mallory", host=victim, port=22,
            spots=(*(Spot(victim, 22, kind) for kind in KINDS), Spot("0.0.0.0", 22, "LAN"),
                   Spot("224.0.0.1", 22, "LAN"), Spot("victim.example", 22, "LAN")),
        )
        answers = [
            type(await mallory.ask(Knock(mallory.next_id(), callee))).__name__
            for _ in range(50) for callee in callees
        ]
        print("Done:", answers.count("Done"), "Err:", answers.count("Err"), flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


@pytest.fixture
def switch(stage: Stage) -> Iterator[Lan]:
    yield from hosts(stage, 5)


@pytest.fixture
def town(stage: Stage) -> Iterator[tuple[Lan, House]]:
    yield from town_with_house(stage)


@pytest.fixture
def houses(stage: Stage) -> Iterator[tuple[Lan, House, House]]:
    for lan in hosts(stage, 3, PUBLIC):
        both = House(lan.hosts[1], 1), House(lan.hosts[2], 1)
        try:
            for house in both:
                house.sets_up()
            yield lan, *both
        finally:
            stage.closes()
            for house in both:
                house.is_gone()


def call(one: Program, other: Program) -> None:
    """Connect these two, and part them again."""
    connect(one, one.name, other, other.name)
    other.types("QUIT CONVERSATION")
    one.sees(f"User {other.name} left the conversation.")


@as_root
@needs("ip")
@needs("nft")
def test_behind_a_firewall_that_drops_all_he_calls_and_is_called(switch: Lan) -> None:
    _, home_of_carol, home_of_dave, home_of_mallory, victim = switch.hosts
    home_of_dave.lets_nobody_in()
    for one in (home_of_mallory, victim):
        one.watches(home_of_carol, home_of_dave)
    switch.directory()
    carol, dave = switch.peer(home_of_carol, "carol"), switch.peer(home_of_dave, "dave")
    call(carol, dave)
    call(dave, carol)

    mallory = knocks_with_lies(switch, home_of_mallory, victim, "carol", "dave")
    mallory.sees_like(r"Done: 2 Err: 98")
    # They look up whom to dial in this order, so what she made them dial was dialled by then.
    call(carol, dave)
    call(dave, carol)
    assert home_of_mallory.packets() > 0, "they have dialled where the directory sees her"
    assert victim.packets() == 0


def knocks_with_lies(lan: Lan, host: Host, victim: Host, *callees: str) -> Program:
    words = (sys.executable, "-c", KNOCKER, lan.hosts[0].address, victim.address, *callees)
    prefix = (*on(host), "env", f"PYTHONPATH={ROOT}")
    return lan.stage.starts(*words, name="mallory", prefix=prefix)


@as_root
@needs("ip")
@needs("nft")
def test_users_of_both_families_of_addresses_meet(switch: Lan) -> None:
    town_hall, home_of_carol, home_of_dave, home_of_erin, _ = switch.hosts
    for host in (town_hall, home_of_carol, home_of_dave):
        host.speaks_ipv6()
    home_of_dave.lets_nobody_in()
    switch.directory()
    carol = switch.peer(home_of_carol, "carol", directory=town_hall.ipv6)
    dave = switch.peer(home_of_dave, "dave", directory=town_hall.ipv6)
    erin = switch.peer(home_of_erin, "erin")  # who has no IPv6
    call(carol, dave)
    call(erin, carol)
    call(erin, dave)
    call(carol, erin)


@as_root
@needs("ip")
@needs("nft")
def test_behind_a_router_one_is_called_from_outside_and_from_the_next_room(
    town: tuple[Lan, House],
) -> None:
    lan, house = town
    room_of_dave, room_of_erin = house.rooms
    lan.directory()
    carol = lan.peer(lan.hosts[1], "carol")
    dave, erin = lan.peer(room_of_dave, "dave"), lan.peer(room_of_erin, "erin")
    call(carol, dave)
    call(dave, erin)
    call(dave, carol)


@as_root
@needs("ip")
@needs("nft")
@needs("miniupnpd")
@pytest.mark.parametrize("by_upnp", [False, pytest.param(True, marks=has_upnp)])
def test_behind_two_routers_one_that_maps_ports_is_enough(
    houses: tuple[Lan, House, House], by_upnp: bool
) -> None:
    lan, home_of_carol, home_of_dave = houses
    home_of_dave.maps_ports(lan.stage.folder, by_upnp=by_upnp)
    lan.directory()
    carol = lan.peer(home_of_carol.rooms[0], "carol")
    dave = lan.peer(home_of_dave.rooms[0], "dave")
    assert comes_true(lambda: home_of_dave.rooms[0].address in home_of_dave.mapped())
    call(carol, dave)
    call(dave, carol)
    dave.types("QUIT")
    assert dave.ends() == 0
    assert comes_true(lambda: home_of_dave.rooms[0].address not in home_of_dave.mapped())


# --- Nobody can be called, so both dial ----------------------------------------------


def call_from_both_sides(one: Program, other: Program) -> None:
    """Connect these two, read how each reaches the other, and part them again."""
    connect(one, one.name, other, other.name)
    for this, that in ((one, other), (other, one)):
        this.types("/MEMBERS")
        this.sees_like(rf" *{that.name}: direct \(opened from both sides\)(, .* ms)?")
    other.types("/QUIT CONVERSATION")
    one.sees(f"User {other.name} left the conversation.")


@as_root
@needs("ip")
@needs("nft")
@pytest.mark.parametrize("family", [4, 6])
def test_between_two_firewalls_both_dial(switch: Lan, family: int) -> None:
    town_hall, home_of_carol, home_of_dave, *_ = switch.hosts
    for host in (town_hall, home_of_carol, home_of_dave):
        host.speaks_ipv6()
    where = town_hall.ipv6 if family == 6 else town_hall.address
    switch.directory()
    carol = switch.peer(home_of_carol, "carol", directory=where)
    dave = switch.peer(home_of_dave, "dave", directory=where)
    for host in (home_of_carol, home_of_dave):
        host.lets_nobody_in()
    call_from_both_sides(*((dave, carol) if family == 6 else (carol, dave)))


@as_root
@needs("ip")
@needs("nft")
def test_who_comes_back_after_a_power_cut_is_let_in_at_the_first_call(switch: Lan) -> None:
    """Nobody tells carol that their link is gone: dave's firewall drops what she sends on it."""
    _, home_of_carol, home_of_dave, *_ = switch.hosts
    switch.directory()
    carol, dave = switch.peer(home_of_carol, "carol"), switch.peer(home_of_dave, "dave")
    home_of_carol.lets_nobody_in()
    home_of_dave.lets_nobody_in()
    call_from_both_sides(carol, dave)

    switch.loses_power(home_of_dave, dave)
    home_of_dave.lets_nobody_in()
    dave = switch.peer(home_of_dave, "dave")
    call_from_both_sides(dave, carol)


@as_root
@needs("ip")
@needs("nft")
def test_behind_two_routers_that_let_nobody_in_both_dial(
    houses: tuple[Lan, House, House],
) -> None:
    """The hosts of both houses have the same numbers."""
    lan, home_of_carol, home_of_dave = houses
    lan.directory()
    carol = lan.peer(home_of_carol.rooms[0], "carol")
    dave = lan.peer(home_of_dave.rooms[0], "dave")
    call_from_both_sides(carol, dave)
    dave.types("INFO carol")
    dave.sees_like("The way to carol: direct \\(opened from both sides\\).")


@as_root
@needs("ip")
@needs("nft")
def test_in_one_house_between_two_firewalls_both_dial(town: tuple[Lan, House]) -> None:
    """The directory, which is outside, sees both at the address of their router."""
    lan, house = town
    lan.directory()
    dave, erin = lan.peer(house.rooms[0], "dave"), lan.peer(house.rooms[1], "erin")
    for room in house.rooms:
        room.lets_nobody_in()
    call_from_both_sides(dave, erin)
