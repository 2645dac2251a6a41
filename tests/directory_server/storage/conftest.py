"""The stores that all keep one contract."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import trio

from directory_server.core.limits import MAIL_MIB
from directory_server.storage.sqlite import SqliteStore
from directory_server.storage.store import Store
from tests.kit.postgres import Server, needs_postgres, servers
from tests.kit.stores import FarStore
from tests.kit.world import MemoryDisk

Opened = Callable[[int], Awaitable[Store]]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with servers() as all_of_them:
        yield all_of_them.one()


@pytest.fixture(params=["sqlite", "far", pytest.param("postgres", marks=needs_postgres)])
async def opened(request: pytest.FixtureRequest, nursery: trio.Nursery) -> AsyncIterator[Opened]:
    """Return the opening of a new store that runs; it is closed after the test."""
    url = ""
    if request.param == "postgres":
        server: Server = request.getfixturevalue("server")
        server.ask("DROP SCHEMA IF EXISTS parley CASCADE")
        url = server.url

    async def open_store(mail_mib: int) -> Store:
        store: Store
        if url:
            from directory_server.storage.postgres.store import open_postgres

            store = await open_postgres(url, mail_mib)
        else:
            store = SqliteStore(MemoryDisk(), mail_mib)
        if request.param == "far":
            store = FarStore(store, seconds=0)
        await nursery.start(store.run)
        return store

    yield open_store
    nursery.cancel_scope.cancel()


@pytest.fixture
async def store(opened: Opened) -> Store:
    return await opened(MAIL_MIB)
