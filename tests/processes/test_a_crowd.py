"""More than a hundred users online: what a person reads, and what reaches whom."""

from collections.abc import Iterator

import pytest

from tests.kit.programs import Stage
from tests.kit.strangers import online
from tests.kit.terminals import Tmux, terminals


@pytest.fixture
def tmux(stage: Stage) -> Iterator[Tmux]:
    yield from terminals(stage, "--names-per-address", "0")


def test_a_person_in_a_crowd(tmux: Tmux) -> None:
    stage = tmux.stage
    with online(stage.port, 101):
        dave = stage.peer("dave")
        carol = tmux.peer("carol", is_recorded=True)
        carol.types("PRV dave hello")
        dave.sees("[private] carol: hello")
        carol.types("LIST USERS")
        carol.sees("103 users are online.", "LIST USERS jo shows those who begin with jo.")
        carol.types("MSG hello all")
        dave.sees("[all] carol: hello all")
        carol.sees("103 users are online; sent to the one you talk with.")

        carol.types_only("WATCH stranger10")
        carol.presses("Tab")
        carol.sees_at_last("stranger100")
        carol.presses("C-c")
        carol.stands_no_more("stranger100")

        carol.types("WATCH erin")
        carol.sees("There is no user erin yet")
        assert carol.bells("There is no user erin yet") == 0
        stage.peer("frank")
        erin = stage.peer("erin")
        carol.sees("erin is online.")
        carol.until(lambda: carol.bells() == 1, "one bell")
        assert not carol.count("frank")

        dave.types("LIST USERS")  # through a pipe: the whole list
        dave.sees_like(r"ACTIVE: carol, dave \(you\), erin, frank, stranger0, .*stranger99")
        erin.types("LIST USERS stranger9")
        tens = ", ".join(f"stranger9{digit}" for digit in range(10))
        erin.sees(f"ACTIVE: stranger9, {tens}")
