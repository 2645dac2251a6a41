"""Two users behind two routers that let nobody in: how often they meet, and after how long."""

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct

from tests.kit.houses import House, town_with_houses
from tests.kit.lan import Lan
from tests.kit.programs import Program, Stage
from tests.kit.slow_cable import slow_cable

WIRES = 4  # that a packet passes on its way to the other user and back
SENTENCE = (
    "both routers translate addresses, and one of them takes another port for each target: no"
    " direct way on IPv4 (DOCTOR)"
)
SAYS_NO = re.compile(r"User dave\d* cannot be reached: (.*)\. Would you like .*")
PATIENCE = 40.0
WAY_TRIES = 50


class Lab(Struct, frozen=True):
    about: str
    tries: int
    at_least: int  #: of the tries must meet; 0: none may, and the sentence is said
    seconds: float  #: from CHAT to the question, or to the sentence, at most
    round_trip: float = 0.0
    loss: float = 0.0  #: of each wire
    saying_no: int = 0  #: how many of the routers answer strangers by a reset
    random_ports: int = 0  #: how many of the routers take another port for each target


LABS = {
    "punch": Lab("two routers", 20, 20, 2.5),
    "punch-80": Lab("two routers, 80 ms", 20, 20, 3.5, round_trip=0.08),
    "punch-800": Lab("two routers, 800 ms", 5, 5, 9.0, round_trip=0.8),
    "punch-loss": Lab("two routers, 80 ms, 10 % loss a wire", 20, 18, 10.5, 0.08, 0.1),
    "reset-one": Lab("one router that sends resets, 80 ms", 5, 5, 4.5, 0.08, saying_no=1),
    "reset-both": Lab("two routers that send resets, 80 ms", 10, 8, 10.5, 0.08, saying_no=2),
    "random-one": Lab("one router with random ports", 2, 0, 10.5, random_ports=1),
    "random-both": Lab("two routers with random ports", 2, 0, 10.5, random_ports=2),
}


class Outcome(Struct, frozen=True):
    seconds: float
    has_met: bool
    says: str


@contextmanager
def built(lab: Lab, folder: Path) -> Iterator[tuple[Lan, list[House]]]:
    with town_with_houses(Stage(folder), 2, 1) as (lan, houses), ExitStack() as stack:
        for number, house in enumerate(houses):
            router = lan.hosts[1 + number]
            if lab.round_trip or lab.loss:
                delay = lab.round_trip / WIRES
                cable = slow_cable(router, lan.bridge, delay=delay, loss=lab.loss, seed=number)
                stack.callback(cable.close)
            if number < lab.saying_no:
                house.says_no_to_strangers()
            if number < lab.random_ports:
                house.takes_another_port_for_each_target()
        yield lan, houses


def tried(lan: Lan, houses: list[House], number: int) -> Outcome:
    """Let two users who are new call each other."""
    carol = lan.peer(houses[0].rooms[0], f"carol{number}")
    dave = lan.peer(houses[1].rooms[0], f"dave{number}")
    carol.sees(f"* dave{number} is online.")
    began = time.monotonic()
    caller, callee = (carol, dave) if number % 2 else (dave, carol)
    caller.types(f"CHAT {callee.name}")
    try:
        return _outcome(caller, callee, began)
    finally:
        for one in (carol, dave):
            one.dies()


def _outcome(caller: Program, callee: Program, began: float) -> Outcome:
    said = caller.sees_like(
        rf"Waiting for {callee.name}'s response\.\.\.|User \w+ cannot be reached: .*", PATIENCE
    )
    if said.startswith("User"):
        return Outcome(time.monotonic() - began, False, said)
    callee.sees(f"User {caller.name} wants to chat with you. Would you like to? (Y/N)")
    seconds = time.monotonic() - began
    callee.types("Y")
    caller.sees(f"You are now connected with {callee.name}.")
    return Outcome(seconds, True, way(caller, callee))


def way(caller: Program, callee: Program) -> str:
    """Return how the callee is reached, once the conversation has begun on both sides."""
    for _ in range(WAY_TRIES):
        caller.types("/MEMBERS")
        line = caller.sees_like(rf" *{callee.name}: (direct|through|lost|not linked).*").strip()
        found = line.partition(": ")[2]
        if not found.startswith(("lost", "not linked")):
            break
        time.sleep(0.2)
    return found


def run(name: str, folder: Path) -> bool:
    """Play one lab, and print what came of it; return whether it is as it must be."""
    lab = LABS[name]
    outcomes = []
    with built(lab, folder) as (lan, houses):
        lan.directory()
        for number in range(lab.tries):
            outcome = tried(lan, houses, number)
            outcomes.append(outcome)
            print(f"  {outcome.seconds:5.2f} s  {outcome.says}", flush=True)
    met = [one for one in outcomes if one.has_met]
    if lab.at_least:
        ways = {one.says.partition(", ")[0] for one in met}
        is_good = len(met) >= lab.at_least and ways == {"direct (opened from both sides)"}
        times = [one.seconds for one in met] or [0.0]
    else:
        is_good = not met and all(SENTENCE in one.says for one in outcomes)
        times = [one.seconds for one in outcomes]
    is_good = is_good and max(times) <= lab.seconds
    print(
        f"{name}: {lab.about}: met {len(met)} of {len(outcomes)}, median"
        f" {statistics.median(times):.2f} s, at most {max(times):.2f} s:"
        f" {'as it must be' if is_good else 'NOT AS IT MUST BE'}",
        flush=True,
    )
    return is_good
