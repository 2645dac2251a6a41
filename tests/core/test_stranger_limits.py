"""What users may send whom I have never answered (`peer.core.stranger_limits`)."""

import pytest

from peer.core.stranger_limits import BYTES_MOST, LINE_BYTES, REMEMBERED, StrangerLimits, Written
from shared.errors import Refused


class Answered:
    """The users whom I have answered."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def knows(self, name: str) -> bool:
        return name in self.names


class OnDisk:
    """A disk on which each user has the same."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def written_by(self, _: str) -> Written:
        return self.written


def unanswered(known: set[str] | None = None, written: Written | None = None) -> StrangerLimits:
    answered = Answered(set() if known is None else known)
    return StrangerLimits(answered, OnDisk(written or Written()))


def test_a_burst_comes_at_once_and_then_twenty_lines_a_second() -> None:
    users = unanswered()
    for _ in range(100):
        users.take("mallory", "hello", 0.0)
    assert users.pause("mallory", 0.0) == 0.0
    users.take("mallory", "hello", 0.0)
    assert users.pause("mallory", 0.0) == pytest.approx(0.05)
    assert users.pause("mallory", 0.1) == 0.0
    assert users.pause("erin", 0.0) == 0.0


def test_nobody_whom_i_have_answered_waits() -> None:
    known: set[str] = set()
    users = unanswered(known)
    for _ in range(200):
        users.take("dave", "hello", 0.0)
    assert users.pause("dave", 0.0) > 1.0
    known.add("dave")
    assert users.pause("dave", 0.0) == 0.0
    for _ in range(200):
        users.take("dave", "x" * BYTES_MOST, 0.0)
    assert users.pause("dave", 0.0) == 0.0


def test_more_than_a_mebibyte_is_refused_until_i_answer() -> None:
    users = unanswered(written=Written(lines=10, bytes=BYTES_MOST - 12 * LINE_BYTES))
    users.take("mallory", "x" * LINE_BYTES, 0.0)
    with pytest.raises(Refused, match="never answered you"):
        users.take("Mallory", "x", 0.0)
    assert users.pause("mallory", 0.0) == 0.0


def test_somebody_is_announced_once() -> None:
    users = unanswered(known={"dave"})
    assert not users.announces("dave", 0.0)
    assert users.announces("mallory", 0.0)
    assert not users.announces("MALLORY", 0.0)
    assert not unanswered(written=Written(1, 5, is_announced=True)).announces("mallory", 0.0)


def test_the_memory_of_them_is_bounded_and_the_disk_knows_the_rest() -> None:
    users = unanswered()
    users.take("mallory", "x" * (BYTES_MOST - LINE_BYTES), 0.0)
    for number in range(REMEMBERED):
        users.take(f"user{number}", "hello", 0.0)
    users.take("mallory", "hello", 0.0)
    assert len(users._users) == REMEMBERED
