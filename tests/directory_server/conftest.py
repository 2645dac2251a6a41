import pytest
import trio

from tests.kit.directory import Town


@pytest.fixture
async def town(nursery: trio.Nursery) -> Town:
    """A directory that is open.

    A test in which much time passes also asks for `autojump_clock`.
    """
    town = Town(nursery)
    await town.opens()
    return town
