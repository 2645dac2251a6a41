"""Four users who sign.  One of them is hostile."""

import pytest

from tests.kit.signed import Program


@pytest.fixture
def carol() -> Program:
    return Program("carol", 1)


@pytest.fixture
def dave() -> Program:
    return Program("dave", 100)


@pytest.fixture
def erin() -> Program:
    return Program("erin", 200)


@pytest.fixture
def mallory() -> Program:
    """Return somebody hostile."""
    return Program("mallory", 300)
