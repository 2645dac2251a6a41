"""Attackers play in the same communities and towns as everybody else.

Real programs are started where a process is the point.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.directory_server.conftest import town
from tests.kit.jumping_clock import community, pytest_collection_modifyitems
from tests.kit.programs import Stage, staged

__all__ = ["community", "pytest_collection_modifyitems", "town"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield from staged(tmp_path)
