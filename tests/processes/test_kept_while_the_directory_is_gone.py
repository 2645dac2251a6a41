"""What is typed while the directory is gone outlives every program, and comes once."""

import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.kit.programs import Stage
from tests.kit.terminals import Tmux, terminals

KEPT = "Kept for dave until the directory is back."


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    yield from terminals(stage)


def test_it_goes_once_and_in_order_although_its_program_is_killed(stage: Stage) -> None:
    directory = stage.directory()
    carol, dave = stage.peer("carol"), stage.peer("dave")
    carol.sees("* dave is online.")
    dave.types("QUIT")
    dave.ends()
    carol.sees("* dave is offline.")
    directory.dies()
    carol.sees("Lost the directory, trying again.")
    carol.types("PRV dave one", "LEAVE dave two", "PRV dave three")
    for _ in range(3):
        carol.sees(KEPT)
    assert stage.once("carol", "LEAVE", "dave", "four").ends() == 3
    carol.sees_like(".*")
    carol.dies()

    script = stage.once("carol", "--json", "PRV", "dave", "five")
    assert script.ends() == 3
    found = [json.loads(line) for line in script.lines]
    kept, done = [one for one in found if one["event"] in ("kept_for_later", "done")]
    assert (kept["to"], kept["said"]) == ("dave", KEPT)
    assert (done["code"], done["code_name"], done["outcome"]) == (3, "STORED", "kept")
    script = stage.once("carol", "LEAVE", "dave", "six")
    assert script.ends() == 3
    assert script.lines == [KEPT]
    assert stage.once("carol", "LIST", "USERS").ends() == 7
    assert stage.once("erin", "LEAVE", "dave", "never registered").ends() == 7

    stage.directory()
    carol = stage.peer("carol")
    for _ in range(6):
        carol.sees("Message left for dave.")
    dave = stage.peer("dave")
    dave.sees("6 messages were left for you:")
    for word in ("one", "two", "three", "four", "five", "six"):
        dave.sees_like(rf"\[.*\] carol: {word}")
    letters = [line.split(": ")[1] for line in dave.lines if "] carol: " in line]
    assert letters == ["one", "two", "three", "four", "five", "six"]
    for _ in range(6):
        carol.sees_like("dave received your message of .*")
    for name, program in (("carol", carol), ("dave", dave)):
        program.dies()
        again = stage.peer(name)
        again.types("QUIT")
        again.ends()
        assert not [line for line in again.lines if "left for" in line]


def test_a_message_that_is_written_at_a_terminal_is_kept(tmux: Tmux) -> None:
    stage = tmux.stage
    carol, dave = tmux.peer("carol"), tmux.peer("dave")
    carol.sees("dave is online.")
    dave.types("QUIT")
    dave.sees_at_last("shell$")
    carol.sees("dave is offline.")
    carol.types("CHAT dave")
    carol.answers("Y")
    carol.has_prompt("leave for dave>")
    stage.programs[0].dies()
    carol.sees("Lost the directory, trying again.")
    carol.types("the parrot sleeps", "at noon")
    carol.sees(KEPT, count=2)
    carol.types("\\q")
    carol.sees("You are done with the message for dave.")
    carol.has_prompt("carol>")
    carol.types("PRV dave wake it")
    carol.sees(KEPT, count=3)
    os.kill(carol.pid(), signal.SIGKILL)
    carol.sees_at_last("shell$")

    stage.directory()
    carol.starts()
    carol.sees("Message left for dave.", count=3)
    dave.starts()
    dave.sees("while you were away (3)", "the parrot sleeps", "at noon", "wake it")
    for text in ("the parrot sleeps", "at noon", "wake it"):
        assert dave.count(text) == 1
