"""What a user is asked when the directory is not where it was, or was never anywhere."""

import argparse
from pathlib import Path
from typing import cast

import pytest

from peer.core.discovery.choice import AskAddress, AskWhich, Choice, FoundDirectory
from peer.events import Event, Notice
from peer.program.arguments import parse
from peer.program.finding import NOTHING_FOUND, Finding
from peer.program.first_start import GivenUp
from peer.program.lifecycle import Lifecycle
from peer.program.settings import complete

KEY, SPACED = "3f2a" * 8, " ".join(["3f2a"] * 8)
LAB = FoundDirectory("lab", "10.0.0.5", 5000, KEY)
SCHOOL = FoundDirectory("school", "fd00::7", 7000, "b" * 32, needs_token=True)
OF_SCHOOL = f'"school" at [fd00::7]:7000, key {" ".join(["bbbb"] * 8)} (a new name needs a token)'
GONE = "nothing answers (connection refused)"
WHICH = "Which one? (1-2, or a host)"


class Someone:
    """A user who types these lines, and then nothing more."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)
        self.read: list[str] = []
        self.face = self

    def show(self, event: Event) -> None:
        assert isinstance(event, Notice)
        self.read.append(event.text)

    async def read_text(self) -> str | None:
        return self._lines.pop(0) if self._lines else None


def start(tmp_path: Path, remembered: str = "") -> argparse.Namespace:
    file = tmp_path / "config.toml"
    file.write_text(remembered)
    arguments = parse(["carol"])
    complete(arguments, {}, file, at_terminal=True)
    return arguments


async def asked(arguments: argparse.Namespace, choice: Choice, someone: Someone) -> bool:
    return await Finding(arguments, cast(Lifecycle, someone)).ask(choice)


async def test_one_that_is_found_is_used_after_a_yes(tmp_path: Path) -> None:
    arguments, someone = start(tmp_path), Someone("", "what?", "y")
    assert await asked(arguments, AskWhich((LAB,)), someone)
    question = (
        f'There is a directory "lab" on this network, at 10.0.0.5:5000, key {SPACED}. Use it? (Y/N)'
    )
    assert someone.read == [question] * 3
    assert (arguments.host, arguments.port) == ("10.0.0.5", 5000)
    assert arguments.directory_key == arguments.proven == KEY


async def test_after_a_no_the_address_is_asked_for(tmp_path: Path) -> None:
    arguments = start(tmp_path)
    assert await asked(arguments, AskWhich((LAB,)), Someone("N"))
    assert (arguments.host, arguments.directory_key) == (None, None)


@pytest.mark.parametrize(
    ("lines", "host", "questions"),
    [
        (["2"], "fd00::7", 1),
        (["0", "3", "", "99999", "1"], "10.0.0.5", 5),
        (["a:b", " example.org "], "example.org", 2),
    ],
)
async def test_of_several_one_is_chosen_by_its_number_or_none(
    tmp_path: Path, lines: list[str], host: str, questions: int
) -> None:
    arguments, someone = start(tmp_path), Someone(*lines)
    assert await asked(arguments, AskWhich((LAB, SCHOOL)), someone)
    assert arguments.host == host
    assert someone.read[:4] == [
        "Directories on this network:",
        f'1 "lab" at 10.0.0.5:5000, key {SPACED}',
        f"2 {OF_SCHOOL}",
        WHICH,
    ]
    assert someone.read.count(WHICH) == questions
    assert (arguments.port is None) == (host == "example.org")


@pytest.mark.parametrize("directories", [(LAB,), (LAB, SCHOOL)])
async def test_who_does_not_answer_has_left(
    tmp_path: Path, directories: tuple[FoundDirectory, ...]
) -> None:
    assert not await asked(start(tmp_path), AskWhich(directories), Someone())
    with pytest.raises(GivenUp):
        await asked(start(tmp_path), AskWhich(directories), Someone("QUIT"))


@pytest.mark.parametrize(
    ("remembered", "choice", "read"),
    [
        (False, AskAddress(), [NOTHING_FOUND]),
        (
            True,
            AskAddress(GONE),
            [f"Your directory is not here (10.0.0.9:5000: {GONE}).", NOTHING_FOUND],
        ),
        (
            True,
            AskAddress(GONE, (LAB, SCHOOL)),
            [
                f"Your directory is not here (10.0.0.9:5000: {GONE}). Others on this network:"
                f' "lab" at 10.0.0.5:5000, key {SPACED}; {OF_SCHOOL}.'
            ],
        ),
        (
            False,
            AskAddress("", (LAB,)),
            [
                "Your directory is not here. Others on this network:"
                f' "lab" at 10.0.0.5:5000, key {SPACED}.'
            ],
        ),
        (True, AskAddress(is_offered=True), []),
    ],
)
async def test_a_strange_directory_is_told_and_never_used(
    tmp_path: Path, remembered: bool, choice: Choice, read: list[str]
) -> None:
    kept = 'name = "carol"\nhost = "10.0.0.9"\nport = 5000\n' if remembered else ""
    arguments, someone = start(tmp_path, kept), Someone()
    assert await asked(arguments, choice, someone)
    assert someone.read == read
    assert (arguments.host, arguments.directory_key) == (None, None)
