"""How many lines to one user are on their way at once."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peer.core.line_window import BYTES, LINES, NEVER, SECONDS, LineWindow


@pytest.fixture
def window() -> LineWindow:
    return LineWindow()


def test_so_many_lines_go_at_once_and_each_that_is_over_makes_room(window: LineWindow) -> None:
    ids = [f"{number}" for number in range(LINES + 2)]
    for id in ids:
        window.add(id, 1)
    assert window.begin(5.0) == 5.0 + SECONDS
    assert window.to_post("link") == ids[:LINES]
    assert window.to_post("link") == []
    window.end("1")
    assert window.begin(6.0) == 5.0 + SECONDS
    assert window.to_post("link") == [ids[LINES]]
    window.end("0")
    assert window.begin(7.0) == 5.0 + SECONDS, "of the first one that is left"
    assert window.to_post("link") == [ids[LINES + 1]]


def test_without_a_line_there_is_nothing_to_wait_for(window: LineWindow) -> None:
    assert window.begin(1.0) == NEVER
    assert window.to_post("link") == []


def test_another_link_gets_all_that_is_not_over(window: LineWindow) -> None:
    for id in "abc":
        window.add(id, 1)
    window.begin(0.0)
    assert window.to_post("one") == ["a", "b", "c"]
    window.end("b")
    assert window.to_post("other") == ["a", "c"]


def test_long_lines_go_one_by_one(window: LineWindow) -> None:
    for id, size in (("a", BYTES + 1), ("b", 1), ("c", BYTES), ("d", 1)):
        window.add(id, size)
    for turn in ("a", "b", "c", "d"):
        window.begin(0.0)
        assert window.to_post("link") == [turn]
        window.end(turn)


def test_what_was_never_sent_cannot_be_answered(window: LineWindow) -> None:
    for id in ("a", "b"):
        window.add(id, BYTES)
    assert not window.is_on_way("a")
    window.begin(0.0)
    assert not window.is_on_way("a"), "not before there is a link"
    window.to_post("link")
    assert window.is_on_way("a")
    assert not window.is_on_way("b")
    assert not window.is_on_way("c")
    window.end("b")
    assert window.to_post("link") == []


@given(st.lists(st.integers(1, BYTES), min_size=1, max_size=200), st.data())
def test_every_line_goes_in_its_order_and_never_too_many(
    sizes: list[int], data: st.DataObject
) -> None:
    window, waiting = LineWindow(), list(range(len(sizes)))
    for number, size in enumerate(sizes):
        window.add(str(number), size)
    posted: list[str] = []
    for now in _moments():
        if not waiting:
            break
        window.begin(now)
        posted += window.to_post("link")
        on_way = [number for number in waiting if window.is_on_way(str(number))]
        assert 0 < len(on_way) <= LINES
        assert len(on_way) == 1 or sum(sizes[number] for number in on_way) <= BYTES
        answered = data.draw(st.sampled_from(on_way))
        waiting.remove(answered)
        window.end(str(answered))
    assert posted == [str(number) for number in range(len(sizes))]


def _moments() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 1.0
