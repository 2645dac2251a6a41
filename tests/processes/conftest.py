"""Real programs on the loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.programs import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield from staged(tmp_path)
