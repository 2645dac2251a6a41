"""For all tests: the same examples in every run, and no waiting for ever."""

import contextlib
import functools
import importlib
import inspect
import os
import sys
import threading
import tomllib
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import settings

from shared.database import Database
from tests.kit.fixtures import community, people, run_at_once, stage, town
from tests.kit.world import migrates_once

__all__ = ["community", "people", "stage", "town"]

Database._migrate = migrates_once  # type: ignore[method-assign]

settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")

ROOT = Path(__file__).parent.parent
FOR_EVER = 1e9  # seconds; under an autojump clock a test that hangs is there at once
REAL_SECONDS = 120.0  # on the real clock; far more than any test needs


def pytest_configure() -> None:
    """Keep what is compiled, for the workers and the programs that tests start."""
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    sys.dont_write_bytecode = False


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Collect without coverage, which nearly doubles that too; but the cores are imported with."""
    _begin_elsewhere(session.config)
    if sys.gettrace() is None:
        return (yield)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for pattern in settings["tool"]["coverage"]["run"]["include"]:
        for path in ROOT.glob(pattern):
            name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            importlib.import_module(name.removesuffix(".__init__"))
    with _untraced():
        return (yield)


def _begin_elsewhere(config: pytest.Config) -> None:
    """Let each worker collect from another file on: what one has compiled the others read.

    In a fresh clone the asserts of all files are rewritten, which takes longer than the rest.
    """
    one_of_many = getattr(config, "workerinput", None)
    if one_of_many is None or [Path(one).resolve() for one in config.args] != [ROOT / "tests"]:
        return
    files = [str(path) for path in sorted(ROOT.glob("tests/**/test_*.py"))]
    begin = int(one_of_many["workerid"].removeprefix("gw")) * len(files)
    begin //= one_of_many["workercount"]
    config.args[:] = files[begin:] + files[:begin]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first, so that nobody waits for the last one alone.

    Those that wait for programs and those that compute in turns, so that no core is idle.
    And a clock that jumps for each `community`, and where a fixture asks for one: pytest-trio
    only sees one that a test itself asks for.
    """
    items.sort(key=lambda item: item.path)  # workers collected them in other orders
    for item in items:
        if {"community", "autojump_clock"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.trio(run=run_at_once), append=False)
    waiting: list[pytest.Item] = []
    computing: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        parts = item.path.parts
        kind = waiting if "processes" in parts else computing if "simulation" in parts else others
        kind.append(item)
    for number, item in enumerate(computing):
        waiting.insert(number * (len(waiting) + 1) // len(computing), item)
    items[:] = waiting + others


def _is_plain(item: pytest.Function) -> bool:
    walks = item.cls is not None and issubclass(item.cls, unittest.TestCase)
    starts_programs = "stage" in item.fixturenames
    simulates = "simulation" in item.path.parts
    marked = item.get_closest_marker("untraced") is not None
    slow = walks or starts_programs or simulates or marked
    return not (slow or inspect.iscoroutinefunction(item.obj))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that waits for what never happens fails instead, and shows where it waited."""
    if not isinstance(item, pytest.Function):
        return (yield)
    if inspect.iscoroutinefunction(item.obj):
        seconds = FOR_EVER if "autojump_clock" in item.fixturenames else REAL_SECONDS
        item.obj = _in_time(item.obj, seconds)
    if _is_plain(item):
        return (yield)
    with _untraced():
        return (yield)


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    """Without coverage, which doubles a test's time.

    It is taken of plain functions: they call the cores themselves.  Shells, programs and
    random walks need not be what covers a branch.  (The mark no_cover of pytest-cov
    does not stop it in a worker of pytest-xdist.)
    """
    here, threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(threads)
        sys.settrace(here)


def _in_time(test: Any, seconds: float) -> Any:
    @functools.wraps(test)
    async def timed(**arguments: Any) -> None:
        with trio.fail_after(seconds):
            await test(**arguments)

    return timed
