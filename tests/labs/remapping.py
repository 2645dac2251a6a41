"""A router that maps ports starts again, and gives the port of a user to somebody else.

The user's program asks anew, and tells the directory: the conversation goes on, and somebody
who comes later finds the user at the other port.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.kit.houses import House, Room, town_with_houses
from tests.kit.lan import Lan, on
from tests.kit.programs import PATIENCE, Program, Stage, connect
from tests.kit.terminals import comes_true

SECONDS: Final = 70.0  # until the port is mapped anew, at most
PAUSE: Final = 0.2
BY_MAPPING: Final = "The way to dave: direct (router's mapping)."
ASKED: Final = "carol: are you there?"
ANSWERED: Final = "dave: and you?"
LABS: Final = ("remap",)

# Asks the router for a port, by NAT-PMP, until it answers; prints the one that is given.
TAKER: Final = """
import socket, struct, sys

router, wanted = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
    asker.settimeout(0.2)
    while True:
        asker.sendto(struct.pack("!BBHHHI", 0, 2, 0, 9_999, wanted, 3_600), (router, 5_351))
        try:
            answer = asker.recv(100)
        except OSError:
            continue
        print("given:", struct.unpack("!BBHIHHI", answer)[5], flush=True)
        break
"""


@contextmanager
def built(folder: Path) -> Iterator[tuple[Lan, House, House]]:
    """Yield two houses of two people; the first takes a new port for each target."""
    with town_with_houses(Stage(folder), 2, 2) as (lan, houses):
        for house in houses:
            house.forwards_no_strays()
        houses[0].takes_another_port_for_each_target()
        houses[1].maps_ports(folder)
        yield lan, houses[0], houses[1]


def port_of(house: House, room: Room) -> int:
    """Return the router's port that leads to this room; 0 if none does."""
    found = re.search(rf"dport (\d+) .*dnat .*to {re.escape(room.address)}:", house.mapped())
    return int(found[1]) if found else 0


def starts_again(lan: Lan, house: House, taker: Room, port: int) -> float:
    """Let the router start, and another one take this port first; return when it was given."""
    while True:
        house.starts_again(lan.stage.folder)
        words = (sys.executable, "-c", TAKER, f"{taker.address.rpartition('.')[0]}.1", str(port))
        given = lan.stage.starts(*words, prefix=on(taker)).sees_like(r"given: \d+")
        if given == f"given: {port}":
            return time.monotonic()


def has_read(one: Program, text: str) -> int:
    """Return how often this was on the screen, in the conversation or as a message left."""
    return sum(line.endswith(text) for line in one.lines)


def run(name: str, folder: Path) -> bool:
    """Play the lab, and print what came of it; return whether it is as it must be."""
    with built(folder) as (lan, theirs, home):
        room, neighbour = home.rooms
        lan.directory()
        carol, dave = lan.peer(theirs.rooms[0], "carol"), lan.peer(room, "dave")
        assert comes_true(lambda: bool(port_of(home, room)))
        connect(carol, "carol", dave, "dave")
        carol.types("/INFO dave")
        carol.sees(BY_MAPPING)
        before = port_of(home, room)
        began = starts_again(lan, home, neighbour, before)
        carol.types(ASKED.partition(": ")[2])
        dave.types(ANSWERED.partition(": ")[2])
        mapped = heard = back = 0.0
        while not (mapped and heard and back):
            now = time.monotonic() - began
            if not mapped and port_of(home, room):
                mapped = now
            if not back and carol.has_seen("dave is back.") and dave.has_seen("carol is back."):
                back = now
            if not heard and has_read(carol, ANSWERED) and has_read(dave, ASKED):
                heard = now
            assert now < SECONDS + PATIENCE, f"{carol.transcript()}\n{dave.transcript()}"
            time.sleep(PAUSE)
        after = port_of(home, room)
        asked = time.monotonic()
        erin = lan.peer(theirs.rooms[1], "erin")
        erin.types("PRV dave I am new here")
        dave.sees("[private] erin: I am new here")
        reached = time.monotonic() - asked
        erin.types("INFO dave")
        erin.sees(BY_MAPPING)
        are_once = has_read(carol, ANSWERED) == has_read(dave, ASKED) == 1
    is_good = are_once and after != before and max(mapped, heard, back) <= SECONDS
    print(
        f"{name}: port {before} is {after} after {mapped:.1f} s, the two are back after"
        f" {back:.1f} s and have read what was said after {heard:.1f} s, a new user"
        f" reaches it {reached:.1f} s after she starts:"
        f" {'as it must be' if is_good else 'NOT AS IT MUST BE'}",
        flush=True,
    )
    return is_good
