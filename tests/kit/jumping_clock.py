"""Tests with the fixture `community` run under a clock that jumps."""

import functools
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.kit.community import community

__all__ = ["community", "pytest_collection_modifyitems"]


@functools.wraps(trio.run)
def run_at_once(*arguments: Any, clock: Any = None, **more: Any) -> Any:
    return trio.run(*arguments, clock=clock or MockClock(autojump_threshold=0), **more)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pytest-trio only sees a clock that a test itself asks for, not one of its fixtures."""
    for item in items:
        if "community" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.trio(run=run_at_once), append=False)
