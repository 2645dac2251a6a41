"""Conversations of many for tests with real programs: who talks, and what each one has.

Only `conversation_of` knows how to look at a finished conversation: in the journal now, and
with HISTORY once there is one.
"""

import re
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import msgspec

from shared.messages.peers import Text
from tests.kit.programs import Program, Stage, connect

QUIET = 120.0  # seconds until all have all: lost members are dialled again every 30 s
LOOK_AGAIN = 0.2  # seconds between two looks at a file, which cannot be awaited
T = TypeVar("T")

ABOUT = "Your last text"  # which WHO GOT names: it was shown before
GAP = "Something that was said before is still missing."


# --- Bringing them together -----------------------------------------------------------


def peers(stage: Stage, *names: str) -> list[Program]:
    """Start peers side by side; return when all are registered."""
    return together([partial(stage.peer, name) for name in names])


def group(stage: Stage, *names: str) -> list[Program]:
    """Bring all of them into one conversation, to which the first one adds the others; return
    when it is on all their disks.
    """
    people = peers(stage, *names)
    first, second, *others = people
    connect(first, names[0], second, names[1])
    for newcomer in others:
        adds(first, newcomer)
    for one in people:
        knows(one, names)
    first.types("all are here")
    for other in names[1:]:
        is_delivered(first, other)
    return people


def adds(one: Program, newcomer: Program) -> None:
    one.types(f"ADD {newcomer.name}")
    says_yes(newcomer, one)
    one.sees(f"You are now connected with {newcomer.name}.")


def says_yes(newcomer: Program, inviter: Program | None = None) -> None:
    """Say yes to this inviter's question, or to anybody's; return when they are in."""
    who = re.escape(inviter.name) if inviter else r"\S+"
    newcomer.sees_like(
        rf"User {who} wants to chat with you.* and \S+\. Would you like to\? \(Y/N\)"
    )
    newcomer.types("Y")
    newcomer.sees_like("You are now connected with .*")


def knows(one: Program, names: Iterable[str]) -> None:
    """Return when MEMBERS names all of these, each in reach."""
    wanted = {name for name in names if name != one.name}
    deadline = time.monotonic() + QUIET
    while not wanted <= set(ways(one)):
        assert time.monotonic() < deadline, f"{one.name} misses {wanted}\n{one.transcript()}"


def is_delivered(one: Program, other: str, room: str = "") -> None:
    """Return when WHO GOT reports that the other's disk has this one's last text.

    `room`: in which it was said; else in the conversation.
    """
    deadline = time.monotonic() + QUIET
    told = f"{other}: delivered at "
    while not any(line.startswith(told) for line in answer_to(one, f"/WHO GOT {room}".rstrip())):
        assert time.monotonic() < deadline, f"{other} lacks it\n{one.transcript()}"


def goes(one: Program, other: str, way: str, room: str = "") -> None:
    """Return when MEMBERS reports that the other one is reached in this way.

    `room`: whose members it reports; else those of the conversation.
    """
    deadline = time.monotonic() + QUIET
    while (found := ways(one, room).get(other)) != way:
        assert time.monotonic() < deadline, f"{other}: {found}\n{one.transcript()}"


def ways(one: Program, room: str = "") -> dict[str, str]:
    """Return who is in reach, and how, as MEMBERS shows it."""
    way = re.compile(r"(\S+): (direct|through \S+)(?: \(.+?\))?(?:, [\d.]+ ms)?")
    shown = map(way.fullmatch, answer_to(one, f"/MEMBERS {room}".rstrip()))
    return {found[1]: found[2] for found in shown if found}


def answer_to(one: Program, command: str) -> list[str]:
    """Return the lines that a command leads to, with any that arrive meanwhile."""
    marks = [f"/{secrets.token_hex(8)}" for _ in "  "]
    one.types(marks[0], command, marks[1])
    shown = [one.sees_like(f"Unknown command: {mark}.*") for mark in marks]
    lines = list(one.lines)
    return lines[lines.index(shown[0]) + 1 : lines.index(shown[1])]


def together(works: Sequence[Callable[[], T]]) -> list[T]:
    """Run all of them at the same moment, each in a thread of its own."""
    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(work) for work in works]]


# --- What each one has ----------------------------------------------------------------


def conversation_of(stage: Stage, name: str) -> list[str]:
    """Return all texts of this user's conversations, as `carol: hello`, in their order."""
    path = stage.data_of(name) / "journal.db"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = connection.execute(
            "SELECT name, line FROM texts JOIN memberships USING (conversation)"
            " WHERE member = author ORDER BY lamport, author, epoch, seq"
        )
        texts = [(name, msgspec.json.decode(line, type=Text)) for name, line in rows]
    finally:
        connection.close()
    return [f"{name}: {said}" for name, text in texts for said in text.texts]


def have_the_same(stage: Stage, names: Sequence[str], said: Iterable[str], mark: str) -> list[str]:
    """Return when all have exactly these lines with the mark, in one order."""
    wanted = sorted(said)
    deadline = time.monotonic() + QUIET
    while True:
        theirs = {name: _marked(conversation_of(stage, name), mark) for name in names}
        whole = [lines for lines in theirs.values() if sorted(lines) == wanted]
        if len(whole) == len(names) and all(lines == whole[0] for lines in whole):
            return whole[0]
        assert time.monotonic() < deadline, _difference(theirs, wanted)
        time.sleep(LOOK_AGAIN)


def have_alike(stage: Stage, names: Sequence[str], last: str) -> list[str]:
    """Return when all have the same texts in one order, with this line among them."""
    deadline = time.monotonic() + QUIET
    while True:
        theirs = {name: conversation_of(stage, name) for name in names}
        first = theirs[names[0]]
        if last in first and all(lines == first for lines in theirs.values()):
            return first
        assert time.monotonic() < deadline, _difference(theirs, first)
        time.sleep(LOOK_AGAIN)


def _marked(lines: Iterable[str], mark: str) -> list[str]:
    return [line for line in lines if mark in line]


def _difference(theirs: dict[str, list[str]], wanted: list[str]) -> str:
    words = ["they never had the same:"]
    for name, lines in theirs.items():
        missing = sorted(set(wanted) - set(lines))
        words.append(f"  {name} has {len(lines)} of {len(wanted)}, misses {missing[:5]}")
        words += [f"    twice: {line}" for line in set(lines) if lines.count(line) > 1][:5]
    if all(sorted(lines) == wanted for lines in theirs.values()):
        words.append("  only the order differs")
    return "\n".join(words)


# --- What was on the screens ----------------------------------------------------------


def nothing_twice(people: Iterable[Program], mark: str) -> None:
    for one in people:
        said = (line for line in one.lines if not line.startswith(ABOUT))
        counts = Counter(_marked(said, mark))
        twice = sorted(line for line, count in counts.items() if count > 1)
        assert not twice, f"{one.name} saw twice: {twice[:5]}"


def in_each_ones_order(one: Program, said: dict[str, list[str]], mark: str) -> None:
    """Check that the screen shows each author's texts in the order of writing."""
    for author, texts in said.items():
        if author != one.name:
            shown = [line for line in _marked(one.lines, mark) if line.startswith(f"{author}: ")]
            wanted = [f"{author}: {text}" for text in texts]
            assert shown == wanted, f"{one.name} saw {author} in another order, or not all"
