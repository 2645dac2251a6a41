"""Whole communities in which everything fails; each failure prints the seed that replays it."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.scenario import run

SEEDS = 30  # all rules but one are noticed within them when left out (`tests.simulation.without`)
PER_ITEM = 5  # so that no item is long, and all CPU cores end together


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Silence the errors that dying programs log."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", range(0, SEEDS, PER_ITEM))
def test_all_agree_and_nothing_is_lost(first: int) -> None:
    for seed in range(first, first + PER_ITEM):
        run(seed)


def test_the_same_seed_tells_the_same_story() -> None:
    once = run(9)
    assert run(9) == once
    assert run(4).trace != once.trace
