"""DOCTOR judges networks that are hard to tell apart, and users meet there.

Each lab has carol in a house, and dave outside of it.  DOCTOR's code is read from a command of
carol's, before she starts her program.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from tests.kit.houses import House, Room
from tests.kit.lan import Host, Lan, hosts, on
from tests.kit.programs import Program, Stage, tool

TOWN: Final = "11.0.0"  # these count as addresses of the world, and lead nowhere from these hosts
BETWEEN: Final = "100.64.7"  # two routers
DIRECTORY_PORT, PORT = 5_000, 40_112
ROOT: Final = Path(__file__).parent.parent.parent
SECONDS: Final = 10.5  # from CHAT to the question, at most

# A router that maps ports by NAT-PMP, and says that its address is one of a second router.
SAYS_INSIDE: Final = """
import socket, struct, sys

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as router:
    router.bind((sys.argv[1], 5_351))
    print("listens", flush=True)
    while True:
        asked, asker = router.recvfrom(100)
        if asked[0] == 2:
            answer = struct.pack("!BBHI", 0, 0x81, 1, 1)
        elif asked[1] == 0:
            answer = struct.pack("!BBHI", 0, 0x80, 0, 1) + socket.inet_aton(sys.argv[2])
        else:
            inner, _, lifetime = struct.unpack("!HHI", asked[4:12])
            answer = struct.pack("!BBHIHHI", 0, 0x82, 0, 1, inner, inner, lifetime)
            print("takes back" if not lifetime else "gives", inner, flush=True)
        router.sendto(answer, asker)
"""

# Asks the directory where a user is, and prints the kinds of the spots, and the spots.
ASKER: Final = """
import sys, trio
from shared.messages.directory import Lookup
from shared.tls import TlsNetwork
from shared.world import Address
from tests.kit.raw_client import Client

async def main():
    async with trio.open_nursery() as nursery:
        place = Address(sys.argv[1], int(sys.argv[2]))
        asker = await Client.register(nursery, TlsNetwork(), place, "erin")
        spots = (await asker.ask(Lookup(asker.next_id(), sys.argv[3]))).spots
        print("spots:", *(f"{one.kind}={one.host}:{one.port}" for one in spots), flush=True)
        nursery.cancel_scope.cancel()

trio.run(main)
"""


class Lab(Struct, frozen=True):
    """The outcome that a network must have."""

    code: str
    router: str  #: what DOCTOR says of the router: a pattern
    way: str  #: in which dave reaches carol
    told: str  #: what others are told of carol: a pattern of the spots


class Scene(Struct):
    """A network, and where everybody is in it."""

    lan: Lan
    carols: Room
    daves: Host
    of_directory: Host
    carol_dials: str = ""  # to reach the directory; "": its host's address
    dave_dials: str = ""
    options: tuple[str, ...] = ()  # of carol's program
    after: Callable[[], None] = lambda: None  # what else must be so in the end


OPENED: Final = "direct (opened from both sides)."
SHE_DIALLED: Final = "direct (carol dialled)."
DIALLED: Final = "direct."  # by who calls
SEEN: Final = rf"SEEN={re.escape(TOWN)}\.4:\d+"
SECOND: Final = r"its own address is not a public one, .*"
CAROLS_IPV6: Final = r"GLOBAL6=2001:db8:1::100:\d+.*"
LABS: Final = {
    "two-routers": Lab("V6", SECOND, SHE_DIALLED, SEEN),
    "two-routers-random": Lab("V6", SECOND, SHE_DIALLED, SEEN),
    "two-routers-inside": Lab("V6", SECOND, OPENED, SEEN),
    "two-routers-lie": Lab(
        "V6", r"maps ports, but nothing comes through at .*", OPENED,
        rf"MAPPED={re.escape(TOWN)}\.4:\d+",
    ),
    "own-directory": Lab(
        "V8", rf"to the world it has the address {re.escape(TOWN)}\.4\.", SHE_DIALLED,
        r"SEEN=192\.168\.1\.101:\d+",
    ),
    "own-directory-advertise": Lab(
        "V3", r"it was not asked for a port\.", DIALLED, rf"SAID={re.escape(TOWN)}\.4:{PORT}"
    ),
    "open-ipv6": Lab("V7", r"it was not asked for a port\.", DIALLED, CAROLS_IPV6),
    "open-ipv6-only-hers": Lab("V7", r"it was not asked for a port\.", SHE_DIALLED, CAROLS_IPV6),
}  # fmt: skip


@contextmanager
def two_routers(name: str, lan: Lan, folder: Path) -> Iterator[Scene]:
    """Put carol behind two routers; a port of the inner one leads nowhere.

    The inner router refuses to give a port.  "random": it also takes another port for each
    target.  "inside": it gives one, and says that its address is inside.  "lie": it gives one,
    and says an address of the world.  In these two dave lets nobody in.
    """
    with ExitStack() as stack:
        outer = House(lan.hosts[2], 1, BETWEEN)
        inner = House(outer.rooms[0], 1)
        for house in (outer, inner):
            stack.callback(house.is_gone)
            house.sets_up()
        stack.callback(lan.stage.closes)
        scene = Scene(lan, inner.rooms[0], lan.hosts[1], lan.hosts[0])
        if name == "two-routers-random":
            inner.takes_another_port_for_each_target()
        elif name != "two-routers":
            scene.daves.lets_nobody_in()
        if name == "two-routers-inside":
            gateway = f"{inner.rooms[0].address.rpartition('.')[0]}.1"
            words = (sys.executable, "-c", SAYS_INSIDE, gateway, outer.rooms[0].address)
            router = lan.stage.starts(*words, name="the router", prefix=on(outer.rooms[0]))
            router.sees("listens")
            scene.after = lambda: gave_back(router)
        elif name == "two-routers-lie":
            inner.maps_ports(folder)
        else:
            inner.maps_ports(folder, says="")
            scene.after = lambda: nothing_is_mapped(inner)
        yield scene


def gave_back(router: Program) -> None:
    given = [line.split()[-1] for line in router.lines if line.startswith("gives")]
    assert given, "no port was asked for"
    assert all(f"takes back {port}" in router.lines for port in given), router.transcript()


def nothing_is_mapped(house: House) -> None:
    assert "dnat" not in house.mapped(), house.mapped()


@contextmanager
def own_directory(name: str, lan: Lan, folder: Path) -> Iterator[Scene]:
    """Put the directory and carol in one house, and dave outside."""
    house, outside = House(lan.hosts[2], 2), lan.hosts[2].address
    home_of_directory, home_of_carol = house.rooms
    try:
        house.sets_up()
        house.leads_to(home_of_directory, DIRECTORY_PORT)
        house.maps_ports(folder, says="")
        scene = Scene(lan, home_of_carol, lan.hosts[1], home_of_directory, dave_dials=outside)
        if name == "own-directory-advertise":
            house.leads_to(home_of_carol, PORT)
            scene.options = ("--listen", str(PORT), "--advertise", f"{outside}:{PORT}")
        yield scene
    finally:
        lan.stage.closes()
        house.is_gone()


@contextmanager
def open_ipv6(name: str, lan: Lan, _: Path) -> Iterator[Scene]:
    """Put carol behind a router that translates IPv4, and lets IPv6 through.

    Dave has IPv6 as well, or not.
    """
    has_both = name == "open-ipv6"
    house = House(lan.hosts[2], 1)
    try:
        house.sets_up()
        house.gives_ipv6(lan.hosts[: 2 if has_both else 1])
        where = lan.hosts[0].ipv6
        his = where if has_both else ""
        yield Scene(lan, house.rooms[0], lan.hosts[1], lan.hosts[0], where, his)
    finally:
        lan.stage.closes()
        house.is_gone()


BUILDERS: Final = {"two": two_routers, "own": own_directory, "open": open_ipv6}


def words_of(scene: Scene, name: str) -> tuple[str, ...]:
    """Return what starts the program of carol or dave."""
    dials = scene.carol_dials if name == "carol" else scene.dave_dials
    where = dials or scene.of_directory.address
    data = ("--data", str(scene.lan.stage.data_of(name)))
    options = scene.options if name == "carol" else ()
    return (tool("peer"), name, where, str(DIRECTORY_PORT), *data, *options)


def starts(scene: Scene, name: str, host: Host) -> Program:
    words = words_of(scene, name)
    program = scene.lan.stage.starts(*words, name=name, prefix=on(host))
    program.sees_like(f"You are {name}, connected to .*")
    return program


def examined(scene: Scene) -> dict[str, Any]:
    """Return the answer of carol's DOCTOR, for programs."""
    words = (*words_of(scene, "carol"), "--json", "DOCTOR")
    program = scene.lan.stage.starts(*words, name="carol", prefix=on(scene.carols))
    assert program.ends() == 0, program.transcript()
    said: list[dict[str, Any]] = [json.loads(line) for line in program.lines]
    return next(one for one in said if one["event"] == "doctor")


def told_of_carol(scene: Scene) -> str:
    """Return the spots of carol that somebody outside is told."""
    where = scene.dave_dials or scene.of_directory.address
    words = (sys.executable, "-c", ASKER, where, str(DIRECTORY_PORT), "carol")
    prefix = (*on(scene.daves), "env", f"PYTHONPATH={ROOT}")
    asker = scene.lan.stage.starts(*words, name="erin", prefix=prefix)
    spots = asker.sees_like("spots: .*").partition(": ")[2]
    assert asker.ends() == 0, asker.transcript()
    return spots


def met(caller: Program, callee: Program) -> tuple[float, str]:
    """Let one call the other, and part them again; return after how long they met, and the way."""
    began = time.monotonic()
    caller.types(f"CHAT {callee.name}")
    callee.sees(f"User {caller.name} wants to chat with you. Would you like to? (Y/N)")
    seconds = time.monotonic() - began
    callee.types("Y")
    caller.sees(f"You are now connected with {callee.name}.")
    caller.types(f"/INFO {callee.name}")
    way = caller.sees_like(rf"The way to {callee.name}: .*").partition(": ")[2]
    callee.types("/QUIT CONVERSATION")
    caller.sees(f"User {callee.name} left the conversation.")
    return seconds, way


def run(name: str, folder: Path) -> bool:
    """Play one lab, and print what came of it; return whether it is as it must be."""
    lab, stage, began = LABS[name], Stage(folder), time.monotonic()
    for lan in hosts(stage, 3, TOWN):
        with BUILDERS[name.partition("-")[0]](name, lan, folder) as scene:
            data = ("--data", str(stage.directory_data))
            words = (tool("dirserver"), str(DIRECTORY_PORT), *data)
            directory = stage.starts(*words, prefix=on(scene.of_directory))
            directory.sees_like("Directory listening on .*")
            found = examined(scene)
            carol, dave = starts(scene, "carol", scene.carols), starts(scene, "dave", scene.daves)
            carol.types("DOCTOR")
            sentence = carol.sees_like("=>  .*").removeprefix("=>  ")
            spots = told_of_carol(scene)
            first = met(dave, carol)
            dave.types("QUIT")
            assert dave.ends() == 0, dave.transcript()
            dave = starts(scene, "dave", scene.daves)
            ways = first, met(carol, dave)
            scene.after()
    router = next(one["text"] for one in found["checks"] if one["name"] == "router")
    seconds = max(ways[0][0], ways[1][0])
    is_good = (
        (found["code"], found["verdict"]) == (lab.code, sentence)
        and re.fullmatch(rf"Router[^:]*: {lab.router}", router) is not None
        and re.fullmatch(lab.told, spots) is not None
        and ways[0][1] == lab.way
        and ways[1][1] == (OPENED if lab.way == OPENED else DIALLED)
        and seconds <= SECONDS
    )
    print(
        f"  {router}\n  {found['code']}: {sentence}\n  Told outside: {spots}\n"
        f"  dave calls: {ways[0][0]:.2f} s, {ways[0][1]}\n"
        f"  carol calls: {ways[1][0]:.2f} s, {ways[1][1]}\n"
        f"{name}: {time.monotonic() - began:.0f} s in all:"
        f" {'as it must be' if is_good else 'NOT AS IT MUST BE'}",
        flush=True,
    )
    return is_good
