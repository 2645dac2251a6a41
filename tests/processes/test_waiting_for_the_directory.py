"""At a terminal, a program whose directory is not up yet waits for it."""

from collections.abc import Iterator

import pytest

from tests.kit.programs import HOST, Stage, tool
from tests.kit.terminals import Tmux, terminals


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    yield from terminals(stage)


def test_the_machines_come_back_from_a_power_cut_in_any_order(tmux: Tmux) -> None:
    stage = tmux.stage
    assert stage.once("carol", "STATUS").ends() == 0  # has been here
    stage.programs[0].dies()
    carol = tmux.window("carol")
    words = (tool("peer"), "carol", HOST, str(stage.port), "--data", str(stage.data_of("carol")))
    carol.types(" ".join(words))
    carol.sees("Nothing answers at")
    carol.types("QUIT")
    carol.sees("shell$", count=2)
    carol.types("clear; " + " ".join(words))
    carol.sees("type DOCTOR.")
    carol.types("DOCTOR")
    carol.sees("=>  Nothing answers at")
    stage.directory()
    carol.sees("You are carol, connected")
    carol.types("LIST USERS")
    carol.sees("carol (you)")
