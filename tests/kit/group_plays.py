"""Plays with real programs for conversations of many, in the full form and in a short one.

    python -m tests.kit.group_plays [NAME ...] [--seed NUMBER] [--short]

NAME is one of the plays below.  The full form takes many minutes; CI plays the short one.
"""

import argparse
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.kit.groups import (
    GAP,
    QUIET,
    adds,
    answer_to,
    conversation_of,
    group,
    have_alike,
    have_the_same,
    in_each_ones_order,
    knows,
    nothing_twice,
    peers,
    says_yes,
    together,
)
from tests.kit.programs import Program, Stage, connect, staged
from tests.kit.room_play import RoomPlay

NAMES = ("carol", "dave", "erin", "frank", "gina", "hugo", "ines", "jack")


@dataclass(frozen=True)
class Size:
    """The size of a play."""

    people: int
    texts: int  # of each writer
    stopped: float  # seconds
    kills: int
    slow_texts: int  # the texts that one member does not read
    rounds: int  # in each of which half of a room is killed


SHORT = Size(people=5, texts=150, stopped=3.0, kills=20, slow_texts=4_000, rounds=1)
FULL = Size(people=8, texts=1_000, stopped=20.0, kills=200, slow_texts=20_000, rounds=50)
GROWTH_KIB = 40 * 1024


# --- All add somebody at the same moment ----------------------------------------------


def adding_at_once(stage: Stage, size: Size, chance: random.Random) -> None:
    """Let carol add erin while dave adds frank; then each of them adds another at once."""
    names = NAMES[: size.people]
    stage.directory()
    carol, dave, *others = people = peers(stage, *names)
    connect(carol, carol.name, dave, dave.name)
    inside = [carol, dave]
    while others:
        adding = list(zip(inside, others, strict=False))
        together([partial(adds, inviter, newcomer) for inviter, newcomer in adding])
        inside += [newcomer for _, newcomer in adding]
        others = others[len(adding) :]
    all_talk(stage, people)


def all_talk(stage: Stage, people: list[Program]) -> None:
    """Check that all know each other, and that each one's text arrives once everywhere."""
    names = [one.name for one in people]
    together([partial(knows, one, names) for one in people])
    for one in people:
        one.types(f"all hear {one.name}")
    said = [f"{name}: all hear {name}" for name in names]
    for one in people:
        for line in said:
            if not line.startswith(f"{one.name}: "):
                one.sees(line)
    in_order = have_the_same(stage, names, said, "all hear")
    nothing_twice(people, "all hear")
    for one in people:
        shown = [line.partition("] ")[2] for line in answer_to(one, "/HISTORY 100")]
        assert [line for line in shown if "all hear" in line] == in_order, one.transcript()


def the_same_one_is_added_by_all(stage: Stage, size: Size, chance: random.Random) -> None:
    """Let all add the same one: there is one question, one yes, one member."""
    stage.directory()
    *inside, wanted = NAMES[: size.people]
    people = group(stage, *inside)
    newcomer = stage.peer(wanted)
    for one in people:
        one.types(f"ADD {wanted}")
    says_yes(newcomer)
    all_talk(stage, [*people, newcomer])
    questions = [line for line in newcomer.lines if "wants to chat with you" in line]
    assert len(questions) == 1, newcomer.transcript()


# --- A crowd talks while some are away ------------------------------------------------


def crowd_talks(stage: Stage, size: Size, chance: random.Random) -> None:
    """Let three write at once, while one is stopped and one is killed and restarted."""
    names = NAMES[: size.people]
    stage.directory()
    people = group(stage, *names)
    writers, stopped, killed = people[:3], people[3], people[4]
    texts = {
        one.name: [f"word {number} of {one.name}" for number in range(size.texts)]
        for one in writers
    }
    stopped.sends(signal.SIGSTOP)
    since = time.monotonic()
    half = size.texts // 2
    together([partial(one.types, *texts[one.name][:half]) for one in writers])
    killed.dies()
    together([partial(one.types, *texts[one.name][half:]) for one in writers])
    back = stage.peer(killed.name)
    back.sees_like("You are back in the conversation with .*")
    time.sleep(max(0.0, size.stopped - (time.monotonic() - since)))  # the length of the stop
    stopped.sends(signal.SIGCONT)
    said = [f"{name}: {text}" for name, his in texts.items() for text in his]
    have_the_same(stage, names, said, "word ")
    nothing_twice([*people, back], "word ")
    for one in people:
        if one is not killed:
            in_each_ones_order(one, texts, "word ")


def one_is_away_for_long(stage: Stage, size: Size, chance: random.Random) -> None:
    """Let one stay away so long that texts also wait in the mailbox: each is still shown once."""
    names = NAMES[:4]
    stage.directory()
    carol, dave, erin, frank = people = group(stage, *names)
    frank.sends(signal.SIGSTOP)
    texts = {one.name: [f"word {n} of {one.name}" for n in range(10)] for one in (carol, dave)}
    for one in (carol, dave):
        one.types(*texts[one.name])
    for one in (carol, dave, erin):
        one.sees("User frank left the conversation (connection lost).", QUIET)
    carol.sees("Message left for frank.")
    carol.types("word 10 of carol")
    texts[carol.name].append("word 10 of carol")
    frank.sends(signal.SIGCONT)
    for one in (carol, dave, erin):
        one.sees("User frank joined the conversation.", QUIET)
    said = [f"{name}: {text}" for name, his in texts.items() for text in his]
    have_the_same(stage, names, said, "word ")
    answer_to(frank, "/STATUS")
    shown = [line.partition("] ")[2] if line.startswith("[") else line for line in frank.lines]
    all_talk(stage, people)
    assert sorted(line for line in shown if "word " in line) == sorted(said), frank.transcript()


def questions_and_answers(stage: Stage, size: Size, chance: random.Random) -> None:
    """Check that no screen shows an answer above its question, unless it marks a gap."""
    names = NAMES[: size.people]
    stage.directory()
    people = group(stage, *names)
    asks, answers, stopped = people[0], people[1], people[2]
    numbers = range(size.texts // 10)
    stopped.sends(signal.SIGSTOP)
    for number in numbers:
        asks.types(f"question {number}?")
        answers.sees(f"{asks.name}: question {number}?")
        answers.types(f"answer {number} to the question")
    stopped.sends(signal.SIGCONT)
    said = [f"{asks.name}: question {number}?" for number in numbers]
    said += [f"{answers.name}: answer {number} to the question" for number in numbers]
    order = have_the_same(stage, names, said, "question")
    assert_answered_below(order)
    for one in people[2:]:
        one.sees(f"{answers.name}: answer {numbers[-1]} to the question")
        assert_answered_below(one.lines)


def assert_answered_below(lines: list[str]) -> None:
    seen = set()
    for number, line in enumerate(lines):
        words = line.split()
        if line.endswith("?") and "question" in words:
            seen.add(words[-1].removesuffix("?"))
        elif "answer" in words and words[2] not in seen:
            assert lines[number - 1] == GAP, f"{line} stands above its question"


# --- A member who does not read -----------------------------------------------------------


def one_is_stopped(stage: Stage, size: Size, chance: random.Random) -> None:
    one_does_not_read(
        stage,
        size,
        lambda frank: frank.sends(signal.SIGSTOP),
        lambda frank: frank.sends(signal.SIGCONT),
    )


def one_screen_is_paused(stage: Stage, size: Size, chance: random.Random) -> None:
    one_does_not_read(stage, size, Program.screen_is_paused, Program.screen_goes_on)


def one_does_not_read(
    stage: Stage, size: Size, pause: Callable[[Program], None], go_on: Callable[[Program], None]
) -> None:
    """Let one stop reading: the others use bounded memory, lose no time, and see everything."""
    names = NAMES[:4]
    stage.directory()
    carol, *others, frank = people = group(stage, *names)
    texts = [f"word {number} of carol" for number in range(size.slow_texts)]
    carol.types("word one")
    frank.sees("carol: word one")
    before = [one.resident_kib() for one in people]
    pause(frank)
    carol.types(*texts)
    for one in others:
        one.sees(f"carol: {texts[-1]}", QUIET)
    grown = [one.resident_kib() - then for one, then in zip(people, before, strict=True)]
    print(f"grown by {grown[:-1]} KiB", end=" ", flush=True)
    go_on(frank)
    frank.sees(f"carol: {texts[-1]}", QUIET)
    said = [f"carol: {text}" for text in ["word one", *texts]]
    have_the_same(stage, names, said, "word ")
    for one in (*others, frank):
        in_each_ones_order(one, {"carol": ["word one", *texts]}, "word ")
    assert max(grown[:-1]) < GROWTH_KIB, grown


# --- What was reported as delivered -----------------------------------------------------


@dataclass
class Writer:
    """One life of carol's program: what she typed, and what it told her about it."""

    program: Program
    last: str = ""
    asked: list[str] = field(default_factory=list)  # the text that each WHO GOT asked about

    def says(self, text: str) -> None:
        self.program.types(text)
        self.last = text

    def asks(self) -> None:
        self.program.types("/WHO GOT")
        self.asked.append(self.last)

    def delivered_to(self, name: str) -> set[str]:
        answer = re.compile(rf"{name}: (delivered( at [\d:]+)?|waiting|left at the directory)")
        answers = [line for line in list(self.program.lines) if answer.fullmatch(line)]
        told = zip(self.asked, answers, strict=False)
        return {f"{self.program.name}: {text}" for text, said in told if ": delivered" in said}


def kill_at_any_moment(stage: Stage, size: Size, chance: random.Random) -> None:
    """Kill either program at any time: what carol was told is on dave's disk is there."""
    names = ("carol", "dave", "erin")
    stage.directory()
    carol, dave, erin = group(stage, *names)
    writer, told, kills = Writer(carol), set[str](), 0
    while kills < size.kills:
        for number in range(chance.randint(1, 8)):
            writer.says(f"word {kills}.{number}")
            for _ in range(chance.randint(0, 5)):
                time.sleep(chance.expovariate(50.0))  # a person's pace, so the kill hits any moment
                writer.asks()
        victims = chance.choice(((carol,), (dave,), (carol, dave), (dave, carol)))
        for victim in victims:
            victim.dies()
        told |= writer.delivered_to(dave.name)
        missing = told - set(conversation_of(stage, dave.name))
        assert not missing, f"dave's disk has not {sorted(missing)[:5]}"
        kills += len(victims)
        nothing_twice(victims, "word ")
        if dave in victims:
            dave = comes_back(stage, dave.name)
        if carol in victims:
            carol = comes_back(stage, carol.name)
            writer = Writer(carol)
    writer.says("word at last")
    all_said = have_alike(stage, names, f"{carol.name}: word at last")
    assert told <= set(all_said)
    assert len(set(all_said)) == len(all_said)
    nothing_twice((carol, dave, erin), "word ")
    print(f"{kills} kills, {len(told)} of {len(all_said)} texts told", end=" ")


def comes_back(stage: Stage, name: str) -> Program:
    program = stage.peer(name)
    program.sees_like("You are back in the conversation with .*")
    return program


# --- A room ---------------------------------------------------------------------------------


def room_that_stands(stage: Stage, size: Size, chance: random.Random) -> None:
    """Kill half of a room again and again while all write, and at times the directory: each
    history is the same, and whole.
    """
    RoomPlay(stage, NAMES[: size.people], chance).perform(size.rounds)


# --- As a program -----------------------------------------------------------------------

Play = Callable[[Stage, Size, random.Random], None]

PLAYS: dict[str, Play] = {
    "adding-at-once": adding_at_once,
    "adding-the-same": the_same_one_is_added_by_all,
    "crowd": crowd_talks,
    "answers": questions_and_answers,
    "away": one_is_away_for_long,
    "stopped": one_is_stopped,
    "paused": one_screen_is_paused,
    "kills": kill_at_any_moment,
    "room": room_that_stands,
}


TOO_LONG_FOR_CI = {"away"}


def perform(play: Play, size: Size, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for stage in staged(Path(folder)):
            play(stage, size, random.Random(seed))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.kit.group_plays", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PLAYS))
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--short", action="store_true", help="as CI plays them")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(PLAYS):
        parser.error(f"no such play: {', '.join(sorted(unknown))}")
    for name in arguments.names or PLAYS:
        begun = time.monotonic()
        print(f"{name}, seed={arguments.seed}: ", end="", flush=True)
        perform(PLAYS[name], SHORT if arguments.short else FULL, arguments.seed)
        print(f"{time.monotonic() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
