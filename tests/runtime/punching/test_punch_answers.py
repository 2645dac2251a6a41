"""A user who calls is met, within limits (`peer.runtime.punching.punch_answers`)."""

from typing import Any

import pytest

from peer.runtime.punching.punch_answers import PunchAnswers
from shared.messages.punching import Punches


class Peer:
    """The parts that an answer asks; they note whom they are told to meet."""

    def __init__(self) -> None:
        self.ignored: set[str] = set()
        self.met: list[str] = []
        here: Any = self
        self.answers = PunchAnswers(here, here, here)

    def meet(self, call: Punches, *, is_wanted: bool) -> None:
        self.met.append(call.name if is_wanted else f"not {call.name}")

    def is_called(self, name: str) -> bool:
        return name == "dave"

    def hears(self, name: str) -> list[str]:
        self.answers.hear(Punches(b"t" * 16, name, name))
        return self.met


@pytest.fixture
async def dave() -> Peer:
    return Peer()


async def test_a_user_who_calls_is_met_once_in_a_while(dave: Peer) -> None:
    assert dave.hears("carol") == ["carol"]
    assert dave.hears("carol") == ["carol"]
    assert dave.hears("erin") == ["carol", "erin"]


async def test_an_ignored_user_is_met_as_if(dave: Peer) -> None:
    dave.ignored.add("mallory")
    assert dave.hears("Mallory") == ["not Mallory"]


async def test_nobody_meets_themselves(dave: Peer) -> None:
    assert dave.hears("dave") == []
