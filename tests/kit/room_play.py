"""The play of a room whose members are killed again and again, and at times the directory."""

import random
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from tests.kit.at_terminal import AT_TERMINAL
from tests.kit.groups import (
    QUIET,
    answer_to,
    goes,
    have_alike,
    is_delivered,
    nothing_twice,
    peers,
    together,
)
from tests.kit.programs import Program, Stage

TEXTS: Final = range(5)  # that somebody writes at once
NO_DIRECTORY: Final = 7  # the exit code


class RoomPlay:
    """Each round kills half of the room while all write; the directory dies in every second one."""

    def __init__(self, stage: Stage, names: Sequence[str], chance: random.Random) -> None:
        self._stage, self._names, self._chance = stage, names, chance
        self._directory = stage.directory()
        self._people = {one.name: one for one in in_room(stage, *names)}
        self._said: set[str] = set()  # what nothing may lose: its author was not killed after it
        self._alone: list[Program] = []  # the members who lived through the last outage
        self._kills = self._outages = 0

    def perform(self, rounds: int) -> None:
        kinds = (
            self._directory_dies_first, self._half_die,
            self._directory_dies_last, self._half_die,
        )  # fmt: skip
        for turn in range(rounds):
            kinds[turn % len(kinds)](turn, self._chance.sample(self._names, len(self._names) // 2))
        self._all_stop()
        everything = self._compare()
        print(
            f"{rounds} rounds, {len(everything)} texts, {self._kills} kills of members,"
            f" {self._outages} of the directory", end=" ",
        )  # fmt: skip

    # --- Rounds ---

    def _half_die(self, turn: int, victims: list[str]) -> None:
        self._all_write(turn)
        self._die(victims)
        self._talk(turn, victims, "more")
        self._people |= {name: self._back(name) for name in self._mixed(victims)}

    def _directory_dies_first(self, turn: int, victims: list[str]) -> None:
        """Kill half and the directory while all write, and start the half before it is back."""
        self._see_the_directory()
        together([partial(self._has_links, one) for one in self._people.values()])
        self._all_write(turn)
        early = self._chance.randint(0, len(victims))
        self._die(victims[:early])
        self._directory_dies()
        self._die(victims[early:])
        self._talk_alone(turn, victims, "more")
        in_vain, at_terminal = victims[::2], victims[1::2]
        waiting = [self._waits(name) for name in self._mixed(at_terminal)]
        for program in [self._stage.starts_peer(name) for name in in_vain]:
            assert program.ends() == NO_DIRECTORY, program.transcript()
        for program in waiting:
            program.sees_like("Nothing answers at .*: trying again, QUIT gives up. .*")
        self._directory = self._stage.directory()
        self._people |= {name: self._back(name) for name in self._mixed(in_vain)}
        self._are_back(waiting)

    def _directory_dies_last(self, turn: int, victims: list[str]) -> None:
        """Kill the directory once a part of the half has registered; the rest waits for it."""
        self._see_the_directory()
        self._all_write(turn)
        self._die(victims)
        self._talk(turn, victims, "more")
        mixed = self._mixed(victims)
        early = self._chance.randint(0, len(mixed))
        coming = [self._stage.peer(name) for name in mixed[:early]]
        coming += [self._waits(name) for name in mixed[early:]]
        self._directory_dies()
        self._talk_alone(turn, victims, "again")
        self._directory = self._stage.directory()
        self._are_back(coming)

    # --- What happens in them ---

    def _see_the_directory(self) -> None:
        """Wait until all who have lost the directory are back there, unless they were killed."""
        for one in self._alone:
            if one in self._people.values():
                one.sees("The directory is back.")

    def _has_links(self, one: Program) -> None:
        """Return when it is linked with all others: only a directory knows where the rest is."""
        for name in self._names:
            if name != one.name:
                goes(one, name, "direct", "lab")

    def _all_write(self, turn: int) -> None:
        together([partial(says_in_room, one, f"word {turn}") for one in self._people.values()])

    def _talk(self, turn: int, victims: Sequence[str], way: str) -> None:
        """Let the living write; return when each text is on another's disk."""
        living = [one for name, one in self._people.items() if name not in victims]
        together([partial(says_in_room, one, f"word {turn} {way}") for one in living])
        for one, other in zip(living, [*living[1:], living[0]], strict=True):
            is_delivered(one, other.name, "lab")
            for what in (f"word {turn}", f"word {turn} {way}"):
                self._said |= {f"{one.name}: {what}.{number}" for number in TEXTS}

    def _talk_alone(self, turn: int, victims: Sequence[str], way: str) -> None:
        """Check that the living hear each other before the directory is back."""
        self._alone = [one for name, one in self._people.items() if name not in victims]
        for one in self._alone:
            one.sees("Lost the directory, trying again.")
        self._talk(turn, victims, way)
        for one in self._alone:
            for other in self._alone:
                if one is not other:
                    _hears(one, other.name, f"word {turn} {way}")

    def _die(self, victims: Iterable[str]) -> None:
        for name in victims:
            self._people[name].dies()
            self._kills += 1

    def _directory_dies(self) -> None:
        self._directory.dies()
        self._outages += 1

    def _waits(self, name: str) -> Program:
        """Start it at a terminal, where it waits for a directory that is away."""
        return self._stage.starts_peer(name, "--plain", prefix=AT_TERMINAL)

    def _back(self, name: str) -> Program:
        program = self._stage.peer(name)
        self._are_back([program])
        return program

    def _are_back(self, coming: Iterable[Program]) -> None:
        for program in coming:
            program.sees("You are in the room #lab.")
            self._people[program.name] = program

    def _mixed(self, names: Sequence[str]) -> list[str]:
        return self._chance.sample(names, len(names))

    # --- The end ---

    def _all_stop(self) -> None:
        """Stop all, and start one after the other."""
        for one in self._people.values():
            one.dies()
        for name in self._mixed(self._names):
            self._back(name)

    def _compare(self) -> list[str]:
        """Check that all have the same, and nobody lost or doubled anything; return the texts."""
        first = self._people[self._names[0]]
        first.types("#lab word at last")
        everything = have_alike(self._stage, self._names, f"{first.name}: word at last")
        assert len(set(everything)) == len(everything)
        assert self._said <= set(everything), sorted(self._said - set(everything))[:5]
        nothing_twice(self._stage.programs, ": word ")
        shown = [answer_to(one, "HISTORY lab 1000") for one in self._people.values()]
        texts = [[line.partition("] ")[2] for line in one if ": word " in line] for one in shown]
        assert all(one == texts[0] for one in texts)
        for one in self._stage.programs:
            assert not any("left the room" in line for line in one.lines), one.transcript()
        return everything


def in_room(stage: Stage, *names: str) -> list[Program]:
    """Bring all of them into a room that the first one founds."""
    people = peers(stage, *names)
    first, *others = people
    first.types("ROOM lab")
    first.sees_like("You are in the room #lab, alone: .*")
    first.types(f"ADD {' '.join(names[1:])} TO lab")
    for other in others:
        other.sees_like(r"User \S+ asks you into the room #lab .*")
        other.types("Y")
    for other in others:
        other.sees_like("You are in the room #lab, with .*")
    first.types("#lab all are here")
    for other in others:
        is_delivered(first, other.name, "lab")
    return people


def says_in_room(one: Program, what: str) -> None:
    one.types(*(f"#lab {what}.{number}" for number in TEXTS))


def _hears(one: Program, author: str, what: str) -> None:
    for number in TEXTS:
        head = rf"(\[.+\] )?#lab {re.escape(author)}( [^:]+)?: "
        one.sees_like(head + re.escape(f"{what}.{number}"), QUIET)
