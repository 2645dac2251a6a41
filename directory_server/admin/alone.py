"""Perform what the operator asks on the data alone, while no directory runs there."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from directory_server.admin.operator import Operator
from directory_server.admin.requests import Answer, AnyRequest
from directory_server.community.community import Community
from directory_server.settings import Settings
from directory_server.storage.founding import check_founded, find
from directory_server.storage.opening import open_sqlite
from directory_server.storage.store_mark import is_elsewhere
from shared.errors import Refused
from shared.real import real_world
from shared.running import while_it_runs

Show = Callable[[Answer], Awaitable[None]]


async def perform_alone(folder: Path, request: AnyRequest, show: Show) -> None:
    """Perform the request.  Raises Refused or StorageError."""
    world = real_world(folder)
    check_founded(world.disk)
    if is_elsewhere(world.disk):
        raise Refused(
            "no directory runs on this data, and its names are in PostgreSQL: start it, then ask",
            "DIRECTORY",
        )
    world.disk.lock()
    try:
        store = open_sqlite(world.disk)
        found = await find(world.disk, store, world.chance.randbytes, found_anew=False)

        async def perform() -> None:
            community = Community(world, Settings(), found.authority, store)
            await community.recall()
            await Operator(community).perform(request, show)

        await while_it_runs(store.run, perform)
    finally:
        world.disk.unlock()
