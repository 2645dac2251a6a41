"""The fixtures of all tests: a community, a town around a directory, a stage for programs."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.kit.community import community
from tests.kit.directory import Town
from tests.kit.persons import Person
from tests.kit.programs import Stage, staged

__all__ = ["community", "people", "run_at_once", "stage", "town"]


@functools.wraps(trio.run)
def run_at_once(*arguments: Any, clock: Any = None, **more: Any) -> Any:
    return trio.run(*arguments, clock=clock or MockClock(autojump_threshold=0), **more)


@pytest.fixture
async def town(nursery: trio.Nursery) -> Town:
    """Yield a directory that is open.

    A test in which much time passes also asks for `autojump_clock`.
    """
    town = Town(nursery)
    await town.opens()
    return town


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Yield a stage for real programs, which end with the test."""
    yield from staged(tmp_path)


@pytest.fixture
def people() -> Iterator[list[Person]]:
    """Yield a list for persons at terminals, who leave with the test."""
    there: list[Person] = []
    yield there
    for person in there:
        person.closes()
