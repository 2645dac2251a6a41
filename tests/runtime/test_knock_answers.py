"""Who is dialled back, and who is not (`peer.runtime.link.knock_answers`)."""

from typing import Any

import pytest

from peer.runtime.link.knock_answers import KnockAnswers
from shared.messages.spots import Knocks, Spot

HERE = "203.0.113.9"


class Peer:
    """The parts that an answer asks; they note whom they are told to dial."""

    def __init__(self) -> None:
        self.ignored: set[str] = set()
        self.on_the_way: set[str] = set()
        self.dialled: list[str] = []
        here: Any = self
        self.answers = KnockAnswers(here, here, here, here)

    def answer(self, knock: Knocks, *, is_wanted: bool) -> None:
        self.dialled.append(knock.name if is_wanted else f"not {knock.name}")

    def is_dialled_from(self, host: str) -> bool:
        return host in self.on_the_way

    def is_called(self, name: str) -> bool:
        return name == "dave"

    def hears(self, name: str) -> list[str]:
        self.answers.hear(Knocks(name, (Spot(HERE, 40_112, "SEEN"),)))
        return self.dialled


@pytest.fixture
async def dave() -> Peer:
    return Peer()


async def test_a_user_who_knocks_is_dialled_once_in_a_while(dave: Peer) -> None:
    assert dave.hears("carol") == ["carol"]
    assert dave.hears("carol") == ["carol"]
    assert dave.hears("erin") == ["carol", "erin"]


async def test_nobody_dials_themselves(dave: Peer) -> None:
    assert dave.hears("dave") == []


async def test_an_ignored_user_is_not_wanted(dave: Peer) -> None:
    dave.ignored.add("mallory")
    assert dave.hears("Mallory") == ["not Mallory"]
    assert dave.hears("Mallory") == ["not Mallory"], "and no more often than others"


async def test_who_is_on_the_way_in_is_not_dialled_as_well(dave: Peer) -> None:
    dave.on_the_way.add(HERE)
    assert dave.hears("carol") == []
    dave.on_the_way.clear()
    assert dave.hears("carol") == ["carol"], "which has cost nothing"
