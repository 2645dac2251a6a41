"""DOCTOR as a single command: without a directory, and beside a program that waits for one."""

import fcntl
import json
from pathlib import Path

import pytest

from tests.kit.programs import HOST, Program, Stage, tool


def lines(program: Program) -> list[str]:
    assert program.ends() == 0
    return program.lines


def test_without_a_directory_the_cause_is_told(stage: Stage) -> None:
    stage.directory().dies()
    said = lines(stage.once("carol", "DOCTOR"))
    nothing = f"othing answers at {HOST}:{stage.port} (connection refused)."
    assert f"!!  Directory: n{nothing}" in said
    assert said[-1].startswith(f"=>  N{nothing} See whether HOST and PORT are right, ")


def test_a_name_of_somebody_else_is_told_and_nothing_more(stage: Stage) -> None:
    stage.directory()
    stage.peer("carol")
    elsewhere = ("--data", str(stage.data_of("dave")))
    said = lines(stage.once("carol", "DOCTOR", *elsewhere))
    taken = "he name carol is taken: it belongs to the key that registered it first."
    assert said[2] == f"!!  Directory {HOST}:{stage.port}: T{taken}"
    assert said[-1] == f"=>  T{taken}"


def test_beside_a_program_that_waits_for_the_directory(stage: Stage) -> None:
    stage.directory().dies()
    folder: Path = stage.data_of("carol")
    folder.mkdir(mode=0o700, parents=True)
    (folder / "lock").touch(0o600)
    with (folder / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = lines(stage.once("carol", "DOCTOR"))
    assert said[0].startswith("ok  Me: carol, without a key yet, Parley ")
    assert said[-1].startswith("=>  Nothing answers at ")


def test_where_no_directory_is_known(stage: Stage) -> None:
    said = lines(stage.starts(tool("peer"), "carol", "doctor"))
    assert said[0].startswith("ok  Me: carol, without a key yet, Parley ")
    assert said[-1] == "=>  No directory is known: say where it is (peer NAME HOST PORT)."


def test_with_a_directory_on_this_machine(stage: Stage) -> None:
    stage.directory()
    program = stage.once("carol", "DOCTOR", "--json")
    found = [json.loads(line) for line in lines(program)]
    (doctor,) = (one for one in found if one["event"] == "doctor")
    assert doctor["code"] == "V0"
    assert doctor["verdict"] in doctor["said"]
    assert found[-1]["code"] == 0


@pytest.mark.parametrize("words", [("DOCTOR", "now"), ("DOCTOR", "dave")])
def test_it_takes_no_words(stage: Stage, words: tuple[str, ...]) -> None:
    stage.directory()
    assert stage.once("carol", *words).ends() == 2
