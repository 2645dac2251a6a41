"""Two users in a conversation whose routers forget all connections: when they hear each other.

All lines that both write meanwhile must come, once and in order.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.kit.houses import House, town_with_houses
from tests.kit.lan import Lan
from tests.kit.programs import PATIENCE, Program, Stage, connect
from tests.kit.terminals import comes_true
from tests.labs.punching import way

ROUNDS: Final = 3
PAUSE: Final = 0.2  # seconds between two lines of each user


class Lab(Struct, frozen=True):
    about: str
    seconds: float  #: until the first line from afterwards is read on both sides, at most
    is_strict: bool = False  #: whether what belongs to no known connection is dropped
    is_mapped: bool = False  #: the one router gives ports, the other takes a new one each time
    forgets: int = 2  #: how many of the routers forget


LABS: Final = {
    "forget": Lab("two routers forget", 2.0),
    "forget-strict": Lab("two strict routers forget", 12.0, is_strict=True),
    "forget-one": Lab("one strict router of two forgets", 12.0, is_strict=True, forgets=1),
    "forget-mapped": Lab("one that maps, one with random ports forget", 12.0, is_mapped=True),
    "forget-mapped-strict": Lab(
        "one that maps, one with random ports, strict, forget", 12.0, is_strict=True, is_mapped=True
    ),
}


@contextmanager
def built(lab: Lab, folder: Path) -> Iterator[tuple[Lan, list[House]]]:
    with town_with_houses(Stage(folder), 2, 1) as (lan, houses):
        if lab.is_strict:
            for house in houses:
                house.forwards_no_strays()
        if lab.is_mapped:
            houses[0].takes_another_port_for_each_target()
            houses[1].maps_ports(folder)
        yield lan, houses


def forgotten(houses: list[House], both: tuple[Program, Program], numbers: Iterator[int]) -> float:
    """Let routers forget while both talk; return the seconds until both have read a line again."""
    began = time.monotonic()
    first = next(numbers)
    for house in houses:
        house.forgets_connections()
    number = first
    while True:
        for one in both:
            one.types(line(number, one))
        if all(one.has_seen(f"{other.name}: {line(first, other)}") for one, other in pairs(both)):
            return time.monotonic() - began
        assert time.monotonic() < began + PATIENCE, "\n".join(one.transcript() for one in both)
        time.sleep(PAUSE)
        number = next(numbers)


def line(number: int, author: Program) -> str:
    return f"line {number} of {author.name}"


def pairs(both: tuple[Program, Program]) -> tuple[tuple[Program, Program], ...]:
    return both, both[::-1]


def run(name: str, folder: Path) -> bool:
    """Play one lab, and print what came of it; return whether it is as it must be."""
    lab = LABS[name]
    with built(lab, folder) as (lan, houses):
        lan.directory()
        both = carol, dave = (
            lan.peer(houses[0].rooms[0], "carol"),
            lan.peer(houses[1].rooms[0], "dave"),
        )
        if lab.is_mapped:
            assert comes_true(lambda: houses[1].rooms[0].address in houses[1].mapped())
        connect(carol, "carol", dave, "dave")
        numbers, seconds = count(), []
        for _ in range(ROUNDS):
            seconds.append(forgotten(houses[: lab.forgets], both, numbers))
            print(f"  {seconds[-1]:5.2f} s  {way(carol, dave)}", flush=True)
        said = next(numbers)
        for one, other in pairs(both):
            one.types(line(said, one))
            other.sees(f"{one.name}: {line(said, one)}")
        is_whole = all(has_each_once(one, other, said) for one, other in pairs(both))
    is_good = is_whole and max(seconds) <= lab.seconds
    print(
        f"{name}: {lab.about}: {'nothing' if is_whole else 'SOMETHING'} lost or twice, read again"
        f" after at most {max(seconds):.2f} s:"
        f" {'as it must be' if is_good else 'NOT AS IT MUST BE'}",
        flush=True,
    )
    return is_good


def has_each_once(reader: Program, author: Program, last: int) -> bool:
    """Whether the reader has got each line of the author once, in order."""
    read = [one for one in reader.lines if one.startswith(f"{author.name}: line ")]
    return read == [f"{author.name}: {line(number, author)}" for number in range(last + 1)]
