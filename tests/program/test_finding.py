"""The questions of a start whose directory is not where it was, or is not known yet."""

import argparse
from pathlib import Path
from typing import cast

import pytest

from peer.core.discovery.choice import ANOTHER_KEY, AskAddress, AskWhich, Choice, FoundDirectory
from peer.events import Event, Notice
from peer.program.arguments import parse
from peer.program.finding import LOOKS_AGAIN, WAITS, Finding
from peer.program.first_start import GivenUp
from peer.program.lifecycle import Lifecycle
from peer.program.settings import complete
from peer.results import NO_DIRECTORY_FOUND

KEY, SPACED = "3f2a" * 8, " ".join(["3f2a"] * 8)
LAB = FoundDirectory("lab", "10.0.0.5", 5000, KEY)
SCHOOL = FoundDirectory("school", "fd00::7", 7000, "b" * 32, needs_token=True)
OF_SCHOOL = f'"school" at [fd00::7]:7000, key {" ".join(["bbbb"] * 8)} (a new name needs a token)'
GONE = "nothing answers (connection refused)"
WHICH = "Which one? (1-2, or a host)"
HERE = "The host where the directory runs:"
THERE = "The host where the directory runs [10.0.0.9]:"


KEPT = 'name = "carol"\nhost = "10.0.0.9"\nport = 5000\n'


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


async def test_the_question_about_one_says_that_a_new_name_needs_a_token(tmp_path: Path) -> None:
    someone = Someone("N")
    assert await asked(start(tmp_path), AskWhich((SCHOOL,)), someone)
    assert someone.read[0].endswith("bbbb (a new name needs a token). Use it? (Y/N)")


async def test_after_a_no_the_address_is_asked_for(tmp_path: Path) -> None:
    arguments = start(tmp_path)
    assert await asked(arguments, AskWhich((LAB,)), Someone("N"))
    assert (arguments.host, arguments.directory_key) == (None, None)


@pytest.mark.parametrize(
    ("lines", "host", "questions"),
    [
        (["2"], "fd00::7", 1),
        (["0", "3", "", "99999", "1"], "10.0.0.5", 5),
        (["a:b", "Y", "doctor", " example.org "], "example.org", 4),
    ],
)
async def test_of_several_one_is_chosen_by_its_number_or_none(
    tmp_path: Path, lines: list[str], host: str, questions: int
) -> None:
    arguments, someone = start(tmp_path), Someone(*lines)
    assert await asked(arguments, AskWhich((SCHOOL, LAB)), someone)  # as they were heard
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
        (False, AskAddress(), [NO_DIRECTORY_FOUND, LOOKS_AGAIN, HERE]),
        (
            True,
            AskAddress(GONE),
            [
                f"Your directory is not here (10.0.0.9:5000: {GONE}).",
                NO_DIRECTORY_FOUND,
                LOOKS_AGAIN,
                THERE,
            ],
        ),
        (
            True,
            AskAddress(GONE, (SCHOOL, LAB)),
            [
                f"Your directory is not here (10.0.0.9:5000: {GONE}). Others on this network:"
                f' "lab" at 10.0.0.5:5000, key {SPACED}; {OF_SCHOOL}.',
                LOOKS_AGAIN,
                THERE,
            ],
        ),
        (
            False,
            AskAddress("", (LAB,)),
            [
                "Your directory is not here. Others on this network:"
                f' "lab" at 10.0.0.5:5000, key {SPACED}.',
                LOOKS_AGAIN,
                HERE,
            ],
        ),
    ],
)
async def test_a_strange_directory_is_told_and_never_used(
    tmp_path: Path, remembered: bool, choice: Choice, read: list[str]
) -> None:
    arguments, someone = start(tmp_path, KEPT if remembered else ""), Someone()
    assert not await asked(arguments, choice, someone)
    assert someone.read == read
    assert (arguments.host, arguments.directory_key) == (None, None)


@pytest.mark.parametrize("choice", [AskAddress(is_offered=True), AskAddress(ANOTHER_KEY)])
async def test_an_address_where_something_answers_is_asked_for_as_always(
    tmp_path: Path, choice: AskAddress
) -> None:
    arguments, someone = start(tmp_path, KEPT), Someone()
    assert await asked(arguments, choice, someone)
    assert not {LOOKS_AGAIN, WAITS, THERE} & set(someone.read)
    assert arguments.host is None


@pytest.mark.parametrize(
    ("line", "host", "looks_again"), [("", None, True), (" example.org ", "example.org", False)]
)
async def test_an_empty_line_looks_again_and_any_other_is_a_host(
    tmp_path: Path, line: str, host: str | None, looks_again: bool
) -> None:
    arguments, someone = start(tmp_path), Someone("Y", line)
    finding = Finding(arguments, cast(Lifecycle, someone))
    assert await finding.ask(AskAddress())
    assert (arguments.host, finding.is_to_look_again) == (host, looks_again)
    assert someone.read[3:] == ['"Y" is a word of this program, not a host.', HERE]


async def test_an_empty_line_waits_for_a_directory_whose_key_is_known(tmp_path: Path) -> None:
    arguments, someone = start(tmp_path, KEPT), Someone("")
    arguments.directory_key = KEY
    finding = Finding(arguments, cast(Lifecycle, someone))
    assert await finding.ask(AskAddress(GONE))
    assert (arguments.host, arguments.port) == ("10.0.0.9", 5000)
    assert not finding.is_to_look_again
    assert someone.read[-2:] == [WAITS, THERE]
